"""What is changed in an archive that comes out of a backup, before anybody works with it: what it says is old, and is marked so.

Rules: nothing is concluded here; what follows from the marks is `engine/aged.py`'s. Whatever was under way in the backup has long become
of it what it could: intents are settled, undos are over, answers are asked for again, since what they were for has moved.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from tandem.core.state import PairState
from tandem.store import models
from tandem.store.journal import OutcomeKind
from tandem.store.links import LinkState

#: So much newer than anything that an old process could still hold.
_EPOCHS = 1_000_000
_SENTENCE = "This link came out of a backup of {at:%Y-%m-%d %H:%M} UTC; nothing is written anywhere before you have looked at what follows."
_OPEN = [state.value for state in PairState if state is not PairState.CLOSED]


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What may have been under way in a backup, by the words that the engine has for it."""

    #: Reasons of pairs, and the reason of closed ones that are left as they are.
    pairs: Collection[str]
    given_up: str
    #: Kinds of questions that were asked and answered at once.
    questions: Collection[str]


def mark_restored(alias: str, *, backup_at: datetime, now: datetime, under_way: UnderWay) -> list[int]:
    """Mark everything as old news. Returns the links that wait for a person."""
    with transaction.atomic(using=alias):
        links = models.Link.objects.using(alias)
        links.update(epoch=F("epoch") + _EPOCHS, lease_owner="", lease_until=None, next_due_at=None, is_dirty=False, wait_until=None)
        kept = links.exclude(state=LinkState.REMOVED.value)
        kept.update(restored_at=now, backup_at=backup_at, relisted_at=None)
        begun = kept.exclude(state=LinkState.DRAFT.value)
        begun.update(is_unseen=True, approval=None)
        going = begun.exclude(state=LinkState.PAUSED.value)
        going.update(state=LinkState.RESTORED.value, reason="", sentence=_SENTENCE.format(at=backup_at))
        models.Feed.objects.using(alias).update(cursor="", listed_at=None, drained_at=None, is_disbelieved=False)
        models.Watch.objects.using(alias).update(checked_at=None, heard_at=None, has_gap=True, next_look_at=None, why="")
        models.Hint.objects.using(alias).all().delete()
        models.Grant.objects.using(alias).update(renewer="", renewing_until=None)
        _age_pairs(alias, under_way)
        pending = models.Intent.objects.using(alias).filter(outcome=OutcomeKind.PENDING.value)
        pending.update(outcome=OutcomeKind.SUPERSEDED.value, settled_at=now, sentence="restored from a backup")
        models.Undo.objects.using(alias).filter(done_at=None).update(done_at=now)
        open_ = models.Question.objects.using(alias).filter(closed_at=None)
        open_.filter(kind__in=under_way.questions).update(closed_at=now, data={})
        open_.exclude(choice="").update(choice="", named=[], answered_at=None)
        models.Cycle.objects.using(alias).filter(ended_at=None).update(ended_at=now, state="unfinished")
        return list(going.values_list("id", flat=True).order_by("id"))


def _age_pairs(alias: str, under_way: UnderWay) -> None:
    pairs = models.Pair.objects.using(alias)
    pairs.filter(state=PairState.CLOSED.value, reason__in=under_way.pairs).update(reason=under_way.given_up)
    living = pairs.filter(state__in=_OPEN)
    living.filter(reason__in=under_way.pairs).update(reason="")
    living.update(is_aged=True, doubted=[], is_dirty=True)
