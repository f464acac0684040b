"""Lives with a restore in them: some days, a backup at any moment, a day more on both sides, and then the backup is all there is.

The person who comes back knows what happened - it stands in the archive that was lost, which the play has kept - and answers by it: who
was deleted since shall not be made again, who is new shall be. The verdict is that of any life (oracle.py), with these exemptions:
- What lost a conflict since the backup stood in the history that was lost.
- A pair of which the person has said which side is right, or that both are: what the other one said is in the history.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime

from engine.archived import lines_of, restored
from replica.worlds import START
from simulation.hands import SIDES
from simulation.oracle import Verdict
from simulation.play import HOUR, Deletion, Play
from simulation.views import GOOGLE, PIPEDRIVE, View, views
from tandem.engine.preview import preview
from tandem.errors import LinkStopped, RemoteError
from tandem.store import models
from tandem.store.contents import decode_loser

_OTHER = {GOOGLE: PIPEDRIVE, PIPEDRIVE: GOOGLE}
#: Pairs that the person wanted closed: who is left of them stays as they are.
_SAID = ("left-out", "deletion-rejected")
_SIDE = {"left": GOOGLE, "right": PIPEDRIVE}


@dataclass
class RestoredPlay(Play):
    """One life with a restore."""

    backup: list[bytes] = field(default_factory=list)
    #: Of the archive that was lost: partners of each record, and what had lost a conflict.
    partners: dict[tuple[str, str], str] = field(default_factory=dict)
    lost: dict[tuple[str | None, str | None], str] = field(default_factory=dict)
    #: Pairs whose sides a person has chosen between.
    chosen: set[int] = field(default_factory=set)
    #: Writes of a preview, and wrong creations.
    faults: list[str] = field(default_factory=list)
    #: Cycles after the restore are looked at for what they make.
    is_restored: bool = False
    backup_at: datetime = field(default=START)
    _backup_at: int = -1

    def run_restored(self) -> None:
        """Days, a backup, a day, the restore, a look, the approval, the answers."""
        rng = random.Random(f"yesterday {self.seed}")
        for _ in range(rng.randint(4, 8)):
            self.hands.do(rng.choice(["new_contact", "new_person", "same_person_twice"]))
        self._live(rng, rng.randint(3, 7))
        self._take_backup(rng)
        self._live(rng, rng.randint(4, 10))
        for _ in range(rng.choice([0, 1, 3])):
            self.hands.do()
        for _ in range(rng.choice([0, 1, 2])):
            self.hands.watched("delete_copy", self._delete_copy)
        for _ in range(rng.choice([0, 1, 2])):
            self.hands.watched("take_back", self._take_back)
        self._restore()

    def _live(self, rng: random.Random, rounds: int) -> None:
        for _ in range(rounds):
            for _ in range(rng.choice([0, 1, 2, 3])):
                self.hands.do()
            self.wait(rng.choice([30.0, 300.0, HOUR, 3 * HOUR]))
            if rng.random() < 0.5:
                self.troubled_cycle()
            else:
                self.cycle()

    def _delete_copy(self) -> None:
        """Somebody deletes a record that Tandem has made since the backup."""
        made = [row for row in self._made() if row[1] in views(self.stage, row[0])]
        side, record = self.hands.rng.choice(made) if made else ("", "")
        if side == GOOGLE:
            self.stage.google_does("delete", id=record)
        elif side:
            self.stage.pipedrive_does("delete_person", id=int(record))

    def _made(self) -> list[tuple[str, str]]:
        rows = models.History.objects.using(self.stage.alias).filter(kind="create", at__gt=self.backup_at).order_by("id")
        return [(_SIDE[row.side], row.record_id) for row in rows]

    def _take_back(self) -> None:
        """Somebody removes a number that Tandem has carried over since the backup."""
        rows = models.History.objects.using(self.stage.alias).filter(kind="update", side="right", at__gt=self.backup_at).order_by("id")
        persons = {str(one["id"]): one for one in self.stage.pipedrive()}
        found = [row.record_id for row in rows if "phones" in row.fields and persons.get(row.record_id, {}).get("phones")]
        if found:
            one = persons[self.hands.rng.choice(found)]
            self.hands.change_person(one, phones=list(one["phones"])[:-1])

    def _take_backup(self, rng: random.Random) -> None:
        """Between two cycles, or in the middle of one, after any of its commits."""
        if rng.random() < 0.3:
            self.backup = lines_of(self.stage)
        else:
            for _ in range(rng.randint(1, 3)):
                self.hands.do()
            self._backup_at = rng.randint(0, 12)
            self.cycle()
            self.backup = self.backup or lines_of(self.stage)
        self.note("backup")
        self.backup_at = self.stage.clock.now()
        self.wait(1.0)

    def meet(self, what: str, *, is_after: bool) -> None:
        """Take the backup here, if this is the place."""
        if what == "commit" and is_after and self._backup_at >= 0:
            self._backup_at -= 1
            if self._backup_at < 0:
                self.backup = lines_of(self.stage)
        super().meet(what, is_after=is_after)

    # The restore

    def _restore(self) -> None:
        stage = self.stage
        stage.world.faults.clear()
        rows = models.Pair.objects.using(stage.alias)
        for pair in rows.exclude(left_id=None).exclude(right_id=None):
            self.partners[GOOGLE, pair.left_id] = pair.right_id
            self.partners[PIPEDRIVE, pair.right_id] = pair.left_id
        ids = {pair.id: (pair.left_id, pair.right_id) for pair in rows}
        for row in models.History.objects.using(stage.alias).filter(kind="conflict"):
            loser = decode_loser(bytes(row.before))
            key = ids.get(row.pair_id, (None, None))
            self.lost[key] = self.lost.get(key, "") + f"{loser.left} | {loser.right} | "
        # Deleted on somebody's word while the archive that is lost knew of it.
        self.deletions = [item for item in self.deletions if not self._was_said(item)]
        self.note("restore")
        self.is_restored = True
        restored(stage, self.backup)
        before = len(self.stage.world.log)
        for _ in range(4):
            try:
                preview(self.stage.bench())
                break
            except (LinkStopped, RemoteError):
                self.wait(self.stage.terms.lag_s + 61)
        if writes := self.stage.writes(before):
            self.faults.append(f"a preview writes: {writes}")

    def _look_back(self, before: dict[str, dict[str, View]], n: int) -> None:
        """What was made although its other half is known to have been there, and to be deleted, has come to life again."""
        known = {side: set(before[side]) | {event.record for event in self.hands.log.events if event.side == side} for side in SIDES}
        super()._look_back(before, n)
        for side in SIDES if self.is_restored else ():
            for record in sorted(views(self.stage, side).keys() - known[side]):
                column, other = ("left_id", "right_id") if side == GOOGLE else ("right_id", "left_id")
                pair = models.Pair.objects.using(self.stage.alias).filter(**{column: record}).first()
                if pair is not None and self._was_deleted(_OTHER[side], getattr(pair, other)):
                    self.faults.append(f"P4 {side} {record} was made again, from {getattr(pair, other)}")

    def _was_said(self, done: Deletion) -> bool:
        partner = self.partners.get((done.side, done.record))
        return partner is not None and self.hands.log.last("deleted", _OTHER[done.side], partner) is not None

    def answer_all(self) -> None:
        """The person who knows answers what can be answered; what follows from it may ask again."""
        for _ in range(4):
            if not self._answer_round():
                return
            self.finish()

    def _answer_round(self) -> int:
        count = 0
        for question in models.Question.objects.using(self.stage.alias).filter(closed_at=None, choice=""):
            choice = self._choice(question)
            if choice:
                question.choice = choice
                question.save(using=self.stage.alias)
                models.Pair.objects.using(self.stage.alias).filter(id=question.pair_id or 0).update(is_dirty=True)
                self.note(f"    answer {question.kind} {question.data.get('reason', '')} {question.part} {question.pair_id}: {choice}")
                count += 1
        return count

    def _choice(self, question: models.Question) -> str:
        match question.kind, question.data.get("reason"):
            case "backup", _:
                self.chosen.add(question.pair_id)
                return self.rng.choice(["left", "right", "unite"])
            case "hold", "since-backup" if question.data["action"] == "create":
                side, _, record = question.part.partition(":")
                return "reject" if self._was_deleted(_SIDE[side], record) else "release"
            case "hold", "since-backup":
                pair = models.Pair.objects.using(self.stage.alias).get(id=question.pair_id)
                survivor = pair.left_id if question.side == "left" else pair.right_id
                is_wanted = self._was_deleted(_SIDE[question.side], survivor)
                if is_wanted:
                    self.released.add(question.pair_id)
                return "release" if is_wanted else "reject"
            case "hold", _:
                self.released.add(question.pair_id)
                return "release"
            case "conflict", _:
                return self.rng.choice(["left", "right"])
            case _:
                return ""

    def _was_deleted(self, side: str, record: str) -> bool:
        """Whether the other half of a record is gone, as far as the lost archive knew of one."""
        partner = self.partners.get((side, record))
        return partner is not None and partner not in views(self.stage, _OTHER[side])


class RestoredVerdict(Verdict):
    """As any verdict; what the lost history said is known."""

    play: RestoredPlay

    def __post_init__(self) -> None:
        super().__post_init__()
        self.wrong += self.play.faults
        for pair in self.pairs:
            for key in ((pair.left_id, pair.right_id), (None, None)):
                self.losers[pair.id] += self.play.lost.get(key, "").casefold()
        for question in self.questions:
            if question.kind == "hold" and question.part:
                side, _, record = question.part.partition(":")
                self.asked.add((_SIDE[side], record))
        self.pairs = [pair for pair in self.pairs if pair.reason not in _SAID]
        said = models.Pair.objects.using(self.play.stage.alias).filter(reason__in=_SAID)
        self.asked |= {(side, record) for pair in said for side, record in ((GOOGLE, pair.left_id), (PIPEDRIVE, pair.right_id)) if record}

    def _values(self, pair: models.Pair, *rest: object) -> None:
        if pair.id not in self.play.chosen:
            super()._values(pair, *rest)
