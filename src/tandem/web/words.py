"""Words that are kept as data (fields, states, kinds of questions and of changes), as people read them, in the language of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

_FIELDS: Mapping[str, Promise] = {
    "first_name": gettext_lazy("first name"),
    "last_name": gettext_lazy("last name"),
    "organisation": gettext_lazy("organisation"),
    "phones": gettext_lazy("phone numbers"),
    "emails": gettext_lazy("e-mail addresses"),
    "messengers": gettext_lazy("messengers"),
    "address": gettext_lazy("address"),
}
STATES: Mapping[str, Promise] = {
    "draft": gettext_lazy("not started"),
    "active": gettext_lazy("in sync"),
    "paused": gettext_lazy("paused"),
    "waiting": gettext_lazy("waiting, goes on by itself"),
    "needs-person": gettext_lazy("needs you"),
    "restored": gettext_lazy("restored from a backup"),
}
QUESTIONS: Mapping[str, Promise] = {
    "match": gettext_lazy("Possible matches"),
    "duplicate": gettext_lazy("Possible duplicates"),
    "conflict": gettext_lazy("Conflicts"),
    "backup": gettext_lazy("Changed on both sides since the backup"),
    "hold": gettext_lazy("Held by the brake"),
    "deletion-against-edit": gettext_lazy("Deleted on one side, edited on the other"),
    "merge": gettext_lazy("Counterpart merged away"),
    "restored": gettext_lazy("Taken back out of the bin"),
    "scope": gettext_lazy("Left the group or filter"),
    "regroup": gettext_lazy("Change of the group"),
    "unknown-creation": gettext_lazy("Creations whose outcome is unclear"),
}
WRITES: Mapping[str, Promise] = {
    "create": pgettext_lazy("history", "created"),
    "update": pgettext_lazy("history", "changed"),
    "delete": pgettext_lazy("history", "deleted"),
    "join": pgettext_lazy("history", "put into the group"),
    "merge": pgettext_lazy("history", "merged into another one"),
    "left": pgettext_lazy("history", "left alone, since others use it too"),
    "match": pgettext_lazy("history", "found to be the same person"),
    "adopt": pgettext_lazy("history", "put into the group"),
    "unpair": pgettext_lazy("history", "not synced any more"),
    "release": pgettext_lazy("history", "taken out of the group"),
    "conflict": pgettext_lazy("history", "value lost a conflict; it is kept here"),
}
PLANNED: Mapping[str, Promise] = {
    "create": pgettext_lazy("plan", "to create"),
    "update": pgettext_lazy("plan", "to change"),
    "delete": pgettext_lazy("plan", "to delete"),
}
DOUBTS: Mapping[str, Promise] = {
    "ambiguous": gettext_lazy("several could be the same person"),
    "twin": gettext_lazy("looks like a person who already has a counterpart"),
    "outside": gettext_lazy("already stands in Google Contacts or Pipedrive, outside what is synced"),
    "backup": gettext_lazy("both sides have moved since the backup, and differ"),
    "copy": gettext_lazy("a copy of a record that Tandem made"),
}
STEPS: Mapping[str, Promise] = {
    "update": pgettext_lazy("undo", "gets its earlier values back"),
    "remove": pgettext_lazy("undo", "the copy is deleted; the other side stays"),
    "restore": pgettext_lazy("undo", "is made again"),
    "unpair": pgettext_lazy("undo", "the two are not synced with each other any more"),
    "pair": pgettext_lazy("undo", "the two are synced again"),
    "release": pgettext_lazy("undo", "is taken out of the group"),
}
PAIRS: Mapping[str, Promise] = {
    "linked": gettext_lazy("in sync"), "one-sided": gettext_lazy("to be copied"), "frozen": gettext_lazy("left alone"),
    "closed": gettext_lazy("out of the sync"), "unpaired": gettext_lazy("no counterpart yet"),
}  # fmt: skip
#: What ends a state of need: the name of what to do, for the page that does it.
RECONNECT = frozenset({"ReconnectNeeded", "ConsentNarrowed", "AccountChanged"})


@dataclass(frozen=True, slots=True)
class ToDo:
    """The one thing to do about a link that stands: a page to go to, or something that `do` takes."""

    text: str
    page: str = ""
    action: str = ""


def field(name: str) -> str:
    """A synced field."""
    return str(_FIELDS.get(name, name.replace("_", " ")))


def to_do(state: str, reason: str) -> ToDo | None:
    """What to do about a link in this state, for this reason; None where there is nothing."""
    if state in {"draft", "restored"}:
        return ToDo(str(gettext_lazy("Look at the preview")), page="preview")
    if state == "paused":
        return ToDo(str(gettext_lazy("Resume")), action="resume")
    if state != "needs-person":
        return None
    if reason in RECONNECT:
        return ToDo(str(gettext_lazy("Connect again")), page="settings")
    if reason == "GroupGone":
        return ToDo(str(gettext_lazy("Choose another group")), page="regroup")
    if reason == "ScopeLeft":
        return ToDo(str(gettext_lazy("They shall stay outside")), action="let-go")
    if reason == "OtherInstallation":
        return ToDo(str(gettext_lazy("The other Tandem is gone for good")), action="other-is-gone")
    return ToDo(str(gettext_lazy("Try again")), action="sync")
