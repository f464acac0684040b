"""Taking back, leaving out and opening again, as a person asks for it: names and numbers become lines of history and pairs.

Rules: what is asked for is written down, and the next cycle does it; a link that a process works on is waited for, never overtaken.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tandem.app.sides import PRODUCT, SIDE, TITLE
from tandem.core.state import LinkId, Side
from tandem.engine.bench import Bench
from tandem.engine.preview import name_of
from tandem.engine.reopening import EXCLUDED, REOPENABLE, close, reopen
from tandem.engine.returned import Returns
from tandem.engine.undo import preview_undo
from tandem.errors import LeaseLost, WrongInput
from tandem.store import models
from tandem.store.contents import decode_contact
from tandem.store.numbers import number_of
from tandem.store.pairs import record_of
from tandem.store.past import Past

if TYPE_CHECKING:
    from tandem.app.root import Tandem

_TRIES, _PAUSE_S = 600, 0.2


def chosen_lines(tandem: Tandem, link: int, text: str) -> list[models.History]:
    """The lines that a person means: a cycle (`5`), a change (`5-123`, as history shows it), or the last sync of a pair (`pair:7`).

    Raises:
        WrongInput: there is no such thing any more.
    """
    past, word = Past(tandem.alias, LinkId(link)), text.strip()
    rows: list[models.History] = []
    if word.startswith("pair:") and (pair := number_of(word[5:])) is not None:
        rows = past.latest_of(pair)
    elif (cycle := number_of(word)) is not None:
        rows = past.of_cycle(cycle)
    elif (line := number_of(word.partition("-")[2])) is not None:
        rows = [row for row in past.lines([line]) if str(row.cycle_id) == word.partition("-")[0]]
    if not rows:
        raise WrongInput(
            f"There is nothing to take back under {text!r}: `tandem history {link}` shows cycles (5) and changes (5-123), and "
            f"pair:7 is the last sync of a pair. History is kept for {tandem.config.whole('HISTORY_DAYS')} days."
        )
    return rows


def shown_undo(tandem: Tandem, link: int, rows: list[models.History]) -> Returns:
    """What an undo would do now. Changes nothing."""
    tandem.follow_clock()
    found = preview_undo(tandem.bench(link), rows)
    tandem.services.settle_ledgers()
    return found


def ask_undo(tandem: Tandem, link: int, rows: list[models.History]) -> int:
    """Write down that these lines are to be taken back; the next cycle does it. Returns the undo's number.

    Raises:
        WrongInput: the link is not going.
    """
    state = tandem.links.one(link).state
    if state == "restored":
        raise WrongInput(
            f"Link {link} came out of a backup: `tandem preview {link}`, then `tandem sync {link}`; after that this can be done."
        )
    if state in {"draft", "paused", "removed"}:
        raise WrongInput(f"Link {link} is {state}; `tandem link resume {link}` lets a paused one go on, and then this can be taken back.")
    undo = Past(tandem.alias, LinkId(link)).ask([row.id for row in rows], tandem.clock.now())
    tandem.schedule.request(LinkId(link))
    return undo.id


@dataclass(frozen=True, slots=True)
class Excluded:
    """What was left out or opened again. `pair` is None where only a record was known, and is forgotten again."""

    pair: int | None
    google: str | None
    pipedrive: str | None
    name: str
    is_off: bool


@contextmanager
def held(tandem: Tandem, link: int) -> Iterator[Bench]:
    """The link, with nobody else at work on it. LeaseLost when that does not come about in two minutes."""
    for _ in range(_TRIES):
        tandem.follow_clock()
        lease = tandem.claim(link, "person")
        if lease is not None:
            break
        tandem.clock.sleep(_PAUSE_S)
    else:
        raise LeaseLost(f"Another process is working on link {link}.")
    try:
        yield tandem.bench(link, lease=lease)
    finally:
        tandem.schedule.release(lease, next_due_at=tandem.clock.now())


def exclude(tandem: Tandem, link: int, text: str, *, is_off: bool) -> Excluded:
    """Leave a contact, person or pair out of the sync, or (`is_off`) sync it again. Writes nothing on either side.

    Raises:
        WrongInput: no such record, several, one that has a write without answer, or nothing to open again.
        LeaseLost: another process is at work all the time.
    """
    with held(tandem, link) as bench, bench.commit():
        side, record, pair = _meant(bench, text)
        if pair is not None and any(intent.pair_id == pair.id for intent in bench.journal.pending()):
            raise WrongInput("A write to it has no answer yet; try again in a few minutes.")
        if is_off:
            return _open_again(bench, pair, text)
        if pair is None:
            pair = models.Pair(link_id=bench.link, mapping_version=bench.mapping_version, created_at=bench.now())
            pair.left_id, pair.right_id = (record, None) if side is Side.LEFT else (None, record)
        if pair.state == "closed":
            raise WrongInput(f"It is out of the sync already ({pair.reason}); `tandem exclude {link} {text} --off` syncs it again.")
        close(bench, pair, EXCLUDED)
        return _told(bench, pair, is_off=False)


def _open_again(bench: Bench, pair: models.Pair | None, text: str) -> Excluded:
    if pair is None or pair.state != "closed" or pair.reason not in REOPENABLE:
        raise WrongInput(f"{text!r} is not left out; there is nothing to open again.")
    told = _told(bench, pair, is_off=True)
    if pair.reason == EXCLUDED and None in (pair.left_id, pair.right_id):
        # It never had another half: what no pair knows is matched or born like any new record.
        pair.delete(using=bench.alias)
        return Excluded(None, told.google, told.pipedrive, told.name, is_off=True)
    reopen(bench, pair)
    return told


def _told(bench: Bench, pair: models.Pair, *, is_off: bool) -> Excluded:
    names = [
        name_of(decode_contact(shadow.content)) for side in Side if (shadow := bench.archive.shadow(side, record_of(pair, side) or ""))
    ]
    return Excluded(pair.id, pair.left_id, pair.right_id, next(filter(None, names), ""), is_off)


def _meant(bench: Bench, text: str) -> tuple[Side, str, models.Pair | None]:
    """Side, record and pair (if any) that a person means by an id: `pair:7`, `google:ID`, `pipedrive:ID`, or the bare id."""
    product, _, id_ = text.strip().rpartition(":")
    if product == "pair" and (number := number_of(id_)) is not None:
        pair = bench.pairs.by_id([number]).get(number)
        if pair is not None:
            side = Side.LEFT if pair.left_id else Side.RIGHT
            return side, record_of(pair, side) or "", pair
    sides = [SIDE[product]] if product in SIDE else [] if product else list(Side)
    found = [(side, bench.pairs.of(side, [id_]).get(id_)) for side in sides]
    known = [(side, pair) for side, pair in found if pair is not None or bench.archive.shadow(side, id_) is not None]
    if not known:
        raise WrongInput(f"Tandem knows no record {text!r}; `tandem explain {bench.link} NAME` shows ids.")
    if len(known) > 1:
        both = " or ".join(f"{PRODUCT[side]}:{id_} ({TITLE[PRODUCT[side]]})" for side, _ in known)
        raise WrongInput(f"{id_!r} is the id of two records: say {both}.")
    return known[0][0], id_, known[0][1]
