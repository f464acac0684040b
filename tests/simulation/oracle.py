"""Whether a run kept the promises, judged by what people did and what both services hold at the end.

Promises (ARCHITECTURE.md): P1 no loss, P2 no invention, P3 no duplicate, P4 no resurrection and no unjustified deletion,
P5 untouched, P6 convergence.

Exemptions, all of them:
- A record that an open question names, or whose pair has one, may differ from its partner, and may be there twice.
- A pair of which a side is out of scope rests; it need not be equal.
- A value that lost a conflict is found in the history.
- A value that a human removed on one record before both were known to be one person may come back from the other (a first meeting
  unites).
- Labels and marks of an entry that humans typed on both sides may differ (a first meeting leaves each side its own).
- A single value that was typed again, as it stood before, may give way to another one from the other side without a trace: where
  the write in between had no answer yet, nothing tells it from a value that never changed.
- A contact that was given to an organisation by its name, just before somebody renamed that organisation, has the new name: a read may
  not show it yet, and had the contact been there a moment earlier, it would have followed just so.
- A deletion that a person released.
- A copy of Tandem's that no human has touched goes when the person turns out to have stood there: its partner is paired with that one.
- A person of Pipedrive must be called something: without a name it bears its organisation, e-mail or phone. When a human has
  edited such a name, all of it counts as typed.
- Two records of one e-mail and different names are two persons. A contact outside the group that a cut listing hid is not known.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from simulation.hands import SIDES, Edit
from simulation.play import Deletion, Play
from simulation.views import GOOGLE, LISTS, PIPEDRIVE, TEXTS, View, organisations, views
from tandem.store import models
from tandem.store.contents import decode_loser

#: What was deleted after it had left the sync takes nobody along.
_LEFT_ALONE = "gone-and-out-of-scope"
_OTHER = {GOOGLE: PIPEDRIVE, PIPEDRIVE: GOOGLE}
Place = tuple[str, str]


@dataclass
class Verdict:
    """What is wrong with a run; empty when all promises were kept."""

    play: Play
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        stage = self.play.stage
        self.log = self.play.hands.log
        self.now = {side: views(stage, side) for side in SIDES}
        self.pairs = list(models.Pair.objects.using(stage.alias).order_by("id"))
        self.questions = list(models.Question.objects.using(stage.alias).filter(closed_at=None))
        self.asked_pairs = {item.pair_id for item in self.questions if item.pair_id}
        self.asked = {
            (side, str(record))
            for item in self.questions
            if item.kind == "match"
            for side, name in ((GOOGLE, "left"), (PIPEDRIVE, "right"))
            for record in item.data.get(name, [])
        }
        self.losers: dict[int, str] = defaultdict(str)
        for row in models.History.objects.using(stage.alias).filter(kind="conflict"):
            loser = decode_loser(bytes(row.before))
            self.losers[row.pair_id] += f"{loser.left} | {loser.right} | ".casefold()

    def judge(self) -> list[str]:
        """Everything that is wrong."""
        self.wrong += self.log.faults
        if not self.play.is_quiet:
            self.wrong.append(f"P6 not quiet: {self.play.reports[-1]}")
        for pair in self.pairs:
            self._pair(pair)
        self._alone()
        self._twice()
        self._deletions()
        return self.wrong

    def _say(self, line: str) -> None:
        self.wrong.append(line)

    # Pairs

    def _pair(self, pair: models.Pair) -> None:
        places = [(side, record) for side, record in ((GOOGLE, pair.left_id), (PIPEDRIVE, pair.right_id)) if record]
        seen = {place: self.now[place[0]].get(place[1]) for place in places}
        living = {place: view for place, view in seen.items() if view is not None}
        if len(living) == 2 and pair.state != "closed":
            left, right = living.values()
            is_resting = not (left.in_scope and right.in_scope)
            if pair.id not in self.asked_pairs and not is_resting:
                self._equal(pair, left, right)
                self._values(pair, places, left, right)
        for (side, record), view in living.items():
            self._invented(side, record, view, places)

    def _equal(self, pair: models.Pair, left: View, right: View) -> None:
        if pair.state != "linked":
            self._say(f"P6 pair {pair.left_id} {pair.right_id} is {pair.state} ({pair.reason})")
        if pair.parked:
            self._say(f"P6 pair {pair.left_id} {pair.right_id} has parked fields: {pair.parked}")
        for name in TEXTS:
            is_made_up = name in {"first", "last"} and left.is_nameless
            if left.texts[name] != right.texts[name] and not is_made_up:
                self._say(f"P6 {name} of {pair.left_id} {pair.right_id}: {left.texts[name]!r} and {right.texts[name]!r}")
        for name in LISTS:
            theirs = {key for key in left.lists[name] if self._is_typed_twice(pair, name, key)}
            labels = [{key: label for key, label in view.labels(name).items() if key not in theirs} for view in (left, right)]
            if left.lists[name].keys() != right.lists[name].keys() or labels[0] != labels[1]:
                self._say(f"P6 {name} of {pair.left_id} {pair.right_id}: {left.labels(name)} and {right.labels(name)}")
        for side, record, mine, yours in ((GOOGLE, pair.left_id, left, right), (PIPEDRIVE, pair.right_id, right, left)):
            for name in LISTS:
                mark = self.log.marks.get((side, record, name))
                is_later = self._is_last(side, pair, name)
                if mark and is_later and (mine.primary(name) != mark or yours.primary(name) != mark) and self._holds_marks(name):
                    self._say(f"P1 mark of {name} of {pair.left_id} {pair.right_id}: {mark} was chosen on {side}")

    def _is_typed_twice(self, pair: models.Pair, name: str, key: str) -> bool:
        left, right = (self.log.of(place, name=name) for place in ((GOOGLE, pair.left_id), (PIPEDRIVE, pair.right_id)))
        return all(any(key in edit.come for edit in edits) for edits in (left, right))

    def _holds_marks(self, name: str) -> bool:
        return name != "messengers" or self.play.stage.terms.contact_sync

    def _is_last(self, side: str, pair: models.Pair, name: str) -> bool:
        """Whether nobody touched the list on the other side at all, and both sides had met; a sufficient condition only."""
        other = pair.right_id if side == GOOGLE else pair.left_id
        return other not in self.log.made(_OTHER[side]) and not self.log.of((_OTHER[side], other), name=name)

    def _values(self, pair: models.Pair, places: list[Place], left: View, right: View) -> None:
        """P1: each value that was typed is there, or a human took it away, or it lost a conflict. P4: what was taken away is gone."""
        edits = self.log.of(*places)
        for edit in edits:
            for value in sorted(edit.come):
                is_there = left.says(edit.field, value) and (
                    right.says(edit.field, value) or (edit.field in {"first", "last"} and left.is_nameless)
                )
                if not is_there and not self._is_explained(pair, edit, value, edits):
                    self._say(f"P1 {edit.field} {value!r}, typed on {edit.side} {edit.record} ({edit.n}), is lost")
            for value in sorted(edit.gone):
                if (left.says(edit.field, value) or right.says(edit.field, value)) and not self._is_back(pair, edit, value, edits):
                    self._say(f"P4 {edit.field} {value!r}, removed on {edit.side} {edit.record} ({edit.n}), is back")

    def _is_explained(self, pair: models.Pair, typed: Edit, value: str, edits: list[Edit]) -> bool:
        taken = any(edit.field == typed.field and value in edit.gone and (edit.n >= typed.n or edit.side != typed.side) for edit in edits)
        again = any(edit.field == typed.field and value in edit.come and edit.n < typed.n for edit in edits)
        others = any(edit.field == typed.field and edit.side != typed.side and edit.come for edit in edits)
        if again and others and typed.field in TEXTS:
            return True
        if typed.field == "organisation" and self._follows(pair, self.log.later_names(value, typed.n)):
            return True
        bare = value.partition(":")[2] if typed.field == "messengers" else value
        return taken or self._has_lost(pair, bare)

    def _follows(self, pair: models.Pair, names: set[str]) -> bool:
        """Whether both sides bear one of these names of an organisation."""
        views = [self.now[side].get(record or "") for side, record in ((GOOGLE, pair.left_id), (PIPEDRIVE, pair.right_id))]
        return any(all(view is not None and view.says("organisation", name) for view in views) for name in names)

    def _has_lost(self, pair: models.Pair, value: str) -> bool:
        lost = self.losers[pair.id].replace(",", " ")
        is_address = set(value.split()) <= set(lost.split())
        return is_address or value.casefold().replace(" ", "") in lost.replace(" ", "")

    def _is_back(self, pair: models.Pair, removed: Edit, value: str, edits: list[Edit]) -> bool:
        """Whether a value that a human removed may stand there after all."""
        again = any(edit.field == removed.field and value in edit.come and edit.n > removed.n for edit in edits)
        both_typed = {side for side, record in ((GOOGLE, pair.left_id), (PIPEDRIVE, pair.right_id)) if record in self.log.made(side)}
        is_first_meeting = len(both_typed) == 2 and removed.n <= self.play.met.get((pair.left_id, pair.right_id), 1 << 30)
        return again or is_first_meeting or self._has_lost(pair, value)

    def _invented(self, side: str, record: str, view: View, places: list[Place]) -> None:
        """P2: each value was typed by a human on one of the two records."""
        typed = {(edit.field, value) for edit in self.log.of(*places) for value in edit.come}
        typed |= {(name, new) for name, value in typed if name == "organisation" for new in self.log.later_names(value)}
        said = {value.casefold().replace(" ", "") for _, value in typed}
        for name, value in sorted(view.values() - typed):
            squeezed = value.casefold().replace(" ", "").removeprefix("+")
            is_edited = any(edit.side == PIPEDRIVE and edit.field in {"first", "last"} for edit in self.log.of(*places))
            if name == "first" and squeezed in said and (side == PIPEDRIVE or is_edited):
                continue
            self._say(f"P2 {name} {value!r} of {side} {record} was typed by nobody there")

    # Records

    def _alone(self) -> None:
        """Every living record in scope stands in a living pair, or waits for a person."""
        held = {
            (side, record): pair for pair in self.pairs for side, record in ((GOOGLE, pair.left_id), (PIPEDRIVE, pair.right_id)) if record
        }
        for side in SIDES:
            for record, view in self.now[side].items():
                pair = held.get((side, record))
                if (side, record) in self.asked or not view.in_scope or not view.values():
                    continue
                if pair is None:
                    if any(question.kind in {"match", "unknown-creation"} for question in self.questions):
                        continue
                    self._say(f"P1 {side} {record} is in no pair: {sorted(view.values())}")
                elif (
                    pair.id not in self.asked_pairs
                    and pair.reason != _LEFT_ALONE
                    and (pair.state in {"closed", "one-sided"} or not (pair.left_id and pair.right_id))
                ):
                    self._say(f"P1 {side} {record} lives in a pair that is {pair.state} ({pair.reason})")

    def _twice(self) -> None:
        """P3, P4: nobody was made who was there already, and no organisation either."""
        for side, new, other in self.play.doubles:
            are_both_there = {new, other} <= self.now[side].keys()
            is_waiting = (side, new) in self.asked or (side, other) in self.asked
            is_hidden = self.play.is_google_cut and side == GOOGLE and not self.now[side].get(other, View()).in_scope
            if are_both_there and not is_waiting and not is_hidden:
                self._say(f"P3 {side} {new} was made although {other} was there: {sorted(self.now[side][new].values())}")
        names = organisations(self.play.stage)
        for name in sorted({name for name in names if names.count(name) > 1}):
            self._say(f"P3 organisation {name!r} was made twice")

    def _deletions(self) -> None:
        """What Tandem deleted had a partner that a human deleted, and said nothing that the partner had not."""
        for done in self.play.deletions:
            pair = next((pair for pair in self.pairs if (pair.left_id if done.side == GOOGLE else pair.right_id) == done.record), None)
            partner = (pair.right_id if done.side == GOOGLE else pair.left_id) if pair else None
            word = self.log.last("deleted", _OTHER[done.side], partner) if partner else None
            if pair is not None and word is None and pair.id in self.play.released:
                continue
            if self._is_withdrawn(done):
                continue
            if pair is None or word is None:
                self._say(f"P4 {done.side} {done.record} was deleted without anybody's word")
                continue
            self._lost_with(done, pair, word.view)

    def _is_withdrawn(self, done: Deletion) -> bool:
        """Whether it was an untouched copy of Tandem's, whose partner is paired with a record that was there."""
        place = (done.side, done.record)
        if self.log.last("made", *place) or self.log.of(place):
            return False
        mine, theirs = (0, 1) if done.side == GOOGLE else (1, 0)
        partners = {ids[theirs] for ids in self.play.met if ids[mine] == done.record}
        held = [(pair.left_id, pair.right_id) for pair in self.pairs]
        return any(ids[theirs] in partners and ids[mine] not in (None, done.record) for ids in held)

    def _lost_with(self, done: Deletion, pair: models.Pair, partner: View) -> None:
        places = [(GOOGLE, pair.left_id or ""), (PIPEDRIVE, pair.right_id or "")]
        edits = self.log.of(*places)
        for edit in self.log.of((done.side, done.record)):
            for value in sorted(edit.come):
                is_known = partner.says(edit.field, value) or self._is_explained(pair, edit, value, edits)
                if done.view.says(edit.field, value) and not is_known and not (edit.field in {"first", "last"} and partner.is_nameless):
                    self._say(f"P1 {edit.field} {value!r} was lost when {done.side} {done.record} was deleted")
