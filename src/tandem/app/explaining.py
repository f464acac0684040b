"""Explain: what Tandem knows of whoever bears a text, on both sides, and why it is in, out, waiting or failing.

Rules: reads what is stored, asks no service, changes nothing. Holds contact data, for the owner's eyes only; the text is never
logged. Of records outside the scope no content is kept: they are found by a whole name, e-mail or number, and shown by their ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tandem.app.sides import PRODUCT, TITLE
from tandem.core.canonical import match_keys
from tandem.core.contact import EMAILS, FIRST_NAME, LAST_NAME, PHONES, Contact, Entry
from tandem.core.folding import trimmed
from tandem.core.state import Presence, Side
from tandem.engine.bench import Bench
from tandem.engine.births import Births, sort_births
from tandem.engine.preview import name_of, said
from tandem.errors import LinkStopped
from tandem.store import models
from tandem.store.contents import decode_contact
from tandem.store.numbers import number_of
from tandem.store.pairs import record_of

if TYPE_CHECKING:
    from tandem.app.root import Tandem

_CLOSED: Mapping[str, str] = {
    "undone": "what Tandem had joined or made was taken back; neither side is created again",
    "put-back": "Tandem made it again after a deletion; the other half stays deleted",
    "excluded": "it was left out by a person; neither side changes",
    "forgotten": "it was forgotten by a person: nothing is kept of it, and neither side changes",
    "deleted": "it was deleted on one side, and Tandem deleted it on the other",
    "both-gone": "it is deleted on both sides",
    "deletion-against-edit": "it was deleted on one side while the other was edited; nothing is deleted until a person decides",
    "left-alone": "it was deleted on one side, and the rules of the link leave the other alone",
    "left-on-this-account": "it was deleted in one account, and others share it",
    "gone-before-creation": "it was deleted before it could be copied",
    "gone-and-out-of-scope": "one side is deleted, the other is outside what the link covers",
}
_PRESENCE: Mapping[Presence, str] = {
    Presence.MISSING: "the last listing of {side} did not show it; it is looked at again before anything is concluded",
    Presence.UNREADABLE: "{side} shows it, but it could not be read; it is left alone",
    Presence.OUT_OF_SCOPE: "in {side} it is outside what the link covers, so nothing flows until it comes back",
    Presence.GONE: "it is deleted in {side}; the other side follows once the deletion has been confirmed",
}
_QUESTIONS: Mapping[str, str] = {
    "match": "a person has to say whether they are the same",
    "backup": "it is not known since a restore which side is newer, and a person decides",
    "conflict": "both sides changed one value differently, and a person decides",
    "hold": "a change is held by the brake until a person agrees",
    "deletion-against-edit": "a person has to decide between a deletion and an edit",
    "unknown-creation": "whether a copy was made could not be found out; a person has to look",
}
_OFF = "`tandem exclude {link} {id} --off` syncs it again"


@dataclass(frozen=True, slots=True)
class Half:
    """One side of it: its values as text by field, as they were last seen."""

    product: str
    record: str
    presence: str
    values: Mapping[str, str]
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Explained:
    """One contact: the pair (None: not paired), both sides, and sentences that say how it stands."""

    pair: int | None
    state: str
    name: str
    halves: tuple[Half, ...]
    sentences: tuple[str, ...]
    #: (field, side, sentence) of what was refused.
    parked: tuple[tuple[str, str, str], ...] = ()
    next_at: datetime | None = None

    def data(self) -> dict[str, object]:
        """As `--json` shows it."""
        return {
            "pair": self.pair, "state": self.state, "name": self.name, "sentences": list(self.sentences),
            "sides": [
                {"side": half.product, "record": half.record, "presence": half.presence, "values": dict(half.values),
                 "seen_at": half.seen_at.isoformat() if half.seen_at else None}
                for half in self.halves
            ],
            "parked": [{"field": name, "side": side, "sentence": sentence} for name, side, sentence in self.parked],
            "next_at": self.next_at.isoformat() if self.next_at else None,
        }  # fmt: skip


@dataclass(slots=True)
class _Explaining:
    bench: Bench
    link: models.Link
    questions: list[models.Question] = field(default_factory=list)
    pending: set[int | None] = field(default_factory=set)
    births: Births = field(default_factory=Births)
    #: What stops all births, if anything does.
    stop: str = ""

    def load(self) -> None:
        """Read what concerns everybody."""
        self.questions = self.bench.pairs.questions()
        self.pending = {intent.pair_id for intent in self.bench.journal.pending()}
        try:
            self.births = sort_births(self.bench, is_first=self.link.first_synced_at is None)
        except LinkStopped as error:
            self.stop = str(error)

    def found(self, text: str) -> list[Explained]:
        """Everybody who bears the text; `pair:7` is that pair."""
        kind, _, rest = text.partition(":")
        if kind == "pair" and (number := number_of(rest)) is not None:
            return [self._pair(pair) for pair in self.bench.pairs.by_id([number]).values()]
        rows = {side: self.bench.archive.bearing(side, text, self._keys(text)) for side in Side}
        pairs: dict[int, models.Pair] = {}
        alone: list[tuple[Side, models.Shadow]] = []
        for side, shadows in rows.items():
            known = self.bench.pairs.of(side, [row.record_id for row in shadows])
            pairs |= {pair.id: pair for pair in known.values()}
            alone += [(side, row) for row in shadows if row.record_id not in known]
        return [self._pair(pair) for pair in pairs.values()] + [self._alone(side, row) for side, row in alone]

    def _keys(self, text: str) -> list[str]:
        first, _, last = text.strip().rpartition(" ")
        guesses = (Contact({FIRST_NAME: first, LAST_NAME: last}), Contact({EMAILS: (Entry(text),)}), Contact({PHONES: (Entry(text),)}))
        region = self.bench.policy.region
        wanted = [guess for guess in guesses if guess and match_keys(guess, region)]
        return sorted({key for guess in wanted for key in self.bench.keys_of(guess)})

    def _pair(self, pair: models.Pair) -> Explained:
        shadows = {side: self.bench.archive.shadow(side, record_of(pair, side) or "") for side in Side}
        halves = tuple(_half(side, shadow) for side, shadow in shadows.items() if shadow is not None)
        contacts = [decode_contact(shadow.content) for shadow in shadows.values() if shadow is not None]
        name = next((name for contact in contacts if (name := name_of(contact))), "")
        parked = tuple((str(key), PRODUCT[Side(item["side"])], str(item["sentence"])) for key, item in sorted(pair.parked.items()))
        return Explained(pair.id, pair.state, name, halves, tuple(self._why(pair, shadows)), parked, self._next(pair))

    def _why(self, pair: models.Pair, shadows: Mapping[Side, models.Shadow | None]) -> list[str]:
        if pair.state == "closed":
            off = _OFF.format(link=self.link.id, id=f"pair:{pair.id}")
            return [f"Out: {_CLOSED.get(pair.reason, pair.reason)}. {off}."]
        told = [_PRESENCE[Presence(shadow.presence)].format(side=TITLE[PRODUCT[side]]) for side, shadow in shadows.items()
                if shadow is not None and Presence(shadow.presence) in _PRESENCE]  # fmt: skip
        if pair.id in self.pending:
            told.append("a write to it was sent and has no answer yet; it is being found out what became of it")
        told += [_QUESTIONS.get(item.kind, item.kind) for item in self.questions if item.pair_id == pair.id and not item.choice]
        told += [f"{name} is not written: {item['sentence']}" for name, item in sorted(pair.parked.items())]
        if told:
            return [f"Waiting: {sentence.rstrip('.')}." for sentence in told]
        if pair.state == "one-sided":
            return ["Waiting: it is to be copied to the other side."]
        if pair.is_dirty:
            return ["In, with a change that has not travelled yet."]
        return ["In: both sides agree."]

    def _alone(self, side: Side, row: models.Shadow) -> Explained:
        return Explained(None, "unpaired", name_of(decode_contact(row.content)), (_half(side, row),), (self._why_alone(side, row),),
                         next_at=self._next(None))  # fmt: skip

    def _why_alone(self, side: Side, row: models.Shadow) -> str:
        title, other = TITLE[PRODUCT[side]], TITLE[PRODUCT[side.other]]
        if row.presence == Presence.OUT_OF_SCOPE.value:
            return f"Out: it stands in {title} outside what the link covers; only its id and hashes are kept."
        if row.presence == Presence.GONE.value:
            return f"Out: it is deleted in {title} and never had another half."
        if self.stop:
            return f"Waiting: {self.stop}"
        for births_side, record, reason in self.births.left_out:
            if (births_side, record) == (side, row.record_id):
                return f"Out: {reason}."
        for doubtful in self.births.doubtful:
            if row.record_id in (doubtful.left if side is Side.LEFT else doubtful.right):
                return f"Waiting: {_QUESTIONS['match']} ({doubtful.kind.value}: {', '.join(doubtful.evidence)})."
        if any(row.record_id in (left.record_id, right.record_id) for left, right, _ in self.births.matched):
            return "It is found to be somebody who is on both sides; the next sync joins them."
        if any(row.record_id == one.record_id for one in self.births.alone[side]):
            return f"The next sync copies it to {other}."
        return "Waiting: a name alone is copied when it has been still for a while, or has an e-mail or a number."

    def _next(self, pair: models.Pair | None) -> datetime | None:
        """When it is looked at next; None where nothing but a person moves it."""
        if self.link.state not in {"active", "waiting"} or (pair is not None and pair.state == "closed"):
            return None
        return self.link.wait_until or self.link.next_due_at


def _half(side: Side, shadow: models.Shadow) -> Half:
    values = {str(name): said(value) for name, value in decode_contact(shadow.content).values.items()}
    return Half(PRODUCT[side], shadow.record_id, shadow.presence, values, shadow.version_seen_at)


def explain(tandem: Tandem, link: int, text: str) -> list[Explained]:
    """Everybody who bears this text in any value, or has it as id, in one link."""
    explaining = _Explaining(tandem.bench(link), tandem.links.one(link))
    explaining.load()
    return explaining.found(trimmed(text))
