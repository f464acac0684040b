"""Promise: `tandem review` shows what waits and takes answers, singly and in bulk; the next sync follows them; wrong ones write nothing."""

from __future__ import annotations

import json

import pytest

from tandem.cli.reviewing import _HEADINGS
from tandem.engine.choices import kinds

from .conftest import Line


def _stored(tandem: Line) -> list[tuple[object, ...]]:
    return tandem.rows("SELECT id, choice, named, closed_at FROM store_question ORDER BY id")


def _person(tandem: Line, name: str, email: str) -> None:
    tandem.edit("pipedrive", "create_person", {"name": name, "emails": [{"value": email, "label": "work", "primary": True}]})


def _contact(tandem: Line, given: str, family: str, email: str) -> None:
    names = [{"givenName": given, "familyName": family}]
    fields = {"names": names, "emailAddresses": [{"value": email, "type": "work"}]}
    tandem.edit("google", "create", {"groups": ["Pipedrive"], "fields": fields})


@pytest.fixture
def asked(tandem: Line) -> Line:
    """Two possible matches and a conflict wait."""
    for given, family in (("Jan", "Lis"), ("Maria", "Sowa")):
        _contact(tandem, given, family, f"{given.lower()}@example.com")
        _person(tandem, f"{given} {family}", f"{family.lower()}@example.org")
    tandem.connect()
    tandem.link("--conflicts", "ask")
    assert tandem("sync").code == 3
    anna = next(one for one in tandem.control.call("GET", "state", service="google")["contacts"] if one["life"] == "live")  # type: ignore[index, union-attr, call-overload]
    tandem.edit("google", "update", {"id": anna["id"], "fields": {"names": [{"givenName": "Anna", "familyName": "Lewa"}]}})  # type: ignore[index, call-overload]
    tandem.edit("pipedrive", "update_person", {"id": 1, "first_name": "Anna", "last_name": "Prawa"})
    assert tandem("sync").code == 3
    return tandem


def test_every_kind_of_question_is_told_in_words() -> None:
    """No question is shown under the name of its kind."""
    assert {heading.partition(":")[0] for heading in _HEADINGS} == set(kinds())


def test_the_questions_are_shown_with_what_to_type(asked: Line) -> None:
    """Names, evidence, both values, and each choice as it is typed; exit code 3 while something waits. Status names the command."""
    told = asked("review", "1")
    assert told.code == 3
    for words in ("Jan Lis", "may be the same person", "=link", "=apart", "Google 'Lewa', Pipedrive 'Prawa'", "=google", "=pipedrive"):
        assert words in told.out, told.out
    data = asked("review", "--json")
    assert (data.code, data.data["waiting"]) == (3, 3)
    kinds = [(item["kind"], item["about"]) for item in data.data["questions"]]  # type: ignore[attr-defined, index]
    assert sorted(kinds, key=str) == [("conflict", None), ("match", "ambiguous"), ("match", "ambiguous")]
    status = asked("status")
    assert "tandem review 1 --resolve" in status.out
    assert asked("status", "--json").data["links"][0]["questions"] == {"conflict": 1, "match": 2}  # type: ignore[index]


def test_answers_are_taken_and_followed(asked: Line) -> None:
    """One by its id, all of a kind by the kind; a preview shows them, the sync follows them, and nothing waits any more."""
    questions = asked("review", "--json").data["questions"]
    conflict = next(item["id"] for item in questions if item["kind"] == "conflict")  # type: ignore[attr-defined, index]
    taken = asked("review", "1", "--resolve", f"{conflict}=google", "--all", "match:ambiguous=link", "--json")
    assert (taken.code, taken.data["waiting"], len(taken.data["answered"])) == (0, 0, 3)  # type: ignore[arg-type]
    assert "answers for the next sync" in asked("status").out
    assert "Everything has an answer" in asked("review").out
    shown = asked("preview", "--json").data
    assert {pair["name"] for pair in shown["pairs"]} == {"Jan Lis", "Maria Sowa"}  # type: ignore[attr-defined, index]
    assert asked("sync").code == 0
    people = asked.control.call("GET", "state", service="pipedrive")["persons"]
    names = sorted(str(one["name"]) for one in people if not one["is_deleted"])  # type: ignore[union-attr, index, call-overload]
    assert names == ["Anna Lewa", "Ewa Lis", "Jan Kowalski", "Jan Lis", "Maria Sowa"]
    assert asked("sync").code == 0
    assert (asked("review").code, asked("review", "--json").data["questions"]) == (0, [])


WRONG = [
    ("--resolve 999=link", "no open question 999"),
    ("--resolve removals=release", "no open question 'removals'"),
    ("--resolve 1", "write it as ID=CHOICE"),
    ("--resolve =link", "write it as ID=CHOICE"),
    ("--resolve M=release", "it can by: link, apart, leave-out"),
    ("--resolve M=link:nobody:7", "nobody"),
    ("--resolve M=apart:7", "needs 'apart'"),
    ("--resolve M=apart --resolve 999=link", "no open question 999"),
    ("--all hold", "write it as KIND=CHOICE"),
    ("--all weather=rain", "Kinds: match, duplicate, conflict, backup, hold"),
    ("--all match:weather=link", "Kinds: match, duplicate, conflict, backup, hold"),
    ("--all hold=adopt", "choices: reject, release"),
    ("--all conflict=me", "choices: google, pipedrive"),
    ("--all match=release", "cannot be answered"),
    ("9", "Links: 1"),
]


def test_wrong_answers_are_refused_as_a_whole(asked: Line) -> None:
    """Exit code 2, a sentence that helps, and not one answer is taken, also when another of the same command would fit."""
    match = next(item["id"] for item in asked("review", "--json").data["questions"] if item["kind"] == "match")  # type: ignore[attr-defined, index]
    before = _stored(asked)
    for text, words in WRONG:
        told = asked("review", *text.replace("M=", f"{match}=").split())
        assert (told.code, told.out) == (2, ""), (text, told)
        assert words in told.err, (text, told.err)
        assert asked("review", *text.replace("M=", f"{match}=").split(), "--json").code == 2
    assert _stored(asked) == before


def test_held_removals_are_one_question(tandem: Line) -> None:
    """The brake's removals stand together with their numbers, and one answer releases all of them."""
    for number in range(10):
        _contact(tandem, f"Osoba{number}", "Nowak", f"osoba{number}@example.com")
    tandem.connect()
    tandem.link()
    assert tandem("sync").code == 0
    living = tandem.control.call("GET", "state", service="google")["contacts"]
    for one in living[:8]:  # type: ignore[index]
        tandem.edit("google", "delete", {"id": one["id"]})  # type: ignore[index, call-overload]
    for _ in range(3):
        tandem.control.call("POST", "clock", {"advance_s": 120})
        told = tandem("sync")
    assert told.code == 3
    status = tandem("status").out
    assert "Held by the brake: 8 to delete in Pipedrive" in status
    assert "tandem review 1 --resolve removals=release" in status
    data = tandem("review", "--json").data
    assert [(group["id"], group["count"], group["counts"]) for group in data["groups"]] == [("removals", 8, {"pipedrive": {"delete": 8}})]  # type: ignore[attr-defined, index]
    assert "removals=release" in tandem("review").out
    assert tandem("review", "--resolve", "removals=release").code == 0
    synced = tandem("sync", "--json")
    assert synced.data["pipedrive"]["deleted"] == 8, json.dumps(synced.data)  # type: ignore[index]


def test_another_tandem_is_declared_gone(tandem: Line) -> None:
    """The link stops and says what to do; after the word it goes on, and nobody is doubled."""
    marker = [{"key": "tandem", "value": "tandem1:stranger:1:99:abc"}]
    names = [{"givenName": "Olga", "familyName": "Zima"}]
    tandem.edit("google", "create", {"groups": ["Pipedrive"], "fields": {"names": names, "clientData": marker}})
    tandem.connect()
    tandem.link()
    stopped = tandem("sync")
    assert stopped.code == 3
    status = tandem("status").out
    assert "Another Tandem has made 1 of these contacts" in status
    assert "tandem link resume 1 --other-tandem-is-gone" in status
    assert tandem("link", "resume", "1", "--other-tandem-is-gone").code == 0
    assert tandem("sync").code == 0


def test_who_is_less_than_certain_is_looked_at_singly(tandem: Line) -> None:
    """An answer to all who stand outside leaves out those who rest on a name alone, and says so; one word by its number takes them in."""
    for given, family, person, email in (("Ola", "Sowa", "Ola Sowa", "ola@example.com"), ("Jan", "Kot", "Jan Kot", "kot@example.org")):
        names = [{"givenName": given, "familyName": family}]
        tandem.edit("google", "create", {"fields": {"names": names, "emailAddresses": [{"value": f"{given.lower()}@example.com"}]}})
        _person(tandem, person, email)
    tandem.connect()
    tandem.link()
    assert tandem("sync").code == 3
    shown = tandem("review")
    assert (":CONTACT" in shown.out, "All 2 at once: tandem review 1 --all match:outside=CHOICE" in shown.out) == (False, True)
    told = tandem("review", "--all", "match:outside=adopt")
    assert (told.code, "1 answer taken, 1 question left" in told.out, "by its number" in told.out) == (0, True, True)
    left = next(item for item in tandem("review", "--json").data["questions"] if item["choice"] is None)  # type: ignore[attr-defined]
    assert (left["name"], tandem("review", "--resolve", f"{left['id']}=adopt").code) == ("Jan Kot", 0)
    assert tandem("sync").code == 0
    assert len(tandem.control.call("GET", "state", service="pipedrive")["persons"]) == 4 + 1  # type: ignore[arg-type]
