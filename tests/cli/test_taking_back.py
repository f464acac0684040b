"""Promise: by the command line a person takes back, asks why, leaves out and has somebody forgotten, and is shown first what that does."""

from __future__ import annotations

import pytest

from .conftest import Line
from .test_story import contacts, persons


@pytest.fixture
def synced(tandem: Line) -> Line:
    """Anna, Jan and Ewa on both sides, in sync."""
    tandem.connect()
    tandem.link()
    assert tandem("sync").code == 0
    return tandem


def changes(tandem: Line, kind: str) -> list[str]:
    """The changes of a kind as history shows them, the newest first."""
    lines = tandem("history", "--json").data["lines"]
    return [line["change"] for line in lines if line["kind"] == kind]  # type: ignore[attr-defined]


def on_disk(tandem: Line, text: str) -> list[str]:
    """The files of the data directory that hold a text; on a server, the rows too."""
    files = [path.name for path in tandem.data_dir.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]
    return files + [row for row in tandem.every_row() if text in row] if tandem.database else files


def test_undo_shows_asks_and_does(synced: Line) -> None:
    """Nothing is done without a person's word; then both sides return, and the undo is in the history and can be undone."""
    synced.edit("pipedrive", "update_person", {"id": 1, "first_name": "Hanna"})
    synced("sync")
    (change,) = changes(synced, "update")[:1]
    assert change in synced("history").out
    writes = len(synced.writes())
    shown = synced("undo", "1", change, "--preview")
    assert (shown.code, "Hanna Nowak: first_name back" in shown.out) == (0, True), shown.out + shown.err
    refused = synced("undo", "1", change)
    assert (refused.code, "add --yes" in refused.err) == (2, True)
    assert len(synced.writes()) == writes
    done = synced("undo", "1", change, "--yes", "--json")
    assert (done.code, done.data["is_done"]) == (0, True), done.out
    assert "Anna Nowak" in contacts(synced) & persons(synced)
    cycle = done.data["sync"]["cycle"]  # type: ignore[index]
    assert synced("undo", "1", cycle, "--yes").code == 0
    assert "Hanna Nowak" in contacts(synced) & persons(synced)


def test_undo_of_what_is_not_there(synced: Line) -> None:
    """A cycle or change that the history does not hold is wrong usage, and the sentence says where to look."""
    for word in ("99", "1-99999", "pair:99", "nonsense"):
        told = synced("undo", "1", word, "--yes")
        assert (told.code, "tandem history 1" in told.err) == (2, True)
    synced("link", "pause")
    told = synced("undo", "1", "1", "--yes")
    assert (told.code, "link resume 1" in told.err) == (2, True)


def test_undo_of_a_creation_and_back(synced: Line) -> None:
    """The copy goes, the source stays, explain says why; opened again, it is copied again."""
    made = next(change for change in changes(synced, "create") if "Ewa" in synced("undo", "1", change, "--preview").out)
    assert synced("undo", "1", made, "--yes").code == 0
    assert "Ewa Lis" not in contacts(synced)
    synced("sync", "--full")
    assert "Ewa Lis" not in contacts(synced)
    told = synced("explain", "1", "ewa", "--json").data["found"][0]  # type: ignore[index]
    assert "taken back" in told["sentences"][0]
    assert synced("exclude", "1", f"pair:{told['pair']}", "--off").code == 0
    assert synced("sync").code == 0
    assert "Ewa Lis" in contacts(synced) & persons(synced)


def test_explain_says_why(synced: Line) -> None:
    """Both sides with their values, the state in words, and when it is looked at next; nobody is nobody."""
    told = synced("explain", "1", "ANNA@example")
    assert "Anna Nowak (pair:" in told.out
    assert "In: both sides agree." in told.out
    assert told.out.count("emails: anna@example.com") == 2
    assert "Looked at next" in told.out
    synced.edit(
        "google",
        "create",
        {"groups": [], "fields": {"names": [{"givenName": "Ola", "familyName": "Obca"}], "emailAddresses": [{"value": "ola@example.com"}]}},
    )
    synced("sync")
    outside = synced("explain", "1", "ola@example.com")
    assert "outside what the link covers" in outside.out
    assert "Obca" not in outside.out
    assert "Nobody is known" in synced("explain", "1", "Zenobia").out
    assert on_disk(synced, "Zenobia") == []


def test_what_is_left_out_stays_as_it_is(synced: Line) -> None:
    """An excluded pair and an excluded new record: neither side changes, whatever happens, until it is taken in again."""
    assert synced("exclude", "1", "pipedrive:1").code == 0
    assert synced("exclude", "1", "pipedrive:1").code == 2
    synced.edit("pipedrive", "update_person", {"id": 1, "first_name": "Hanna"})
    new = synced.edit("pipedrive", "create_person", {"name": "Olga Nowa", "emails": [{"value": "olga@example.com"}]})["id"]
    told = synced("exclude", "1", f"pipedrive:{new}")
    assert (told.code, "knows no record" in told.err) == (2, True)
    synced("sync")
    assert synced("exclude", "1", f"pipedrive:{new}").code == 0
    synced.edit("pipedrive", "update_person", {"id": new, "first_name": "Helga"})
    writes = len(synced.writes())
    assert synced("sync", "--full").code == 0
    assert len(synced.writes()) == writes
    assert {"Anna Nowak", "Olga Nowa"} <= contacts(synced)
    assert "left out by a person" in synced("explain", "1", "hanna").out
    for record in ("pipedrive:1", f"pipedrive:{new}"):
        assert synced("exclude", "1", record, "--off").code == 0
    assert synced("sync").code == 0
    assert {"Hanna Nowak", "Helga Nowa"} <= contacts(synced)
    assert synced("exclude", "1", "pipedrive:1", "--off").code == 2


def test_forgetting_leaves_no_byte(synced: Line) -> None:
    """After a person's word no file holds the name, address or number, now or after further syncs; the services keep theirs."""
    synced.edit("pipedrive", "update_person", {"id": 1, "first_name": "Hannelore", "phones": [{"value": "+48 600 777 111"}]})
    synced("sync")
    texts = ("Hannelore", "anna@example.com", "600 777 111")
    assert all(on_disk(synced, text) for text in texts)
    asked = synced("forget", "anna@example.com")
    assert (asked.code, "Hannelore Nowak" in asked.out, "add --yes" in asked.err) == (2, True, True)
    writes = len(synced.writes())
    done = synced("forget", "anna@example.com", "--yes")
    assert done.code == 0, done.err
    assert [on_disk(synced, text) for text in texts] == [[], [], []]
    assert synced("sync", "--full").code == 0
    synced.edit("pipedrive", "update_person", {"id": 1, "first_name": "Johanna"})
    assert synced("sync", "--full").code == 0
    assert [on_disk(synced, text) for text in (*texts, "Johanna")] == [[], [], [], []]
    assert len(synced.writes()) == writes
    assert "Hannelore Nowak" in contacts(synced)
    assert "Nothing is kept" in synced("forget", "anna@example.com", "--yes").out
    assert synced("forget", "a", "--yes").code == 2
    assert "forgotten by a person" in synced("explain", "1", "1").out
    assert synced("exclude", "1", "pipedrive:1", "--off").code == 0
    synced("sync")
    synced("sync", "--full")
    assert persons(synced) == contacts(synced)
