"""Promises of what can be done to a link from its pages: rules, another group, pause, leaving; and of choosing for a new one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem.core.contact import FieldName
from tandem.core.policy import BrakeLimits, ConflictRule, DeletionRule, Direction, OutsideRule
from tandem.core.state import Side
from tandem.sandbox.faults import Rule
from tandem.store import models
from tandem.store.contents import policy_data
from web.premises import GROUP, SETTINGS, Browser, Premises


def base(premises: Premises) -> str:
    """Where the pages of the link begin."""
    return f"/links/{premises.link.pk}"


def resource(premises: Premises, name: str) -> str:
    """The resource name of a label."""
    return next(f"contactGroups/{one['id']}" for one in premises.world.google.state()["groups"] if one["name"] == name)


# Choosing


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"group": "new", "name": " "}, "Give the new group a name."),
        ({"group": "new", "name": GROUP.upper()}, "There is a group of this name already"),
        ({"group": "new", "name": "x" * 101}, "at most 100 characters"),
        ({"group": "contactGroups/starred"}, "Choose a group."),
        ({"group": "contactGroups/777"}, "Choose a group."),
        ({"group": "new", "name": "Crew", "country": "XX"}, "This is no country code"),
        ({"group": "new", "name": "Crew", "country": "P"}, "This is no country code"),
        ({"group": "new", "name": "Crew", "scope": "filter:777"}, "Select a valid choice"),
        ({"group": "new", "name": "Crew", "direction": "up"}, "Select a valid choice"),
    ],
)
def test_a_wrong_choice_is_told(connected: Premises, fields: dict[str, str], words: str) -> None:
    """Beside the field, with everything as it was filled in; nothing is made, here or there."""
    browser = connected.browser()
    browser.press("Enable sync with Google Contacts")
    form, _ = browser.find("To the preview")
    browser.post(f"{SETTINGS}/choose", **{**form.fields, "conflicts": "ask", **fields})
    assert browser.answer.status_code == 400
    assert words in browser.page.text
    again, _ = browser.find("To the preview")
    assert again.fields["conflicts"] == "ask"
    assert again.fields["name"] == fields.get("name", form.fields["name"])
    assert models.Link.objects.using(connected.alias).count() == 0
    assert connected.writes() == []


def test_rules_scope_and_country_are_taken(connected: Premises) -> None:
    """What is chosen is what the link is made of; the country is proposed, filters are offered by name."""
    number = connected.pipedrive_does("create_filter", name="VIP & <i>", conditions=[{"field": "owner_id", "value": 1}])["id"]
    browser = connected.browser()
    browser.press("Enable sync with Google Contacts")
    assert "The filter “VIP & <i>”" in browser.page.text
    form, _ = browser.find("To the preview")
    assert form.choices["scope"] == ["mine", "visible", f"filter:{number}"]
    chosen = {"direction": "to-google", "conflicts": "google", "deletions": "never", "outside": "adopt"}
    browser.press("To the preview", group=resource(connected, GROUP), scope=f"filter:{number}", country="de", **chosen)
    link = connected.link
    policy = connected.tandem.links.policy(link)
    assert (policy.direction, policy.conflicts, policy.outside) == (Direction.TO_LEFT, ConflictRule.LEFT, OutsideRule.ADOPT)
    assert {policy.deletion_rule(side) for side in Side} == {DeletionRule.NEVER}
    assert (policy.region, link.right_settings["scope"]) == ("DE", f"filter:{number}")
    assert link.left_settings["title"] == GROUP


def test_accounts_that_are_linked_already(draft: Premises) -> None:
    """A second link of the same two is refused with a sentence, and no label is left behind."""
    browser = draft.browser()
    browser.get(SETTINGS)
    browser.press("Link two more accounts")
    browser.press("To the preview", name="Second")
    assert browser.answer.status_code == 400
    assert "These two accounts are linked already" in browser.page.notices[0]
    assert "Second" not in [one["name"] for one in draft.world.google.state()["groups"]]


def test_one_of_several_accounts_is_chosen(signed: Premises) -> None:
    """With two Google accounts the one that is picked is the one whose labels are shown."""
    signed.google_does("add_account", email="other@example.com")
    signed.google_does("create_group", name="Of the other", account="other@example.com")
    browser = signed.browser()
    browser.consent("Google")
    browser.consent("Google", account="other@example.com")
    browser.consent("Pipedrive")
    browser.press("Enable sync with Google Contacts", google="google-2")
    assert "Of the other" in browser.page.text
    browser.get(f"{SETTINGS}/choose?google=google-1&pipedrive=pipedrive-1")
    assert "Of the other" not in browser.page.text
    browser.get(f"{SETTINGS}/choose?google=google-7")
    assert browser.page.notices == ["Connect both accounts first."]


# Rules


def test_other_rules_hold_from_now_on(synced: Premises, browser: Browser) -> None:
    """The form shows what holds; what is chosen is followed by the next cycle; the country stays."""
    browser.get(f"{base(synced)}/rules")
    form, _ = browser.find("Save")
    assert (form.fields["direction"], form.fields["conflicts"]) == ("two-way", "ask")
    assert "compared as numbers of PL" in browser.page.text
    browser.press("Save", conflicts="google")
    assert browser.page.notices == ["The rules are saved."]
    synced.google_does("update", id=synced.google()["Anna"]["id"], names=[{"givenName": "Anna", "familyName": "Left"}])
    synced.pipedrive_does("update_person", id=synced.pipedrive()["Anna"]["id"], name="Anna Right")
    synced.pass_time(600)
    synced.live()
    assert "Left" in str(synced.pipedrive()["Anna"])
    assert synced.tandem.links.policy(synced.link).region == "PL"


def test_rules_that_the_page_does_not_show_stay(synced: Premises, browser: Browser) -> None:
    """What was set elsewhere - fields, rules of single fields, the brake, a rule for one side alone - is not lost by saving the page."""
    policy = synced.tandem.links.policy(synced.link)
    wanted = replace(
        policy,
        fields=policy.fields - {FieldName("address")},
        conflicts_by_field={FieldName("phones"): ConflictRule.LEFT},
        brake=BrakeLimits(removals=1),
        deletions={Side.RIGHT: DeletionRule.ASK},
    )
    synced.set_link(policy=policy_data(wanted))
    browser.get(f"{base(synced)}/rules")
    browser.press("Save", outside="separate")
    assert synced.tandem.links.policy(synced.link) == replace(wanted, outside=OutsideRule.SEPARATE)
    browser.get(f"{base(synced)}/rules")
    browser.press("Save", deletions="never")
    assert synced.tandem.links.policy(synced.link).deletions == dict.fromkeys(Side, DeletionRule.NEVER)


def test_wrong_rules_are_told(synced: Premises, browser: Browser) -> None:
    """A rule that there is not: nothing is changed."""
    before = synced.rows()
    browser.get(f"{base(synced)}/rules")
    browser.post(f"{base(synced)}/rules", direction="up", conflicts="ask", deletions="ask", outside="ask")
    assert "Select a valid choice" in browser.page.text
    assert synced.rows() == before


# Another group


@pytest.mark.parametrize(("leaves", "is_in"), [("no", True), ("yes", False)])
def test_another_group(synced: Premises, browser: Browser, leaves: str, is_in: bool) -> None:
    """Paired contacts are put into the new group, or left where they are; nobody is deleted or doubled."""
    new = resource(synced, "Tennis & <b>Golf</b>")
    browser.get(f"{base(synced)}/group")
    browser.press("Choose this group", group=new, leaves=leaves)
    assert browser.page.notices == ["The group is now “Tennis & <b>Golf</b>”."]
    synced.live()
    assert [new.partition("/")[2] in synced.google()[first]["groups"] for first in ("Anna", "Ewa", "Jan")] == [is_in] * 3
    assert (len(synced.google()), len(synced.pipedrive())) == (4, 3)


def test_a_new_group_and_a_wrong_one(synced: Premises, browser: Browser) -> None:
    """It is made when its name is free; else the page says what is wrong and nothing is changed."""
    browser.get(f"{base(synced)}/group")
    before = synced.rows()
    browser.press("Choose this group", name=GROUP)
    assert "There is a group of this name already" in browser.page.text
    assert synced.rows() == before
    browser.press("Choose this group", name="Fresh")
    assert browser.page.notices == ["The group is now “Fresh”."]
    synced.live()
    assert resource(synced, "Fresh").partition("/")[2] in synced.google()["Anna"]["groups"]


def test_a_group_that_is_gone(synced: Premises, browser: Browser) -> None:
    """Somebody deletes the label: the status page says so, and leads to the choice of another one, which lets it go on."""
    synced.google_does("delete_group", group=resource(synced, GROUP))
    synced.pass_time(4000)
    synced.live()
    browser.get(base(synced))
    assert "needs you" in browser.page.text
    browser.follow("Choose another group")
    browser.press("Choose this group", name="Fresh")
    synced.live()
    assert synced.link.state == "active"
    assert (len(synced.google()), len(synced.pipedrive())) == (4, 3)


# Pause and go on


def test_pause_and_go_on(synced: Premises, browser: Browser) -> None:
    """Paused, nothing is looked at; resumed, what happened meanwhile goes over."""
    browser.get(base(synced))
    browser.press("Pause")
    assert browser.page.notices == ["Paused. Nothing is synced until you resume."]
    assert not browser.has_button("Sync now")
    synced.contact("Olga")
    synced.pass_time(4000)
    asked = len(synced.world.log)
    synced.live()
    assert len(synced.world.log) == asked
    browser.get(f"{base(synced)}/now")
    assert "paused" in browser.page.text
    browser.get(base(synced))
    browser.press("Resume")
    assert browser.page.notices == ["It goes on."]
    synced.live()
    assert "Olga" in synced.pipedrive()


def test_an_action_that_is_not_known(synced: Premises, browser: Browser) -> None:
    """It is told, and nothing is changed."""
    before = synced.rows()
    for action in ("", "remove", "<script>"):
        browser.post(f"{base(synced)}/do", action=action)
        assert browser.page.notices == ["This is not known here; nothing was changed."]
    assert synced.rows() == before


def test_sync_now_of_what_may_not_run(synced: Premises, browser: Browser) -> None:
    """Asked for a sync while it is paused: told, and it stays paused."""
    synced.set_link(state="paused")
    for path, fields in ((f"{base(synced)}/do", {"action": "sync"}), (f"{base(synced)}/save", {})):
        browser.post(path, **fields)
        assert "paused" in browser.page.notices[0]
        assert synced.link.state == "paused"


def test_many_who_left_the_group(synced: Premises, browser: Browser) -> None:
    """Everybody taken out of the label: nothing is deleted, the page asks, and one press lets them stay outside."""
    for first in ("Anna", "Ewa", "Jan"):
        synced.google_does("remove_label", id=synced.google()[first]["id"], group=resource(synced, GROUP))
    synced.pass_time(4000)
    synced.live()
    assert len(synced.pipedrive()) == 3
    browser.get(base(synced))
    if synced.link.state == "needs-person":
        browser.press("They shall stay outside")
        assert browser.page.notices == ["They stay outside, as they are."]
        synced.live()
        assert synced.link.state == "active"
    assert (len(synced.google()), len(synced.pipedrive())) == (4, 3)


# Leaving


def test_leaving_keeps_both_sides_and_erases(synced: Premises, browser: Browser) -> None:
    """After a question: nothing is deleted there, and no content of a contact is left here."""
    link = synced.link.pk
    browser.get(f"/links/{link}")
    browser.follow("End this sync")
    assert "Nothing is deleted" in browser.page.text
    assert synced.link.state == "active"
    people, writes = (synced.google(), synced.pipedrive()), len(synced.writes())
    browser.press("End this sync")
    assert browser.path == SETTINGS
    assert "The sync is ended." in browser.page.notices[0]
    assert (synced.google(), synced.pipedrive()) == people
    assert len(synced.writes()) == writes
    kept = "\n".join(synced.rows())
    assert [
        name for name in ("Anna", "Ewa", "Jan", "Nowak", "600 123", "@example.com") if name in kept.replace("sandbox.person@", "")
    ] == []
    assert browser.has_button("Enable sync with Google Contacts")
    assert browser.get(f"/links/{link}").status_code == 404


def test_an_account_that_a_link_uses_stays(synced: Premises, browser: Browser) -> None:
    """It is told which; after leaving it is disconnected, its consent ended, and the other one stays."""
    browser.get(SETTINGS)
    browser.press("Disconnect", nth=0)
    assert "is used by link" in browser.page.notices[0]
    assert models.Account.objects.using(synced.alias).filter(removed_at=None).count() == 2
    browser.get(f"{base(synced)}/leave")
    browser.press("End this sync")
    browser.press("Disconnect", nth=0)
    assert browser.page.notices == ["Google is disconnected."]
    assert synced.world.google.oauth.grants == {}
    browser.press("Disconnect")
    assert browser.page.notices[0] == "Pipedrive is disconnected."
    assert "The API token itself stays valid" in browser.page.notices[1]
    assert models.Account.objects.using(synced.alias).filter(removed_at=None).count() == 0
    assert models.Secret.objects.using(synced.alias).count() == 0


def test_a_service_that_cannot_be_told(connected: Premises) -> None:
    """Google does not answer the end of a consent: the account stays, until somebody insists and ends it there by hand."""
    connected.world.faults.add(Rule("google", "oauth.revoke", "503", times=None))
    browser = connected.browser()
    browser.get(SETTINGS)
    browser.press("Disconnect", nth=0)
    assert "Google could not be told to end Tandem's access" in browser.page.text
    assert models.Account.objects.using(connected.alias).filter(removed_at=None).count() == 2
    browser.press("Forget it here all the same")
    assert "take Tandem's access away there" in browser.page.text
    assert models.Account.objects.using(connected.alias).filter(removed_at=None).count() == 1
