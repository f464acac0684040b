"""Promise: a newcomer gets from nothing to two equal address books by the commands of the README, and is told the truth on the way."""

from __future__ import annotations

import stat

import pytest

from .conftest import Line


def dump(tandem: Line) -> list[str]:
    """All tables but the ledger and the credentials."""
    return tandem.every_row(but=("store_ledger", "store_secret"))


def persons(tandem: Line) -> set[str]:
    """The names of the persons in Pipedrive."""
    listed = tandem.control.call("GET", "state", service="pipedrive")["persons"]
    assert isinstance(listed, list)
    return {str(one["name"]) for one in listed if isinstance(one, dict) and not one["is_deleted"]}


def contacts(tandem: Line) -> set[str]:
    """The names of the contacts in Google."""
    listed = tandem.control.call("GET", "state", service="google")["contacts"]
    assert isinstance(listed, list)
    names = [one["fields"]["names"][0] for one in listed if isinstance(one, dict) and one["life"] == "live"]
    return {f"{name['givenName']} {name['familyName']}" for name in names}


def test_the_whole_story(tandem: Line) -> None:
    """Connect, link, preview, sync, look: both sides hold the same three people, none twice, and each step says what it did."""
    added = tandem("account", "add", "google", "--refresh-token-file", tandem.file("sandbox-google-refresh\n"), "--json")
    assert (added.code, added.data["account"], added.err) == (0, "google-1", "")
    added = tandem("account", "add", "pipedrive", "--api-token-file", "-", "--json", stdin="sandbox-pipedrive-token")
    assert (added.code, added.data["account"]) == (0, "pipedrive-1")

    made = tandem.link("--json")
    assert (made.code, made.data["link"], made.data["contacts"], made.data["country"]) == (0, 1, 2, "PL")
    assert tandem("status", "--json").data["links"][0]["state"] == "draft"  # type: ignore[index]

    before = len(tandem.writes())
    shown = tandem("preview", "--json").data
    assert [pair["name"] for pair in shown["pairs"]] == ["Anna Nowak"]  # type: ignore[attr-defined, index]
    assert {(item["side"], item["kind"], item["name"]) for item in shown["actions"]} >= {  # type: ignore[attr-defined, index]
        ("google", "create", "Ewa Lis"),
        ("pipedrive", "create", "Jan Kowalski"),
    }
    assert len(tandem.writes()) == before

    synced = tandem("sync", "1", "--json")
    assert synced.code == 0, synced.out
    assert synced.data["state"] == "in-sync"
    assert (synced.data["google"]["created"], synced.data["pipedrive"]["created"]) == (1, 1)  # type: ignore[index]
    assert contacts(tandem) == persons(tandem) == {"Anna Nowak", "Jan Kowalski", "Ewa Lis"}

    again = tandem("sync", "--json")
    assert again.data["google"] == again.data["pipedrive"] == {"created": 0, "updated": 0, "deleted": 0}
    status = tandem("status", "1")
    assert "active" in status.out
    assert "3 pairs" in status.out
    lines = tandem("history", "--json").data["lines"]
    assert {(line["side"], line["kind"], line["name"]) for line in lines} >= {  # type: ignore[attr-defined, index]
        ("google", "create", "Ewa Lis"),
        ("pipedrive", "create", "Jan Kowalski"),
    }


def test_a_sync_reports_what_scripts_rely_on(tandem: Line) -> None:
    """The object of `sync --json` has every name of the reference, with whole numbers."""
    tandem.connect()
    tandem.link()
    data = tandem("sync", "--json").data
    names = {
        "link",
        "cycle",
        "state",
        "google",
        "pipedrive",
        "conflicts",
        "held",
        "parked",
        "settling",
        "requests",
        "pipedrive_tokens",
        "seconds",
    }
    assert names <= set(data)
    assert set(data["google"]) == set(data["pipedrive"]) == {"created", "updated", "deleted"}  # type: ignore[call-overload]
    assert data["requests"]["google"] > 0 < data["requests"]["pipedrive"]  # type: ignore[index]
    assert data["pipedrive_tokens"] >= 25  # type: ignore[operator]


def test_a_preview_changes_nothing(tandem: Line) -> None:
    """No write is sent, and no table but the ledger and the credentials differs, before the first sync and after it."""
    tandem.connect()
    tandem.link()
    for _ in range(2):
        before, writes = dump(tandem), len(tandem.writes())
        for words in (("preview",), ("preview", "--all"), ("preview", "1", "--json")):
            assert tandem(*words).code == 0
        assert (dump(tandem), len(tandem.writes())) == (before, writes)
        tandem("sync")
        tandem.edit("pipedrive", "update_person", {"id": 1, "first_name": "Hanna"})


def test_an_edit_flows_and_is_remembered(tandem: Line) -> None:
    """A change on one side arrives on the other at the next sync; the history says what, and keeps what was there."""
    tandem.connect()
    tandem.link()
    tandem("sync")
    tandem.edit("pipedrive", "update_person", {"id": 1, "first_name": "Hanna"})
    assert tandem("sync", "--json").data["google"]["updated"] == 1  # type: ignore[index]
    assert "Hanna Nowak" in contacts(tandem)
    line = tandem("history", "--limit", "1", "--json").data["lines"][0]  # type: ignore[index]
    assert (line["side"], line["kind"], line["fields"], line["before"]["first_name"]) == ("google", "update", ["first_name"], "Anna")
    assert "Hanna Nowak: changed in Google" in tandem("history").out


def test_pause_resume_remove(tandem: Line) -> None:
    """A paused link is not synced and says how to go on; a removed one deletes nothing on either side and says so."""
    tandem.connect()
    tandem.link()
    tandem("sync")
    assert tandem("link", "pause").code == 0
    refused = tandem("sync")
    assert (refused.code, "tandem link resume 1" in refused.err) == (2, True)
    assert tandem("link", "resume", "--json").data == {"link": 1, "state": "active"}
    assert tandem("sync").code == 0
    writes = len(tandem.writes())
    removed = tandem("link", "remove", "1")
    assert removed.code == 0
    assert "Nothing was deleted in Google or Pipedrive" in removed.out
    assert len(tandem.writes()) == writes
    assert tandem("link", "list", "--json").data == {"links": []}
    assert contacts(tandem) == persons(tandem)
    assert not any("anna@example.com" in line for line in tandem.every_row())
    assert tandem.link("--json").data["link"] == 2


def test_everything_brings_a_warning(tandem: Line) -> None:
    """Choosing all contacts is possible, and the number of people it would bring in is said."""
    tandem.connect()
    made = tandem("link", "create", "--google", "google-1", "--pipedrive", "pipedrive-1", "--group", "contactGroups/myContacts")
    assert made.code == 0
    assert "Careful" in made.out
    assert "all contacts" in made.out


def test_a_group_is_found_or_made(tandem: Line) -> None:
    """By name in any case, by resource name; made when wished, and used when it is there already."""
    tandem.connect()
    made = tandem(
        "link", "create", "--google", "google-1", "--pipedrive", "pipedrive-1", "--group", "New one", "--create-group", "--json"
    ).data
    assert (made["title"], made["contacts"]) == ("New one", 0)
    tandem("link", "remove", "1")
    for name in ("new ONE", made["group"]):
        again = tandem(
            "link", "create", "--google", "google-1", "--pipedrive", "pipedrive-1", "--group", name, "--create-group", "--json"
        ).data
        assert again["group"] == made["group"]
        tandem("link", "remove", again["link"])


def test_what_is_kept_is_private(tandem: Line) -> None:
    """Directory and key are for their owner alone; no file holds a token as it was typed."""
    tandem.connect()
    assert stat.S_IMODE(tandem.data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((tandem.data_dir / "secret.key").stat().st_mode) == 0o600
    contents = b"".join(path.read_bytes() for path in tandem.data_dir.rglob("*") if path.is_file())
    assert b"sandbox-google-refresh" not in contents
    assert b"sandbox-pipedrive-token" not in contents


def test_a_known_account_gets_the_new_token(tandem: Line) -> None:
    """Connecting again replaces the token and keeps the name, so that links go on."""
    tandem.connect()
    tandem.connect()
    assert [row["account"] for row in tandem("account", "list", "--json").data["accounts"]] == ["google-1", "pipedrive-1"]  # type: ignore[attr-defined, index]


def test_a_withdrawn_consent_asks_to_connect_again(tandem: Line) -> None:
    """Exit code 4, the link says so, and connecting the account again lets it go on where it was."""
    tandem.connect()
    tandem.link()
    tandem("sync")
    tandem.edit("google", "revoke", {})
    refused = tandem("sync", "--json")
    assert (refused.code, refused.data["state"]) == (4, "reconnect")
    assert "connect the account again" in tandem("status").out
    tandem.edit("google", "grant", {"token": "another-refresh-token"})
    if tandem("account", "add", "google", "--refresh-token-file", tandem.file("another-refresh-token")).code == 0:
        assert tandem("sync").code == 0


def test_doctor_looks_at_everything(tandem: Line) -> None:
    """All good with the sandbox; each setting is listed with its source and no secret; what is broken is named, exit code 1."""
    tandem.more["TANDEM_SECRET_KEY"] = "x" * 40
    tandem.connect()
    good = tandem("doctor", "--json")
    assert (good.code, good.data["ok"]) == (0, True), good.out
    sources = {item["name"]: (item["value"], item["source"]) for item in good.data["settings"]}  # type: ignore[attr-defined, index]
    assert sources["TANDEM_SECRET_KEY"] == ("(set)", "environment")
    assert sources["TANDEM_HISTORY_DAYS"] == ("90", "default")
    text = tandem("doctor").out
    assert "All good" in text
    for service in ("google", "pipedrive"):
        assert f"to register there: http://127.0.0.1:8000/accounts/{service}/callback" in text
    tandem.more["TANDEM_GOOGLE_READ_LAG_S"] = "soon"
    tandem.data_dir.chmod(0o755)
    bad = tandem("doctor", "--json")
    assert bad.code == 1
    assert {check["name"] for check in bad.data["checks"] if not check["ok"]} >= {"data directory", "TANDEM_GOOGLE_READ_LAG_S"}  # type: ignore[attr-defined, index]


@pytest.mark.parametrize("is_full", [False, True])
def test_a_second_process_asks_the_first(tandem: Line, is_full: bool) -> None:
    """While another process works in the data directory, `sync` reports that process's cycle instead of running its own."""
    import threading

    from tandem.app import Tandem
    from tandem.config import load

    tandem.connect()
    tandem.link()
    is_over = threading.Event()

    def work() -> None:
        with Tandem(load(tandem.environment)) as worker:
            assert worker.place.lock()
            is_locked.set()
            while not is_over.wait(0.05):
                for link in worker.schedule.due(worker.clock.now()):
                    worker.cycle(link, cause="worker")

    is_locked = threading.Event()
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        assert is_locked.wait(20)
        told = tandem("sync", "--json", *(["--full"] if is_full else []))
    finally:
        is_over.set()
        thread.join(20)
    assert (told.code, told.data["state"], told.err) == (0, "in-sync", "")
    assert told.data["requests"]["google"] > 0  # type: ignore[index]
    assert set(tandem.rows("SELECT cause FROM store_cycle")) == {("worker",)}
