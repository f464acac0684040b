"""Follow what persons have answered: as data of a cycle's decisions, in its transaction, so that a preview shows it, too.

    match                   joined, kept apart for ever, or left out          before births are sorted
    conflict                the chosen side wins                              while the pair is reconciled
    hold, released          what was shown passes the brake, uncounted        when the plan is judged
    hold, rejected          the pair closes, or its bases say "never mind"    while the pair is reconciled
    ... of a closed pair    what is left of it stays                          before pairs are reconciled
    deletion against edit   made again, deleted too, or left                  before pairs are reconciled
    unknown creation        joined, made again, or left out                   before pairs are reconciled

Rules: an answer is for what was shown; where that has changed since, the question is open again. An answer that needs a write
stays until the write is settled, so that a process may die in between; any other is closed in the transaction that follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from tandem.core.contact import Contact, Delta
from tandem.core.merge import Conflict, Part, advance, parts_of
from tandem.core.plan import Action, ActionKind, HoldReason, count_blanks
from tandem.core.state import PairId, PairState, Presence, Side, Sight
from tandem.engine.aged import BACKUP, age_of
from tandem.engine.bases import base_of, set_base
from tandem.engine.bench import Bench
from tandem.engine.choices import (
    APART,
    CONFLICT,
    CREATE_AGAIN,
    DELETE,
    DELETION_AGAINST_EDIT,
    IT_WAS,
    LEAVE,
    LEAVE_OUT,
    LINK,
    MATCH,
    RELEASE,
    RESTORE,
    UNKNOWN_CREATION,
)
from tandem.engine.holds import HOLD, action_print
from tandem.engine.restored import WANTED, born_anew
from tandem.store import models
from tandem.store.contents import decode_contact
from tandem.store.pairs import record_of
from tandem.store.words import WordKind

#: (pair, side, part) of a question.
QuestionKey = tuple[int | None, str, str]
#: (left, right, evidence in words) of records that were found to be one person.
Found = tuple[models.Shadow, models.Shadow, tuple[str, ...]]
REJECT = "reject"


def follow(bench: Bench) -> list[Found]:
    """Follow the answers that need no write of their own. Returns the records that were joined. The caller holds the transaction."""
    follower = _Follower(bench)
    for question in bench.answers.given():
        follower.follow(question)
    return follower.joined


@dataclass(slots=True)
class _Follower:
    bench: Bench
    joined: list[Found] = field(default_factory=list)

    def follow(self, question: models.Question) -> None:
        """Follow one answer, if it is of those that need no write: close the question, or open it again where that cannot be done."""
        acts: dict[tuple[str, str], Callable[[models.Question], bool | None]] = {
            (MATCH, LINK.word): self._join,
            (MATCH, APART.word): self._keep_apart,
            (MATCH, LEAVE.word): self._leave_all,
            (MATCH, LEAVE_OUT.word): self._leave_all,
            (HOLD, REJECT): self._reject,
            (DELETION_AGAINST_EDIT, RESTORE.word): self._restore,
            (DELETION_AGAINST_EDIT, LEAVE.word): lambda _: True,
            (UNKNOWN_CREATION, IT_WAS.word): self._it_was,
            (UNKNOWN_CREATION, CREATE_AGAIN.word): lambda asked: self._settle_pair(asked, PairState.ONE_SIDED, WANTED),
            (UNKNOWN_CREATION, LEAVE.word): lambda asked: self._settle_pair(asked, PairState.CLOSED, "left-out"),
        }
        act = acts.get((question.kind, question.choice))
        is_done = act(question) if act else None
        if is_done:
            self.bench.answers.close(question, self.bench.now())
        elif is_done is False:
            self.bench.answers.take_back(question)

    def _unpaired(self, side: Side, record: str) -> models.Shadow | None:
        """A record in scope that no pair knows."""
        shadow = self.bench.archive.shadow(side, record)
        is_free = shadow is not None and shadow.presence == Presence.LIVE.value and not self.bench.pairs.of(side, [record])
        return shadow if is_free else None

    def _join(self, question: models.Question) -> bool:
        left, right = (self._unpaired(side, record) for side, record in zip(Side, question.named, strict=True))
        if left is None or right is None:
            return False
        pair, age = self._pair(PairState.LINKED, "said-by-person", left.record_id, right.record_id), age_of(self.bench)
        pair.is_aged = age.is_old_news(left) and age.is_old_news(right)
        self.bench.pairs.save(pair)
        self.joined.append((left, right, ("a person's word",)))
        return True

    def _pair(self, state: PairState, reason: str, left: str | None, right: str | None) -> models.Pair:
        return models.Pair(
            link_id=self.bench.link, state=state.value, reason=reason, left_id=left, right_id=right,
            mapping_version=self.bench.mapping_version, created_at=self.bench.now(), is_dirty=state is not PairState.CLOSED,
        )  # fmt: skip

    def _one_sided(self, state: PairState, reason: str, side: Side, record: str) -> models.Pair:
        return self._pair(state, reason, *((record, None) if side is Side.LEFT else (None, record)))

    def _keep_apart(self, question: models.Question) -> bool:
        self.bench.words.say(WordKind.APART, product(question.data["left"], question.data["right"]), self.bench.now())
        return True

    def _leave_all(self, question: models.Question) -> bool:
        return self._leave_out({side: question.data[side.value] for side in Side})

    def _leave_out(self, records: Mapping[Side, Iterable[str]]) -> bool:
        free = [(side, record) for side, ids in records.items() for record in ids if self._unpaired(side, record) is not None]
        self.bench.pairs.add_many(self._one_sided(PairState.CLOSED, "left-out", side, record) for side, record in free)
        return bool(free)

    def _reject(self, question: models.Question) -> bool | None:
        if question.data.get("action") == ActionKind.DELETE.value:
            return self._reject_end(question, self.bench.pairs.one(question.pair_id or 0))
        if question.data.get("action") != ActionKind.CREATE.value:
            # What is held of a pair is looked at while the pair is reconciled.
            return None
        if question.pair_id is not None:
            return self._settle_pair(question, PairState.CLOSED, "left-out")
        side, _, record = question.part.partition(":")
        return self._leave_out({Side(side): [record]})

    def _reject_end(self, question: models.Question, pair: models.Pair) -> bool | None:
        """What is left of a closed pair, held on its way to the bin by an earlier word, stays: that word is spent."""
        if pair.state != PairState.CLOSED.value:
            return None
        side = Side(question.side)
        shadow = self.bench.archive.shadow(side, record_of(pair, side) or "")
        held = Action(ActionKind.DELETE, side, PairId(pair.id))
        if shadow is None or action_print(held, decode_contact(shadow.content)) != question.data.get("print"):
            return False
        self.bench.pairs.close_all_questions(pair.id, self.bench.now())
        return True

    def _settle_pair(self, question: models.Question, state: PairState, reason: str) -> bool:
        """A creation that did not come about: tried again, or given up."""
        pair = self.bench.pairs.one(question.pair_id or 0)
        if pair.state != PairState.ONE_SIDED.value:
            return True
        pair.state, pair.reason, pair.is_dirty = state.value, reason, state is not PairState.CLOSED
        self.bench.pairs.save(pair)
        return True

    def _it_was(self, question: models.Question) -> bool:
        """Join what was made to its source. Both are united: what the record holds besides is nobody's removal."""
        side, pair = Side(question.side), self.bench.pairs.one(question.pair_id or 0)
        shadow = self._unpaired(side, question.named[0])
        if shadow is None or pair.state != PairState.ONE_SIDED.value:
            return False
        _set_record(pair, side, shadow.record_id)
        pair.state, pair.reason, pair.is_dirty = PairState.LINKED.value, "said-by-person", True
        for each in Side:
            set_base(pair, each, Contact())
        self.bench.pairs.save(pair)
        return True

    def _restore(self, question: models.Question) -> bool:
        """The survivor leaves the closed pair, which stays as the tombstone of the other, and waits for a new counterpart."""
        survivor, pair = Side(question.side).other, self.bench.pairs.one(question.pair_id or 0)
        record = record_of(pair, survivor) or ""
        shadow = self.bench.archive.shadow(survivor, record)
        if shadow is None or shadow.presence != Presence.LIVE.value:
            return False
        born_anew(self.bench, pair, survivor)
        return True


def _set_record(pair: models.Pair, side: Side, record: str | None) -> None:
    if side is Side.LEFT:
        pair.left_id = record
    else:
        pair.right_id = record


class Said:
    """What persons have said so far about pairs. Read once for one look at all of them."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._open: dict[tuple[str, QuestionKey], models.Question] = {
            (item.kind, (item.pair_id, item.side, item.part)): item for item in bench.pairs.questions()
        }
        self._with_choice = {item.pair_id for item in self._open.values() if item.kind == CONFLICT and item.choice}

    def chosen(self, pair_id: int, conflicts: Iterable[Conflict]) -> dict[Part, Side]:
        """Who shall win the open conflicts of a pair, as far as they still are what was shown."""
        if pair_id not in self._with_choice:
            return {}
        found = {item.part: self._open.get((CONFLICT, conflict_key(pair_id, item))) for item in conflicts}
        shown = {item.part: conflict_data(item) for item in conflicts}
        return {
            part: Side(question.choice)
            for part, question in found.items()
            if question is not None and question.choice and question.data == shown[part]
        }

    def reason_of(self, key: QuestionKey) -> str:
        """Why something is held; empty when it is not."""
        question = self._open.get((HOLD, key))
        return str(question.data.get("reason", "")) if question else ""

    def about(self, key: QuestionKey, shown: str) -> str:
        """The answer about what is held, if it still is what was shown; else empty, and the question is open again."""
        question = self._open.get((HOLD, key))
        if question is None or not question.choice:
            return ""
        if question.data.get("print") != shown:
            self._bench.answers.take_back(question)
        return question.choice

    def about_backup(self, pair_id: int, shown: Mapping[str, object]) -> str:
        """Which side is right since a restore, if what was shown still stands; else empty."""
        question = self._open.get((BACKUP, (pair_id, "", "")))
        return question.choice if question is not None and question.data == shown else ""

    def close_backup(self, pair_id: int) -> None:
        """It is clear by now which side is right."""
        if question := self._open.pop((BACKUP, (pair_id, "", "")), None):
            self._bench.answers.close(question, self._bench.now())

    def close(self, key: QuestionKey) -> None:
        """The answer about what is held has been followed."""
        self._bench.answers.close(self._open.pop((HOLD, key)), self._bench.now())

    def is_unclear(self, pair_id: int) -> bool:
        """Whether a creation for this pair may have come about, and nobody has said so yet."""
        return any(kind == UNKNOWN_CREATION and key[0] == pair_id for kind, key in self._open)

    def deletions(self) -> list[tuple[models.Question, Side]]:
        """Edited survivors of a deletion that a person wants to be deleted, too, with their sides."""
        given = [item for (kind, _), item in self._open.items() if kind == DELETION_AGAINST_EDIT and item.choice == DELETE.word]
        return [(item, Side(item.side).other) for item in given]

    def take_back(self, question: models.Question) -> None:
        """The answer cannot be followed any more."""
        self._bench.answers.take_back(question)


def conflict_key(pair_id: int, conflict: Conflict) -> QuestionKey:
    """How the question about an open conflict is known."""
    return (pair_id, "", f"{conflict.part.field}/{conflict.part.key}")


def conflict_data(conflict: Conflict) -> dict[str, object]:
    """What is shown of a conflict."""
    return {"left": conflict.left, "right": conflict.right}


def reject_update(bench: Bench, pair: models.Pair, sights: Mapping[Side, Sight], side: Side, delta: Delta) -> None:
    """A person does not want this update. The caller saves the pair.

    What it would have taken away counts as never removed, so that it goes back; of the rest both sides are taken as they are,
    until somebody changes it again.
    """
    region = bench.policy.region
    blanked = {name: change for name, change in delta.items() if count_blanks(sights[side].contact, {name: change})}
    kept = {name: change for name, change in delta.items() if name not in blanked}
    for each in Side:
        base = advance(base_of(pair, each), parts_of(blanked, region), Contact(), region)
        set_base(pair, each, advance(base, parts_of(kept, region), sights[each].contact, region))


@dataclass(frozen=True, slots=True)
class Shown:
    """An action as a person would be asked about it."""

    action: Action
    key: QuestionKey
    #: Makes a digest of what is shown; another one is another question.
    print: Callable[[], str]


@dataclass(slots=True)
class Heeded:
    """What persons have said about the actions of a cycle."""

    #: To be judged by the brake.
    judged: list[Action] = field(default_factory=list)
    released: set[PairId] = field(default_factory=set)
    #: Deletions that were released although something hangs on the record.
    despite: set[PairId] = field(default_factory=set)
    #: Questions that stay, because what was released has not been done yet, or waits for the other side of its pair.
    keep: list[QuestionKey] = field(default_factory=list)
    #: Actions that wait until what was released of their pair has been done.
    later: int = 0


def heed(bench: Bench, shown: Sequence[Shown], wanted: frozenset[PairId]) -> Heeded:
    """Find out which actions were released. `wanted`: pairs of actions that a person asked for."""
    said, heeded = Said(bench), Heeded()
    released = {
        item.key
        for item in shown
        if item.action.pair in wanted or (said.reason_of(item.key) and said.about(item.key, item.print()) == RELEASE.word)
    }
    heeded.released = {item.action.pair for item in shown if item.key in released}
    for item in shown:
        if item.key in released:
            heeded.keep.append(item.key)
            is_attached = said.reason_of(item.key) == HoldReason.ATTACHMENTS.value
            if is_attached and said.about(item.key, item.print()) == RELEASE.word:
                heeded.despite.add(item.action.pair)
        elif item.action.pair in heeded.released:
            # The brake releases a pair: the write to its other side was not shown with it, and comes after it.
            heeded.later += 1
            heeded.keep.append(item.key)
            continue
        heeded.judged.append(item.action)
    return heeded


def ask_about_survivor(bench: Bench, pair: models.Pair, deleted: Side) -> None:
    """Ask what becomes of a record that was edited while its counterpart was deleted. The caller holds the transaction."""
    shadow = bench.archive.shadow(deleted.other, record_of(pair, deleted.other) or "")
    data: dict[str, object] = {"print": survivor_print(shadow) if shadow else ""}
    bench.pairs.ask(DELETION_AGAINST_EDIT, at=bench.now(), pair=pair.id, side=deleted.value, data=data)


def survivor_print(shadow: models.Shadow) -> str:
    """A digest of the record that a person was asked about."""
    return shadow.fingerprint[:24]
