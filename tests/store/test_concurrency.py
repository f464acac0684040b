"""Promise: however many workers are at the same links, no link is worked on twice at once, and what is counted adds up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from django.db import connections, transaction

from tandem.core.state import LinkId
from tandem.errors import LeaseLost, TandemError
from tandem.store import models
from tandem.store.installation import known_installation
from tandem.store.journal import Journal
from tandem.store.ledger import BLOCK_TOKENS, TokenLedger
from tandem.store.links import Accounts, Links, NewLink
from tandem.store.pairs import Pairs
from tandem.store.schedule import LEASE_S, Schedule
from tandem.store.vault import Drawer, Vault
from tandem.store.watches import Watches

from .conftest import NOW

if TYPE_CHECKING:
    from tandem.core.policy import Policy

WORKERS, TURNS = 4, 25


def together(alias: str, work: Callable[[int], None], workers: int = WORKERS) -> None:
    """Have several threads work at once, each with a connection of its own. What one raises, the test raises."""
    raised: list[BaseException] = []
    begin = threading.Barrier(workers)

    def run(number: int) -> None:
        try:
            begin.wait(20)
            work(number)
        except BaseException as error:
            raised.append(error)
        finally:
            connections[alias].close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if raised:
        raise raised[0]


def policy() -> Policy:
    """Some policy."""
    from tandem.core.policy import Policy

    return Policy(region="PL")


def test_a_link_is_worked_on_by_one(alias: str, make_link: Callable[..., models.Link]) -> None:
    """Workers claim, write and release the same links: at no time two of them, and each epoch is given once."""
    links = [make_link(1, 1).id, make_link(2, 2).id]
    at_work: dict[int, int] = dict.fromkeys(links, 0)
    epochs: list[tuple[int, int]] = []
    lock = threading.Lock()

    def work(number: int) -> None:
        schedule = Schedule(alias)
        for turn in range(TURNS):
            link = LinkId(links[(number + turn) % 2])
            lease = schedule.claim(link, f"worker {number}", NOW)
            if lease is None:
                continue
            with lock:
                at_work[link] += 1
                assert at_work[link] == 1
                epochs.append((link, lease.epoch))
            with transaction.atomic(using=alias):
                schedule.hold(lease, NOW)
                Journal(alias, link).open_cycle(epoch=lease.epoch, cause=f"{number}", at=NOW)
            with lock:
                at_work[link] -= 1
            schedule.release(lease, next_due_at=NOW)

    together(alias, work)
    assert len(epochs) == len(set(epochs)) > 0
    assert sorted(epochs) == sorted(models.Cycle.objects.using(alias).values_list("link_id", "epoch"))


def test_a_stolen_lease_commits_nothing(alias: str, make_link: Callable[..., models.Link]) -> None:
    """Each worker takes the link over from a past one that goes on writing: what is there was written under the epoch that held.

    A commit counts up from what its transaction has read; with two of them at once, one would be lost.
    """
    link = LinkId(make_link().id)
    row = Pairs(alias, link).save(models.Pair(link_id=link, state="linked", left_id="a", right_id="0", created_at=NOW))
    committed: list[int] = []
    fenced: list[int] = []
    clock = count()

    def work(number: int) -> None:
        schedule, pairs = Schedule(alias), Pairs(alias, link)
        for _ in range(TURNS):
            now = NOW + timedelta(seconds=LEASE_S * 2 * next(clock))
            lease = schedule.claim(link, f"worker {number}", now)
            if lease is None:
                continue
            for _ in range(3):
                try:
                    with transaction.atomic(using=alias):
                        schedule.hold(lease, now)
                        pair = pairs.one(row.id)
                        pair.right_id = str(int(pair.right_id or 0) + 1)
                        pairs.save(pair)
                    committed.append(lease.epoch)
                except LeaseLost:
                    fenced.append(lease.epoch)
                    break

    together(alias, work)
    assert Pairs(alias, link).one(row.id).right_id == str(len(committed))
    assert models.Link.objects.using(alias).get(id=link).epoch == max(committed + fenced)


def test_a_claim_does_not_wait_for_who_is_writing(alias: str, make_link: Callable[..., models.Link]) -> None:
    """On a server: a worker that sleeps in the midst of a transaction, its lease long over, keeps the link and nobody else waiting."""
    link = LinkId(make_link().id)
    if connections[alias].vendor == "sqlite":
        return  # there, one transaction writes at a time, whatever it writes
    schedule = Schedule(alias)
    lease = schedule.claim(link, "sleeper", NOW)
    assert lease is not None
    later = NOW + timedelta(seconds=2 * LEASE_S)
    with transaction.atomic(using=alias):
        schedule.hold(lease, NOW)
        taken: list[object] = []
        together(alias, lambda _: taken.append(Schedule(alias).claim(link, "other", later)), workers=1)
        assert taken == [None]
    assert Schedule(alias).claim(link, "other", later) is not None


def test_tokens_add_up(alias: str) -> None:
    """Several processes spend from one budget: every token is in the ledger, once, from the first row on."""

    def work(number: int) -> None:
        ledger = TokenLedger(alias, "company", lambda: NOW)
        for turn in range(TURNS):
            ledger.add(7 + number + turn % 3)
            if turn % 5 == 0:
                ledger.give_back()
        ledger.give_back()

    together(alias, work)
    wanted = sum(7 + number + turn % 3 for number in range(WORKERS) for turn in range(TURNS))
    (row,) = models.Ledger.objects.using(alias).all()
    assert (row.tokens, wanted > BLOCK_TOKENS) == (wanted, True)


def test_nobody_is_made_twice(alias: str) -> None:
    """Installation, accounts, a link between them, a credential, and how a side is watched: made at once, there is one of each."""
    ids: list[str] = []
    made: list[int] = []
    tokens = count()

    def work(number: int) -> None:
        ids.append(known_installation(alias, "k" * 64, lambda: f"installation{next(tokens)}", NOW))
        accounts = [Accounts(alias).keep(service, "1", "Name", {}, NOW) for service in ("west", "east")]
        new = NewLink(accounts[0].id, accounts[1].id, {}, {}, policy())
        with suppress(TandemError):
            made.append(Links(alias).add(new, NOW).id)
        link = LinkId(Links(alias).all()[0].id)
        Drawer(Vault(alias, ["k" * 64]), accounts[0].id).put("token", f"{number}")
        watches = Watches(alias, link)
        from tandem.core.state import Side

        watches.save(watches.of(Side.LEFT))

    together(alias, work)
    assert len(set(ids)) == 1
    assert len(made) == 1
    for model, number in ((models.Installation, 1), (models.Account, 2), (models.Link, 1), (models.Secret, 1), (models.Watch, 1)):
        assert model._default_manager.using(alias).count() == number, model
    labels = sorted(str(row.settings["label"]) for row in Accounts(alias).all())
    assert labels == ["east-1", "west-1"]
