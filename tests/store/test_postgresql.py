"""Promises about PostgreSQL alone: what is wrong with it is said, what it does not take is kept, and a session is safe."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import IntegrityError, connections, transaction
from hypothesis import given
from hypothesis import strategies as st

import databases
import postgres
from tandem.core.state import LinkId, Side, Version
from tandem.databases import ServerDatabase, described
from tandem.errors import StorageError, StorageUnavailable, WrongInput
from tandem.replica import Reference
from tandem.store import models, setup
from tandem.store.archive import Archive
from tandem.store.escaping import ESCAPE, escaped, escaped_json, unescaped, unescaped_json
from tandem.store.pairs import Pairs
from tandem.store.schedule import LEASE_S, Schedule
from tandem.store.trouble import told

from .conftest import NOW

#: With what PostgreSQL refuses more often than chance would have it.
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from(["\x00", ESCAPE, "\ud800", "\udfff", "\\", "u", "0", "\U0001f600", '"'])))


@pytest.fixture
def alias() -> Iterator[str]:
    """The name of an empty database on the server."""
    with databases.on(databases.POSTGRESQL):
        name = databases.unique("postgresql")
        setup.register(name, described(databases.lend_for_test()["TANDEM_DATABASE_URL"], Path()))
        yield name
        connections[name].close()


def opened(url: str) -> str:
    """Open a database as an installation does; its alias."""
    name = databases.unique("opened")
    setup.register(name, described(url, Path()))
    try:
        setup.migrate(name)
    finally:
        connections[name].close()
    return name


# What is wrong


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://postgres@/absent?host={folder}", '"absent" does not exist. Make it: CREATE DATABASE'),
        ("postgresql://nobody-known@/postgres?host={folder}", '"nobody-known" does not exist. Look at the user'),
        ("postgresql://stranger:secret@/postgres?host={folder}", "password authentication failed .* Look at user and password"),
        ("postgresql://postgres@/postgres?host={folder}/absent", "Is the server running there"),
        ("postgresql://postgres:secret@127.0.0.1:1/postgres", "refused.*Is the server running there"),
    ],
)
def test_what_cannot_be_opened_is_said(url: str, words: str) -> None:
    """Database, user, password or server wrong: what libpq says, what to do, and no password."""
    with databases.connect("postgres") as connection:
        connection.execute("DROP ROLE IF EXISTS stranger")
        connection.execute("CREATE ROLE stranger LOGIN PASSWORD 'another'")
    with pytest.raises(StorageUnavailable, match=words) as caught:
        opened(url.format(folder=databases.server()))
    assert "secret" not in str(caught.value)


def test_another_encoding_is_refused() -> None:
    """A database that cannot hold every name is said before anything is made in it."""
    name = databases.unique("latin")
    url = databases.make_database(name, "ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(StorageError, match=r"LATIN1.*ENCODING 'UTF8'"):
        opened(url)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_user_without_rights_is_told() -> None:
    """Whoever may not make tables is told so."""
    url = databases.make_database(databases.unique("strict"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS modest")
        connection.execute("CREATE ROLE modest LOGIN")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    with pytest.raises(StorageError, match="must be allowed to make tables"):
        opened(url.replace("postgres@", "modest@"))


def test_a_server_that_is_too_old_is_told(alias: str) -> None:
    """Django's own limit, in one sentence. No such server is at hand, so the limit is moved."""
    connections[alias].features.minimum_database_version = (99,)
    with pytest.raises(StorageError, match="too old: PostgreSQL 99 or later is required"):
        setup.migrate(alias)


@pytest.mark.parametrize(
    "url", ["postgresql://u:p@ss@h/db", "postgresql://u:pa/ss@h/db", "postgresql://u:p%zz@h/db", "postgresql://u:pa ss@h/db"]
)
def test_a_slip_in_the_password_is_not_repeated(url: str) -> None:
    """An address that does not parse says how passwords are written, and shows nothing of this one."""
    with pytest.raises(WrongInput, match="%40") as caught:
        described(url, Path())
    assert not any(part in str(caught.value) for part in ("p@ss", "pa/", "ss@", "%zz", "pa ss"))


def test_an_address_is_taken_as_libpq_takes_it() -> None:
    """Socket, IPv6, several hosts, options: nothing is parsed by us; a password is in nothing that could be printed."""
    found = described("postgresql://u:p%40ss@[::1]:5433,other:5434/db?sslmode=verify-full&options=-csearch_path%3Dx", Path())
    assert isinstance(found, ServerDatabase)
    entry = found.entry()
    assert (entry["HOST"], entry["PORT"], entry["PASSWORD"], entry["NAME"]) == ("::1,other", "5433,5434", "p@ss", "db")
    assert isinstance(entry["OPTIONS"], dict)
    assert (entry["OPTIONS"]["sslmode"], entry["OPTIONS"]["options"]) == ("verify-full", "-csearch_path=x")
    assert "p@ss" not in repr(found) + found.identity
    assert (
        found.identity
        == described("postgresql://u@[::1]:5433,other:5434/db?sslmode=verify-full&options=-csearch_path%3Dx", Path()).identity
    )
    socket = described("postgresql:///name?host=/run/postgresql", Path()).entry()
    assert (socket["HOST"], socket["NAME"]) == ("/run/postgresql", "name")


# Sessions


def test_a_session_is_safe(alias: str) -> None:
    """A commit is on disk when it is answered, whatever the role says; who hangs in a transaction is ended; who waits gives up."""
    with databases.connect("postgres") as connection:
        connection.execute("ALTER ROLE postgres SET synchronous_commit = off")
        connection.execute("ALTER ROLE postgres SET default_transaction_isolation = 'serializable'")
    try:
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            shown = []
            for name in ("synchronous_commit", "transaction_isolation", "lock_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute(f"SHOW {name}")
                shown += cursor.fetchone()
    finally:
        with databases.connect("postgres") as connection:
            connection.execute("ALTER ROLE postgres RESET ALL")
    assert shown == ["on", "read committed", "30s", "10min"]


def test_a_lost_connection_is_nothing_lost(alias: str) -> None:
    """Ended by the server in the midst of a transaction: nothing of it is there, it is said in our words, and the next one works."""
    rows = models.Installation.objects.using(alias)

    def write() -> None:
        with told(), transaction.atomic(using=alias):
            rows.create(installation_id="lost", created_at=NOW)
            with databases.connect("postgres") as other:
                pid = connections[alias].connection.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s)", [pid])
            rows.create(installation_id="never", created_at=NOW)

    with pytest.raises(StorageUnavailable, match="does not answer"):
        write()
    connections[alias].close()
    rows.create(installation_id="next", created_at=NOW)
    assert [row.installation_id for row in rows.all()] == ["next"]


def test_a_lock_that_is_held_for_too_long_is_said(alias: str) -> None:
    """Another process that holds what we need: it is tried again, and the sentence shows nothing of the statement."""
    rows = models.Installation.objects.using(alias)
    rows.create(installation_id="one", created_at=NOW)
    with psycopg.connect(_url(alias)) as other:
        other.execute("SELECT 1 FROM store_installation FOR UPDATE")
        with connections[alias].cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        with pytest.raises(StorageUnavailable, match="kept busy"), told():
            rows.update(installation_id="two")


def _url(alias: str) -> str:
    return postgres.url(databases.server(), str(connections[alias].settings_dict["NAME"]))


def test_a_mistake_of_ours_stays_one(alias: str) -> None:
    """What the database refuses because of what was asked of it is not called its trouble."""
    with pytest.raises(IntegrityError), told():
        models.Feed.objects.using(alias).create(link_id=1, side=None)


# Text


@given(TEXTS)
def test_text_comes_back(text: str) -> None:
    """Whatever it holds; and what the server is sent holds nothing that it refuses."""
    sent = escaped(text)
    assert "\x00" not in sent
    sent.encode()
    assert unescaped(sent) == text


@given(st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8))
def test_data_comes_back(data: object) -> None:
    """The same for JSON."""
    sent = escaped_json(json.dumps(data))
    assert json.loads(unescaped_json(sent)) == data
    json.dumps(json.loads(sent), ensure_ascii=False).encode()
    assert "\x00" not in json.dumps(json.loads(sent), ensure_ascii=False)


NASTY = f"a\x00b\ud800c{ESCAPE}0\\u0000 ' \" % \U0001f600 ż"


def test_the_server_gives_back_what_it_was_given(alias: str) -> None:
    """Names, values in questions, in one row and in bulk, found again by what they were; raw records byte by byte."""
    link = _link(alias)
    archive, pairs = Archive(alias, link), Pairs(alias, link)
    archive.put_references(Side.RIGHT, [Reference("1", NASTY, Version("1"))])
    assert archive.reference_names(Side.RIGHT, ["1"]) == {"1": NASTY}
    data: dict[str, object] = {"left": NASTY, NASTY: [1, 1.5, None, 2**70, {"b": 1, "a": [NASTY]}]}
    for _ in range(2):
        pairs.ask("conflict", at=NOW, part=f"phones/{NASTY * 200}", data=data)
    (question,) = pairs.questions()
    assert (question.data, question.part) == (data, f"phones/{NASTY * 200}")
    question.choice = "left"
    question.save(using=alias)
    pairs.ask("conflict", at=NOW, part=question.part, data=data)
    assert [item.choice for item in pairs.questions()] == ["left"], "asked again with the same data, the answer stands"
    raw = b'{"b":1.50,"a":"\\u0000\\ud800","a":2}\x00\xff'
    row = models.Shadow(
        link_id=link, side="left", record_id="r", locator="r", version="1", presence="live", raw=raw, content=raw, keys=[NASTY],
        first_seen_at=NOW, version_seen_at=NOW,
    )  # fmt: skip
    archive.put([row])
    kept = archive.shadow(Side.LEFT, "r")
    assert kept is not None
    assert (bytes(kept.raw or b""), bytes(kept.content or b""), kept.keys) == (raw, raw, [NASTY])
    row_of_pair = pairs.save(models.Pair(link_id=link, state="linked", left_id="r", created_at=NOW))
    row_of_pair.parked = {"phones": {"sentence": NASTY}}
    pairs.save_many([row_of_pair])
    assert [item.parked for item in pairs.parked()] == [{"phones": {"sentence": NASTY}}]
    assert connections[alias].vendor == "postgresql"


def test_the_order_is_not_the_servers(alias: str) -> None:
    """Records come in the order of their characters, as from a file, though the database would sort as a dictionary does."""
    sorting = "ENCODING 'UTF8' TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'pl' LC_COLLATE 'C' LC_CTYPE 'C'"
    try:
        url = databases.make_database(databases.unique("sorted"), sorting)
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.SyntaxError) as error:
        pytest.skip(f"this server sorts as no dictionary does: {error}")
    name = opened(url)
    link = _link(name)
    ids = ["b", "B", "a", "Ż", "z", "_", "10", "9"]
    Archive(name, link).put(
        models.Shadow(
            link_id=link, side="left", record_id=id_, locator=id_, version="1", presence="live", first_seen_at=NOW, version_seen_at=NOW
        )
        for id_ in ids
    )
    assert [row.record_id for row in Archive(name, link).unpaired(Side.LEFT)] == sorted(ids)
    assert [row.record_id for row in Archive(name, link).changed_since(Side.LEFT, NOW)] == sorted(ids)
    connections[name].close()


def _link(alias: str) -> LinkId:
    ends = [models.Account.objects.using(alias).create(service=one, external_id="1", name="", created_at=NOW) for one in ("west", "east")]
    return LinkId(models.Link.objects.using(alias).create(left_account=ends[0], right_account=ends[1], created_at=NOW).id)


# Several machines


def test_whose_leases_are_taken_over_at_once(alias: str) -> None:
    """On a database that others use, the only worker of a directory knows that its own dead are dead, and nothing about the rest."""
    link = _link(alias)
    models.Link.objects.using(alias).update(state="active")
    here, later = Schedule(alias, "here."), NOW + timedelta(seconds=1)
    assert Schedule(alias, "there.").claim(link, "there.1", NOW, is_alone=True) is not None
    assert here.due(later, is_alone=True) == []
    assert here.claim(link, "here.1", later, is_alone=True) is None
    past = NOW + timedelta(seconds=LEASE_S)
    assert here.claim(link, "here.1", past, is_alone=True) is not None
    assert here.due(past + timedelta(seconds=1), is_alone=True) == [link]
    assert here.claim(link, "here.2", past + timedelta(seconds=1), is_alone=True) is not None


def test_processes_migrate_at_once() -> None:
    """Several that come to an empty database at the same time: one makes the tables, all can work."""
    url = databases.make_database(databases.unique("fresh"))
    words = (
        "import sys; from pathlib import Path; from tandem.store import setup; setup.prepare(); from tandem.databases import described; "
        "setup.register('one', described(sys.argv[1], Path())); setup.migrate('one')"
    )
    started = [subprocess.Popen([sys.executable, "-c", words, url], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in started:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM django_migrations WHERE name = '0001_initial'").fetchone() == (1,)
