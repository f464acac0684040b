"""The promises A1-A11, as far as the pages keep them: each test is named after its line."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from accounts.installed import answer
from tandem.core.contact import DEFAULT_FIELDS
from tandem.sandbox.faults import Rule
from tandem.sandbox.world import World
from tandem.store import models
from web.premises import GROUP, SETTINGS, Browser, Premises, kept, opened, placed, restored

RULES = {"direction": "two-way", "conflicts": "pipedrive", "deletions": "propagate", "outside": "ask"}


def enable(browser: Browser, group: str, **more: str) -> None:
    """From the settings to the preview of a new link on this group."""
    browser.get(SETTINGS)
    browser.press("Enable sync with Google Contacts")
    browser.press("To the preview", group=group, **more)
    assert browser.path.endswith("/preview"), browser.page.text


def test_a1_both_accounts_are_connected_in_the_browser(signed: Premises) -> None:
    """Google by its consent page, Pipedrive by its; again without starting over; or Pipedrive by its token."""
    browser = signed.browser()
    assert browser.path == SETTINGS
    assert not browser.has_button("Enable sync with Google Contacts")
    browser.consent("Google")
    assert (browser.path, browser.page.notices) == (SETTINGS, ["The account is connected."])
    assert "sandbox.person@example.com" in browser.page.text
    browser.consent("Pipedrive")
    assert "The account is connected." in browser.page.notices[0]
    assert browser.has_button("Enable sync with Google Contacts")
    owners = models.Account.objects.using(signed.alias).values_list("user", flat=True)
    assert list(owners) == [models.User.objects.using(signed.alias).get().pk] * 2
    browser.press("Connect again", follows=False)
    brought = answer(signed.world, browser.answer.headers["location"])
    browser.get(f"/accounts/google/callback?{urlencode(brought)}")
    assert browser.page.notices == ["The account is connected."]
    assert models.Account.objects.using(signed.alias).count() == 2


def test_a1_pipedrive_by_its_token(signed: Premises) -> None:
    """A token that Pipedrive does not know is not kept, and the page says so; the right one connects."""
    browser = signed.browser()
    browser.press("Connect with the token", token="0123456789abcdef0123456789abcdef01234567")
    assert browser.answer.status_code == 400
    assert "Pipedrive" in browser.page.text
    assert "0123456789abcdef" not in browser.answer.text
    assert models.Account.objects.using(signed.alias).count() == 0
    browser.press("Connect with the token", token=" sandbox-pipedrive-token ")
    assert (browser.path, browser.answer.status_code) == (SETTINGS, 200)
    assert "Pipedrive is connected" in browser.page.notices[0]


def test_a2_settings_personal_google_contacts(connected: Premises) -> None:
    """The page stands where the article says, in its words."""
    browser = connected.browser()
    browser.get("/settings/personal/google-contacts")
    assert browser.answer.status_code == 200
    assert "Settings › Personal › Google Contacts" in browser.page.text
    assert browser.has_button("Enable sync with Google Contacts")


def test_a3_every_label_with_its_count(connected: Premises) -> None:
    """Every label of the account and My contacts are offered, each with the number of its contacts."""
    browser = connected.browser()
    browser.press("Enable sync with Google Contacts")
    text = browser.page.text
    for label in ("Pipedrive 2 contacts", "Tennis & <b>Golf</b> 0 contacts", "My contacts 3 contacts"):
        assert label in text
    labels = {
        f"contactGroups/{one['id']}" for one in connected.world.google.state()["groups"] if one["name"] in (GROUP, "Tennis & <b>Golf</b>")
    }
    form, _ = browser.find("To the preview")
    assert set(form.choices["group"]) == {"new", "contactGroups/myContacts", *labels}


def test_a4_the_warning_stands_beside_my_contacts(connected: Premises) -> None:
    """With the number of contacts it would bring in; a group of its own is chosen already, under a name that is free."""
    browser = connected.browser()
    browser.press("Enable sync with Google Contacts")
    assert "This brings all 3 contacts into Pipedrive, family and friends too. A group of its own is better." in browser.page.notices
    before, _, after = browser.page.text.partition("This brings all 3 contacts")
    assert before.rstrip().endswith("My contacts 3 contacts")
    form, _ = browser.find("To the preview")
    assert (form.fields["group"], form.fields["name"]) == ("new", "Tandem")
    browser.press("To the preview", name="Crew")
    assert browser.path.endswith("/preview")
    assert "Crew" in [one["name"] for one in connected.world.google.state()["groups"]]
    assert after


def test_a4_all_contacts_if_somebody_wants_it(connected: Premises) -> None:
    """Who chooses My contacts gets all of them, as the preview says."""
    browser = connected.browser()
    enable(browser, "contactGroups/myContacts", scope="visible")
    assert "3 seen in Google" in browser.page.text
    connected.google_does("create", fields={"names": [{"givenName": "Late"}]})
    browser.press("Look again")
    assert "4 seen in Google" in browser.page.text


def test_a5_save_starts_the_sync_and_nothing_before(connected: Premises) -> None:
    """Up to Save nothing is written at either service; after it, the next look of the working process syncs."""
    browser = connected.browser()
    group = next(f"contactGroups/{one['id']}" for one in connected.world.google.state()["groups"] if one["name"] == GROUP)
    enable(browser, group, country="pl")
    link = connected.link
    assert (link.state, connected.tandem.links.policy(link).region) == ("draft", "PL")
    connected.live()
    assert connected.writes() == []
    assert "Ewa Nowak" in browser.get(f"/links/{link.pk}/preview?part=pipedrive").text
    browser.press("Save and begin to sync")
    assert browser.path == f"/links/{link.pk}"
    assert "Saved." in browser.page.notices[0]
    assert "First sync under way" in browser.page.text
    assert connected.writes() == []
    connected.live()
    assert {"Anna", "Ewa", "Jan"} <= set(connected.google())
    assert set(connected.pipedrive()) == {"Anna", "Ewa", "Jan"}
    browser.get(f"/links/{link.pk}")
    assert "in sync" in browser.page.text
    assert "First sync" not in browser.page.text
    assert "Contacts in sync 3" in browser.page.text


def test_a6_progress_goes_on_after_a_restart(tmp_path: Path) -> None:
    """A first sync that is interrupted says how much is done and left; closed and opened again, it goes on from there to its end."""
    found = kept("draft")
    world = World.restore(found.world)
    for number in range(24):
        first = f"P{number:02d}"
        world.pipedrive.human(
            "create_person", {"name": f"{first} Lis", "emails": [{"value": f"{first.lower()}@example.com", "primary": True}]}
        )
    for number in range(16):
        fields = {"names": [{"givenName": f"G{number:02d}"}], "emailAddresses": [{"value": f"g{number}@example.com"}]}
        world.google.human("create", {"fields": fields, "groups": [GROUP]})
    with placed(tmp_path, found.content, found.key) as (environment, _):
        with opened(world, environment, tmp_path) as premises:
            link = premises.link.pk
            browser = premises.browser()
            browser.get(f"/links/{link}/preview")
            browser.press("Save and begin to sync")
            assert "Both address books are being read." in browser.page.text
            # Pipedrive goes away in the middle.
            world.faults.add(Rule("pipedrive", "", "503", method="POST", skip=6, times=None))
            premises.live(turns=1)
            browser.get(f"/links/{link}")
            assert premises.link.first_synced_at is None
            done = [word for word in browser.page.text.split(". ") if " of 43 written" in word]
            assert done, browser.page.text
            before = browser.page.text.partition(" of 43 written")[0].split()[-1]
            assert 0 < int(before) < 43
            session = browser.session
        with opened(world, environment, tmp_path) as again:
            browser = again.browser(signed_in=False)
            browser.bear(session)
            browser.get(f"/links/{link}")
            assert f"{before} of 43 written" in browser.page.text
            assert browser.page.title
            assert "Sync now" in [button.text for form in browser.page.forms for button in form.buttons]
            world.faults.clear()
            again.live(turns=12)
            assert again.link.first_synced_at is not None
            browser.get(f"/links/{link}")
            assert "of 43 written" not in browser.page.text
            assert "Contacts in sync 43" in browser.page.text
            assert len(again.pipedrive()) == 2 + 24 + 1 + 16
            assert len(world.pipedrive.state()["persons"]) == 43


def test_a6_says_what_sets_the_pace(tmp_path: Path) -> None:
    """With much to write, the remaining time and whose limit it is; both in the page and in the part that renews itself."""
    with restored("draft", tmp_path, TANDEM_GOOGLE_WRITES_PER_MINUTE="6") as premises:
        for number in range(60):
            premises.person(f"P{number:02d}", "Lis")
        browser = premises.browser()
        link = premises.link.pk
        browser.get(f"/links/{link}/preview")
        assert "takes about" in browser.page.text
        browser.press("Save and begin to sync")
        premises.world.faults.add(Rule("google", "batchCreateContacts", "503", times=None))
        premises.live(turns=1)
        for path in (f"/links/{link}", f"/links/{link}/now"):
            browser.get(path)
            assert (
                "2 of 63 written. About 18 seconds left; the limits of Google set the pace. You can close this page." in browser.page.text
            )


def test_a7_new_contacts_on_either_side_are_entered_in_both(synced: Premises) -> None:
    """One typed on each side stands on the other after the next looks, and the page tells of it."""
    browser = synced.browser()
    synced.contact("Olga")
    synced.person("Piotr")
    synced.pass_time(600)
    synced.live()
    assert "Olga" in synced.pipedrive()
    assert "Piotr" in synced.google()
    browser.get(f"/links/{synced.link.pk}/history")
    assert "Olga Nowak created Pipedrive" in browser.page.text
    assert "Piotr Nowak created Google" in browser.page.text


def test_a8_a_change_on_one_side_is_known_to_the_other(synced: Premises) -> None:
    """At the next look, which the page tells; Sync now makes it at once."""
    browser = synced.browser()
    link = synced.link.pk
    browser.get(f"/links/{link}")
    assert "Next look at Google" in browser.page.text
    assert "Next look at Pipedrive" in browser.page.text
    anna = synced.google()["Anna"]["id"]
    synced.google_does("update", id=anna, phoneNumbers=[{"value": "+48 600 999 999", "type": "mobile"}])
    synced.pipedrive_does("update_person", id=synced.pipedrive()["Jan"]["id"], name="Jan Wysocki")
    browser.press("Sync now")
    assert browser.page.notices == ["A sync was asked for."]
    synced.live()
    assert "+48 600 999 999" in str(synced.pipedrive()["Anna"]["phones"])
    assert "Wysocki" in str(synced.google()["Jan"])
    browser.get(f"/links/{link}/contacts/{synced.pair('Anna')}")
    assert "+48 600 999 999" in browser.page.text


def test_a9_the_preview_names_the_fields_that_will_be_made(connected: Premises) -> None:
    """Where the company has none for messengers and addresses, the preview says which are made, and Save makes them."""
    browser = connected.browser()
    enable(browser, "new", name="Crew")
    assert "Fields that are made in Pipedrive, once for the whole company:" in browser.page.text
    said = browser.page.text.partition("for the whole company: ")[2].partition(".")[0].split(", ")
    before = {one["field_name"] for one in _fields(connected)}
    assert not before & set(said)
    assert len(said) == 3, said
    assert connected.writes() == ["contactGroups.create"]
    browser.press("Save and begin to sync")
    connected.live()
    assert set(said) == {one["field_name"] for one in _fields(connected)} - before
    browser.get(f"/links/{connected.link.pk}/preview")
    assert "Fields that are made" not in browser.page.text


def _fields(premises: Premises) -> list[dict[str, object]]:
    return list(premises.world.pipedrive.state()["person_fields"])


def test_a9_pipedrives_own_fields_are_used(connected: Premises) -> None:
    """Where the company has them, none of its own is made but the one that Tandem keeps its marker in."""
    connected.pipedrive_does("enable_contact_sync")
    browser = connected.browser()
    enable(browser, "new", name="Crew")
    assert "once for the whole company: Tandem ID. " in browser.page.text


def test_a10_what_is_synced(synced: Premises) -> None:
    """Name, organisation, numbers, addresses of e-mail, messengers and one address go over with their labels, as the page promises."""
    browser = synced.browser()
    browser.get(SETTINGS)
    promised = "Synced are: name, organisation, phone numbers, e-mail addresses, messengers and one address."
    assert promised in browser.page.text
    assert len(DEFAULT_FIELDS) == 7
    synced.contact(
        "Maria", "Curie",
        organizations=[{"name": "Sorbonne"}], phoneNumbers=[{"value": "+33 1 23 45 67 89", "type": "work"}],
        imClients=[{"username": "maria.c", "protocol": "skype"}],
        addresses=[{"streetAddress": "Rue Cuvier 12", "city": "Paris", "type": "home"}],
    )  # fmt: skip
    synced.pass_time(600)
    synced.live()
    browser.get(f"/links/{synced.link.pk}/contacts/{synced.pair('Maria')}")
    for heading in ("first name", "last name", "organisation", "phone numbers", "e-mail addresses", "messengers", "address"):
        assert heading in browser.page.text
    for value in ("Maria", "Curie", "Sorbonne", "+33 1 23 45 67 89", "maria.curie@example.com", "maria.c", "Rue Cuvier 12"):
        assert browser.page.text.count(value) >= 3, value
    person = synced.pipedrive()["Maria"]
    assert [(one["value"], one["label"]) for one in person["phones"]] == [("+33 1 23 45 67 89", "work")]


def test_a11_custom_fields_and_notes_are_not_synced(synced: Premises) -> None:
    """They are not offered, not shown, and not written."""
    synced.contact(
        "Nina", biographies=[{"value": "secret note", "contentType": "TEXT_PLAIN"}], userDefined=[{"key": "shoe", "value": "size 39"}]
    )
    synced.pass_time(600)
    synced.live()
    assert "Nina" in synced.pipedrive()
    kept_there = str(synced.world.pipedrive.state())
    assert "secret note" not in kept_there
    assert "size 39" not in kept_there
    browser = synced.browser()
    browser.get(f"/links/{synced.link.pk}/contacts/{synced.pair('Nina')}")
    assert "secret note" not in browser.page.text
    assert "size 39" not in browser.page.text
    browser.get(SETTINGS)
    assert "Custom fields, notes, photos and other labels are left alone." in browser.page.text
