"""The choice of the contact group, and with it the rules of a new link; or another group for one that there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from phonenumbers import SUPPORTED_REGIONS

from tandem.app.linking import Label, Wish
from tandem.app.sides import CONFLICTS, DIRECTIONS, GOOGLE, PIPEDRIVE
from tandem.core.policy import DeletionRule, OutsideRule, Policy
from tandem.core.state import LinkId, Side
from tandem.errors import TandemError
from tandem.store import models
from tandem.store.links import label_of
from tandem.store.users import Belongings
from tandem.web.signing_in import linked, signed_in
from tandem.web.site import here

#: Proposed for a new group: the first that is free.
_NAMES = ("Pipedrive", "Tandem")
#: Stands for a group that is to be made.
NEW = "new"


class Rules(forms.Form):
    """What may be changed later, too."""

    direction = forms.ChoiceField(
        label=gettext_lazy("Direction"), initial="two-way", widget=forms.RadioSelect,
        choices=[
            ("two-way", gettext_lazy("Both ways")), ("to-google", gettext_lazy("Only from Pipedrive to Google")),
            ("to-pipedrive", gettext_lazy("Only from Google to Pipedrive")),
        ],
    )  # fmt: skip
    conflicts = forms.ChoiceField(
        label=gettext_lazy("When both sides changed the same value"), initial="pipedrive", widget=forms.RadioSelect,
        choices=[
            ("pipedrive", gettext_lazy("Pipedrive wins")), ("google", gettext_lazy("Google wins")), ("ask", gettext_lazy("Ask me")),
        ],
        help_text=gettext_lazy("What lost stays in the history and can be put back."),
    )  # fmt: skip
    deletions = forms.ChoiceField(
        label=gettext_lazy("When somebody is deleted on one side"), initial="propagate", widget=forms.RadioSelect,
        choices=[
            ("propagate", gettext_lazy("Delete on the other side too, with the brake")), ("ask", gettext_lazy("Ask me")),
            ("never", gettext_lazy("Never delete on the other side")),
        ],
        help_text=gettext_lazy("More than a few deletions in a day always wait for your word."),
    )  # fmt: skip
    outside = forms.ChoiceField(
        label=gettext_lazy("People who already stand in Google outside the group"), initial="ask", widget=forms.RadioSelect,
        choices=[
            ("ask", gettext_lazy("Propose them to me")), ("adopt", gettext_lazy("Put those that are certain into the group")),
            ("separate", gettext_lazy("Make separate contacts")),
        ],
    )  # fmt: skip

    def policy(self, before: Policy) -> Policy:
        """The rules as chosen; what the form does not show stays as it was."""
        chosen = self.cleaned_data
        rule = DeletionRule(chosen["deletions"])
        deletions = {} if rule is DeletionRule.PROPAGATE else dict.fromkeys(Side, rule)
        return replace(
            before,
            direction=DIRECTIONS[chosen["direction"]],
            conflicts=CONFLICTS[chosen["conflicts"]],
            deletions=before.deletions if rule is before.deletion_rule(Side.RIGHT) else deletions,
            outside=OutsideRule(chosen["outside"]),
        )

    @staticmethod
    def of(policy: Policy) -> dict[str, str]:
        """Rules as the form's values."""
        return {
            "direction": next(word for word, value in DIRECTIONS.items() if value is policy.direction),
            "conflicts": next(word for word, value in CONFLICTS.items() if value is policy.conflicts),
            "deletions": policy.deletion_rule(Side.RIGHT).value,
            "outside": policy.outside.value,
        }


class Group(forms.Form):
    """A contact group, by its resource name, or a new one."""

    group = forms.ChoiceField(label=gettext_lazy("Contact group"), widget=forms.RadioSelect)
    name = forms.CharField(label=gettext_lazy("Name of the new group"), max_length=100, required=False)

    def __init__(self, *args: Any, labels: list[Label], **kwargs: Any) -> None:
        taken = {label.title.casefold() for label in labels}
        names = (name for name in (*_NAMES, *(f"{_NAMES[0]} {number}" for number in range(2, 1000))) if name.casefold() not in taken)
        super().__init__(*args, **{"initial": {"name": next(names, "")}, **kwargs})
        self.labels = labels
        choice = self.fields["group"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101 - says so to the type checker
        choice.choices = [(NEW, gettext("A new group")), *((label.resource, label.title) for label in labels)]

    def clean(self) -> dict[str, Any]:
        """A new group needs a name that is free."""
        chosen = super().clean() or self.cleaned_data
        name = str(chosen.get("name", "")).strip()
        if chosen.get("group") == NEW and not name:
            self.add_error("name", gettext("Give the new group a name."))
        if chosen.get("group") == NEW and name.casefold() in {label.title.casefold() for label in self.labels}:
            self.add_error("name", gettext("There is a group of this name already: choose it above, or another name."))
        return chosen

    @property
    def wanted(self) -> tuple[str, bool]:
        """The group by name or resource name, and whether it is to be made."""
        is_new = self.cleaned_data["group"] == NEW
        return (self.cleaned_data["name"].strip() if is_new else self.cleaned_data["group"]), is_new


class Scope(forms.Form):
    """Which persons of Pipedrive, and how their numbers are read."""

    scope = forms.ChoiceField(label=gettext_lazy("Persons of Pipedrive"), widget=forms.RadioSelect, initial="mine")
    country = forms.CharField(
        label=gettext_lazy("Country of numbers without country code"), max_length=2, required=False,
        help_text=gettext_lazy("Two letters, such as PL. It is for comparing only; numbers stay as they are written."),
    )  # fmt: skip

    def __init__(self, *args: Any, filters: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["scope"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101 - says so to the type checker
        choice.choices = [
            ("mine", gettext("Those that I own")), ("visible", gettext("All that I may see")),
            *((f"filter:{number}", gettext("The filter “%(name)s”") % {"name": name}) for number, name in filters),
        ]  # fmt: skip

    def clean_country(self) -> str:
        """A country that the library of numbers knows."""
        code = str(self.cleaned_data["country"]).strip().upper()
        if code and code not in SUPPORTED_REGIONS:
            raise forms.ValidationError(gettext("This is no country code; give two letters, such as PL."))
        return code


@signed_in
def choose(request: HttpRequest, user: models.User) -> HttpResponse:
    """Enable the sync: which group, which persons, by which rules. Nothing is synced before the preview is saved."""
    tandem = here().tandem
    accounts = {service: [] for service in (GOOGLE, PIPEDRIVE)}  # type: dict[str, list[models.Account]]
    for account in Belongings(tandem.alias, user).accounts():
        accounts[account.service].append(account)
    given = request.POST or request.GET
    chosen = {service: _one(found, given.get(service, "")) for service, found in accounts.items()}
    google, pipedrive = chosen[GOOGLE], chosen[PIPEDRIVE]
    if google is None or pipedrive is None:
        messages.error(request, gettext("Connect both accounts first."))
        return redirect("settings")
    try:
        labels = tandem.linking.labels(google)
        offered = tandem.linking.offered(pipedrive)
    except TandemError as error:
        messages.error(request, str(error))
        return redirect("settings")
    group, rules = Group(request.POST or None, labels=labels), Rules(request.POST or None)
    scope = Scope(request.POST or None, filters=list(offered.filters), initial={"country": offered.region})
    if request.method == "POST" and all([group.is_valid(), rules.is_valid(), scope.is_valid()]):
        wanted, is_new = group.wanted
        wish = Wish(
            label_of(google),
            label_of(pipedrive),
            wanted,
            rules.policy(Policy(region=scope.cleaned_data["country"])),
            is_new,
            scope.cleaned_data["scope"],
        )
        try:
            made = tandem.make_link(wish)
        except TandemError as error:
            group.add_error(None, str(error))
        else:
            return redirect("preview", made.row.pk)
    context = {
        "group": group, "scope": scope, "rules": rules, "labels": labels, "google": google, "pipedrive": pipedrive, "new": NEW,
        "is_first": not request.POST,
    }  # fmt: skip
    return render(request, "choose.html", context, status=400 if request.POST else 200)


def _one(accounts: list[models.Account], label: str) -> models.Account | None:
    """The account that is meant, or the only one."""
    found = [account for account in accounts if label_of(account) == label] if label else accounts[:1]
    return found[0] if found else None


@linked
def regroup(request: HttpRequest, row: models.Link) -> HttpResponse:
    """Choose another group for a link: what is paired stays paired, and who is not in it is a question."""
    tandem = here().tandem
    try:
        labels = tandem.linking.labels(row.left_account)
    except TandemError as error:
        messages.error(request, str(error))
        return redirect("link", row.pk)
    form = Group(request.POST or None, labels=labels)
    if request.method == "POST" and form.is_valid():
        wanted, is_new = form.wanted
        try:
            label, _ = tandem.regrouping.choose(row.pk, wanted, leaves=request.POST.get("leaves") == "yes", creates=is_new)
        except TandemError as error:
            form.add_error(None, str(error))
        else:
            here().previews.drop(row.pk)
            tandem.schedule.request(LinkId(row.pk))
            messages.success(request, gettext("The group is now “%(name)s”.") % {"name": label.title})
            return redirect("link", row.pk)
    return render(request, "group.html", {"row": row, "group": form, "labels": labels, "new": NEW})
