"""Promises of the review: each question with what speaks for and against, answered from the page, and followed by the next cycle."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest

from tandem.store import models
from web.premises import Browser, Premises


def at(premises: Premises, rest: str = "") -> str:
    """The address of the review."""
    return f"/links/{premises.link.pk}/review{rest}"


def conflict(premises: Premises, name: str = "Anna") -> None:
    """Both sides change somebody's last name differently. The link asks about conflicts."""
    premises.google_does("update", id=premises.google()[name]["id"], names=[{"givenName": name, "familyName": "Googleson"}])
    premises.pipedrive_does("update_person", id=premises.pipedrive()[name]["id"], name=f"{name} Pipeson")
    premises.pass_time(600)
    premises.live()


def open_questions(premises: Premises, kind: str) -> int:
    """How many are open, with or without an answer."""
    return models.Question.objects.using(premises.alias).filter(kind=kind, closed_at=None).count()


def test_nothing_waits(browser: Browser, synced: Premises) -> None:
    """An empty inbox says so."""
    browser.get(at(synced))
    assert "Nothing waits for you." in browser.page.text


@pytest.mark.parametrize(("pressed", "name"), [("google", "Googleson"), ("pipedrive", "Pipeson")])
def test_a_conflict_is_answered_and_followed(synced: Premises, browser: Browser, pressed: str, name: str) -> None:
    """Both values stand there; nothing moves before the answer; the chosen one goes to the other side, the other stays in the history."""
    conflict(synced)
    browser.get(f"/links/{synced.link.pk}")
    browser.follow("Conflicts: 1")
    assert "Anna" in browser.page.text
    assert "Googleson" in browser.page.text
    assert "Pipeson" in browser.page.text
    (form,) = [form for form in browser.page.forms if any(button.name == "answer" for button in form.buttons)]
    side = "left" if pressed == "google" else "right"
    (button,) = [one for one in form.buttons if one.value.endswith(f"={side}")]
    assert ("Google" if side == "left" else "Pipedrive") in button.text, button.text
    browser.press(button.text)
    assert browser.page.notices == ["1 answer is taken; the next sync follows it."]
    assert browser.path == at(synced)
    browser.get(f"/links/{synced.link.pk}")
    assert "1 answers for the next sync" in browser.page.text or "1 answer for the next sync" in browser.page.text
    assert "Googleson" in str(synced.google()["Anna"])
    assert "Pipeson" in str(synced.pipedrive()["Anna"])
    synced.live()
    assert name in str(synced.google()["Anna"])
    assert name in str(synced.pipedrive()["Anna"])
    assert open_questions(synced, "conflict") == 0
    browser.get(at(synced))
    assert "Nothing waits for you." in browser.page.text


def test_what_the_brake_holds_is_let_pass(synced: Premises, browser: Browser) -> None:
    """All three deleted in Google: nothing is deleted in Pipedrive before somebody says so, with one press for all."""
    for contact in synced.google().values():
        if contact["fields"]["names"][0]["givenName"] != "Grandma":
            synced.google_does("delete", id=contact["id"])
    synced.pass_time(4000)
    synced.live()
    synced.pass_time(90000)
    synced.live()
    assert len(synced.pipedrive()) == 3
    browser.get(f"/links/{synced.link.pk}")
    browser.follow("Held by the brake: 3")
    assert "3 to delete in Pipedrive" in browser.page.text
    assert browser.has_button("Do none of them")
    browser.press("Let all 3 pass")
    assert browser.page.notices == ["3 answers are taken; the next sync follows them."]
    assert len(synced.pipedrive()) == 3
    synced.live()
    assert synced.pipedrive() == {}


def test_what_the_brake_holds_is_rejected_singly(synced: Premises, browser: Browser) -> None:
    """One of the held is not done and stays where it is."""
    for contact in synced.google().values():
        synced.google_does("delete", id=contact["id"])
    synced.pass_time(94000)
    synced.live()
    browser.get(at(synced, "?kind=hold"))
    forms = {form.buttons[0].value.partition("=")[0]: form for form in browser.page.forms if "question" in form.action or form.buttons}
    assert forms
    question = models.Question.objects.using(synced.alias).filter(kind="hold", closed_at=None).order_by("id")[0]
    browser.post(at(synced, "?kind=hold"), answer=f"{question.pk}=reject")
    assert browser.query == {"kind": "hold"}
    synced.live()
    assert len(synced.pipedrive()) == 3
    assert open_questions(synced, "hold") == 2


def test_who_stands_outside_is_called_by_name_while_somebody_looks(asked: Premises) -> None:
    """Read at the moment of looking, and kept nowhere; where Google does not answer, the id stands there, and can be answered."""
    before = asked.rows("store_cycle")
    browser = asked.browser()
    browser.get(at(asked))
    names = [f"Google: {one['fields']['names'][0]['givenName']}" for one in asked.world.google.state()["contacts"]]
    assert sum(name in browser.page.text for name in names) >= 3
    assert asked.rows("store_cycle") == before
    asked.google_does("revoke")
    browser.get(at(asked))
    assert not any(name in browser.page.text for name in names)
    assert [form for form in browser.page.forms if any("=adopt" in button.value for button in form.buttons)]


def test_all_of_a_kind_are_answered_at_once(asked: Premises) -> None:
    """People outside: shown with their evidence, nobody copied; one press puts all the certain ones into the group."""
    browser = asked.browser()
    browser.get(at(asked))
    assert "stands in Google Contacts or Pipedrive, outside what is synced" in browser.page.text
    assert not any("×" in button.text for form in browser.page.forms for button in form.buttons)
    browser.get(at(asked, "?kind=match"))
    (bulk,) = [button for form in browser.page.forms for button in form.buttons if button.name == "all" and button.value.endswith("=adopt")]
    assert bulk.text.startswith("3 × ")
    browser.press(bulk.text)
    assert browser.page.notices == ["3 answers are taken; the next sync follows them."]
    asked.live()
    group = next(str(one["id"]) for one in asked.world.google.state()["groups"] if one["name"] == "Pipedrive")
    assert all(group in asked.google()[first]["groups"] for first in ("Olga", "Piotr", "Zofia"))
    assert len(asked.google()) == 4 + 3
    assert len(asked.pipedrive()) == 3 + 3


def test_one_is_answered_singly_and_otherwise(asked: Premises) -> None:
    """Of three questions one is answered by a copy of its own; the others stay open, and the answer can be changed until it is followed."""
    browser = asked.browser()
    browser.get(at(asked))
    buttons = [button for form in browser.page.forms for button in form.buttons if button.name == "answer"]
    first = buttons[0].value.partition("=")[0]
    of_first = {button.value.partition("=")[2].partition(":")[0]: button for button in buttons if button.value.startswith(f"{first}=")}
    assert {"adopt", "separate", "leave-out"} <= set(of_first)
    browser.post(at(asked), answer=of_first["leave-out"].value)
    assert 'aria-pressed="true"' in browser.answer.text
    browser.post(at(asked), answer=of_first["separate"].value)
    assert browser.answer.text.count('aria-pressed="true"') == 1
    asked.live()
    assert len(asked.world.google.state()["contacts"]) == 4 + 3 + 1
    assert open_questions(asked, "match") == 2


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("answer", "1", "is no answer"),
        ("answer", "=left", "is no answer"),
        ("answer", "x=left", "There is no open question"),
        ("answer", "777=left", "There is no open question 777"),
        ("answer", "{id}=sideways", "cannot be answered by 'sideways'"),
        ("answer", "{id}=adopt:1:2", "is not about a record"),
        ("answer", "", "is no answer"),
        ("all", "match=sideways", "cannot be answered by 'sideways'"),
        ("all", "nonsense=left", "There are no questions of the kind"),
        ("all", "match:<script>=x", "There are no questions of the kind"),
    ],
)
def test_wrong_answers_are_told_and_change_nothing(asked: Premises, field: str, text: str, words: str) -> None:
    """Whatever is sent: a sentence, and every question as it was."""
    browser = asked.browser()
    question = models.Question.objects.using(asked.alias).filter(closed_at=None).order_by("id")[0]
    before = asked.rows()
    browser.post(at(asked), **{field: text.format(id=question.pk)})
    assert words in browser.page.notices[0]
    assert asked.rows() == before


def test_many_are_paged_and_one_stays_on_ones_page(synced: Premises) -> None:
    """Twenty-five at once; after an answer one is where one was."""
    for number in range(30):
        synced.contact(f"P{number:02d}", "Lis", groups=())
        synced.person(f"P{number:02d}", "Lis")
    synced.pass_time(600)
    synced.live()
    browser = synced.browser()
    browser.get(at(synced, "?kind=match"))
    assert "Page 1 of 2" in browser.page.text
    browser.follow("Next")
    assert (browser.query["kind"], browser.query["page"]) == ("match", "2")
    (value, *_) = [button.value for form in browser.page.forms for button in form.buttons if button.name == "answer"]
    browser.post(urljoin(str(browser.answer.url), "?kind=match&page=2"), answer=value)
    assert browser.page.notices == ["1 answer is taken; the next sync follows it."]
    assert (browser.query["kind"], browser.query["page"]) == ("match", "2")
