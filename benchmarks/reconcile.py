"""`reconcile`: the pure core. Pairs merged and planned per second, one in a hundred of them changed."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.figures import Figure, run
from benchmarks.people import Humans
from benchmarks.portraits import contact_of
from tandem.core.contact import LAST_NAME, Contact
from tandem.core.plan import Action, ActionKind, Tally, plan
from tandem.core.policy import Policy
from tandem.core.reconcile import Write, reconcile
from tandem.core.state import PairId, Presence, Side, Sight

SIZES = (25_000, 50_000, 100_000)
_CHANGED_OF = 100


def measure(size: int) -> Iterator[Figure]:
    """Decide about so many pairs whose sides and bases are four values of their own, as they come out of a database."""
    humans = iter(Humans("reconcile"))
    policy = Policy(region="PL")
    sights = [_sights(contact_of(next(humans)), is_changed=number % _CHANGED_OF == 0) for number in range(size)]
    started = time.process_time()
    actions = [
        Action(ActionKind.UPDATE, side, PairId(number), delta)
        for number, (left, right) in enumerate(sights)
        if isinstance(found := reconcile(left, right, policy), Write)
        for side, delta in ((Side.LEFT, found.merged.to_left), (Side.RIGHT, found.merged.to_right))
        if delta
    ]
    decided = plan(actions, pairs=size, tally=Tally(), limits=policy.brake, removals_held=False, released=frozenset(), approval=None)
    seconds = time.process_time() - started
    if len(decided.actions) + len(decided.held) != -(-size // _CHANGED_OF):
        raise RuntimeError("the plan is not what was changed")
    yield Figure("pairs per second of CPU", size, size / seconds, "", 50_000, is_floor=True)


def _sights(contact: Contact, *, is_changed: bool) -> tuple[Sight, Sight]:
    now = contact.replacing({LAST_NAME: "Nowa"}) if is_changed else _copy(contact)
    return Sight(Presence.LIVE, now, contact), Sight(Presence.LIVE, _copy(contact), _copy(contact))


def _copy(contact: Contact) -> Contact:
    return Contact(dict(contact.values))


if __name__ == "__main__":
    run("reconcile", SIZES, measure)
