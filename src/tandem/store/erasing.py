"""Erasing what is kept of contacts: of one whom a person wants forgotten, and of what is older than wished.

Rules: content goes, tombstones stay: ids, states and times, so that nothing is born twice. Columns that hold content are those
named in models.py. In SQLite erased bytes are overwritten (`secure_delete`), and `scrub` builds the file anew, so that not even free
pages or the write-ahead log hold them. PostgreSQL builds the tables anew in other files; what its log, its replicas, its backups and
the freed blocks of its disk still hold is out of our reach (SECURITY.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, connections
from django.db.models import Exists, OuterRef, Q

from tandem.core.state import LinkId, PairState, Presence, Side
from tandem.errors import StorageError
from tandem.store import models
from tandem.store.contents import chunks, folded_text, holds
from tandem.store.moments import linked

#: The reason of a pair whose contact was forgotten: observing keeps no content of it.
FORGOTTEN = "forgotten"
#: Cycles that did nothing are forgotten after this time.
_IDLE_AFTER = timedelta(days=1)
#: The tables with columns of content.
_WITH_CONTENT = (models.History, models.Intent, models.Shadow, models.Pair, models.Question, models.Reference)


@dataclass(slots=True)
class Traces:
    """What one link keeps of the contacts that a text was found in."""

    link: LinkId
    pairs: set[int] = field(default_factory=set)
    #: (side, record)
    records: set[tuple[str, str]] = field(default_factory=set)
    questions: set[int] = field(default_factory=set)
    references: set[int] = field(default_factory=set)
    #: Contents to tell names from, newest last.
    contents: list[bytes] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.pairs or self.records or self.questions or self.references)


class Erasing:
    """Erases in one database."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    # Forgetting somebody

    def find(self, link: LinkId, text: str) -> Traces:
        """Everything that a link keeps of contacts with this text in any value."""
        needle, traces = text, Traces(link)
        for history in models.History.objects.using(self._alias).filter(link_id=link).iterator():
            self._take(traces, needle, history.pair_id, history.side, history.record_id, history.before, history.after)
        for intent in models.Intent.objects.using(self._alias).filter(link_id=link).iterator():
            self._take(traces, needle, intent.pair_id, intent.side, intent.record_id, intent.payload, intent.before)
        for shadow in models.Shadow.objects.using(self._alias).filter(link_id=link).iterator():
            self._take(traces, needle, None, shadow.side, shadow.record_id, shadow.raw, shadow.content)
        for pair in models.Pair.objects.using(self._alias).filter(link_id=link).iterator():
            self._take(traces, needle, pair.id, "", "", pair.base_left, pair.base_right, json.dumps(pair.parked).encode())
        for question in models.Question.objects.using(self._alias).filter(link_id=link).iterator():
            if holds(json.dumps(question.data).encode(), needle):
                traces.questions.add(question.id)
        for reference in models.Reference.objects.using(self._alias).filter(link_id=link).iterator():
            if folded_text(needle) in folded_text(reference.name):
                traces.references.add(reference.id)
        self._complete(traces)
        return traces

    def _take(self, traces: Traces, needle: str, pair: int | None, side: str, record: str, *contents: bytes | memoryview | None) -> None:
        found = [bytes(content) for content in contents if content and holds(bytes(content), needle)]
        if not found:
            return
        traces.contents += found
        if pair is not None:
            traces.pairs.add(pair)
        if side and record:
            traces.records.add((side, record))

    def _complete(self, traces: Traces) -> None:
        """Pairs of the records found, and records of the pairs found."""
        rows = models.Pair.objects.using(self._alias).filter(link_id=traces.link)
        for side in Side:
            ids = [record for of, record in traces.records if of == side.value]
            for some in chunks(ids):
                traces.pairs |= set(rows.filter(**{f"{side.value}_id__in": some}).values_list("id", flat=True))
        for part in chunks(traces.pairs):
            for left, right in rows.filter(id__in=part).values_list("left_id", "right_id"):
                traces.records |= {(side, record) for side, record in (("left", left), ("right", right)) if record}

    def is_pending(self, traces: Traces) -> bool:
        """Whether a write to one of them has no answer yet."""
        pending = models.Intent.objects.using(self._alias).filter(link_id=traces.link, outcome="")
        return any(intent.pair_id in traces.pairs or (intent.side, intent.record_id) in traces.records for intent in pending)

    def erase(self, traces: Traces, at: datetime) -> None:
        """Erase the content of all that was found. What still lives is left out of the sync. The caller holds the link's transaction."""
        for pair_ids in chunks(traces.pairs):
            self._blank(Q(pair_id__in=pair_ids))
            pairs = models.Pair.objects.using(self._alias).filter(id__in=pair_ids)
            pairs.update(base_left=b"{}", base_right=b"{}", parked={}, state=PairState.CLOSED.value, reason=FORGOTTEN, is_dirty=False)
            questions = models.Question.objects.using(self._alias).filter(pair_id__in=pair_ids)
            questions.filter(closed_at=None).update(closed_at=at)
            questions.update(data={})
        models.Question.objects.using(self._alias).filter(id__in=traces.questions).update(data={}, closed_at=at)
        for side in Side:
            for ids in chunks(sorted(record for of, record in traces.records if of == side.value)):
                self._blank(Q(link_id=traces.link, side=side.value, record_id__in=ids))
                self._forget_records(traces.link, side, ids, at)
        self._drop_references(traces)

    def _blank(self, which: Q) -> None:
        models.History.objects.using(self._alias).filter(which).update(before=None, after=None)
        models.Intent.objects.using(self._alias).filter(which).update(payload=b"{}", before=None, sentence="")

    def _forget_records(self, link: LinkId, side: Side, ids: list[str], at: datetime) -> None:
        shadows = models.Shadow.objects.using(self._alias).filter(link_id=link, side=side.value, record_id__in=ids)
        known = set(shadows.exclude(presence=Presence.GONE.value).values_list("record_id", flat=True))
        shadows.filter(presence=Presence.LIVE.value).update(presence=Presence.OUT_OF_SCOPE.value)
        shadows.update(content=None, raw=None, fingerprint="", keys=[], reference="")
        column = f"{side.value}_id"
        pairs = models.Pair.objects.using(self._alias).filter(link_id=link)
        paired = set(pairs.filter(**{f"{column}__in": ids}).values_list(column, flat=True))
        for record in sorted(known - paired):
            pairs.create(link_id=link, state=PairState.CLOSED.value, reason=FORGOTTEN, is_dirty=False, created_at=at, **{column: record})

    def _drop_references(self, traces: Traces) -> None:
        """Names that nothing points at any more; of others, what is shown belongs to somebody else as well."""
        shadows = models.Shadow.objects.using(self._alias).filter(link_id=OuterRef("link_id"), reference=OuterRef("reference_id"))
        rows = models.Reference.objects.using(self._alias).filter(id__in=traces.references)
        rows.exclude(Exists(shadows)).delete()

    # What is old

    def forget_before(self, link: LinkId, at: datetime, now: datetime) -> None:
        """Erase what is older than a moment, and the rows of idle cycles.

        That is: history, the content of settled intents and of tombstones, closed questions, cycles. Pairs, bases of what is
        synced, markers and tombstones stay.
        """
        with self.overwriting(), linked(self._alias, link):
            models.History.objects.using(self._alias).filter(link_id=link, at__lt=at).delete()
            settled = models.Intent.objects.using(self._alias).filter(link_id=link, settled_at__lt=at)
            settled.exclude(payload=b"{}").update(payload=b"{}", before=None)
            models.Question.objects.using(self._alias).filter(link_id=link, closed_at__lt=at).delete()
            gone = models.Shadow.objects.using(self._alias).filter(link_id=link, presence=Presence.GONE.value, absent_at__lt=at)
            gone.exclude(content=None).update(content=None, raw=None, fingerprint="", keys=[])
            for side in Side:
                same = gone.filter(side=side.value, link_id=OuterRef("link_id"), record_id=OuterRef(f"{side.value}_id"))
                pairs = models.Pair.objects.using(self._alias).filter(Exists(same), link_id=link, state=PairState.CLOSED.value)
                pairs.exclude(base_left=b"{}", base_right=b"{}").update(base_left=b"{}", base_right=b"{}", parked={})
            self._prune_cycles(link, at, now)

    def _prune_cycles(self, link: LinkId, at: datetime, now: datetime) -> None:
        """Cycles that nothing refers to: the old ones, and those that found nothing to do; the last one stays."""
        rows = models.Cycle.objects.using(self._alias).filter(link_id=link, ended_at__isnull=False)
        last = rows.order_by("-id").values_list("id", flat=True).first() or 0
        used = [model._default_manager.using(self._alias).filter(cycle=OuterRef("id")) for model in (models.Intent, models.History)]
        idle = Q(state="in-sync", ended_at__lt=now - _IDLE_AFTER)
        found = rows.filter(Q(ended_at__lt=at) | idle).exclude(id=last).exclude(Exists(used[0])).exclude(Exists(used[1]))
        for part in chunks(list(found.values_list("id", flat=True))):
            rows.filter(id__in=part).delete()

    # Bytes

    @contextmanager
    def overwriting(self) -> Iterator[None]:
        """Within, what is erased is overwritten with zeros, where the database can do that."""
        if not self._is_file:
            yield
            return
        with connections[self._alias].cursor() as cursor:
            cursor.execute("PRAGMA secure_delete=ON")
        try:
            yield
        finally:
            with connections[self._alias].cursor() as cursor:
                cursor.execute("PRAGMA secure_delete=OFF")

    @property
    def _is_file(self) -> bool:
        return connections[self._alias].vendor == "sqlite"

    def scrub(self) -> None:
        """Build the database file anew and empty its log, so that neither holds what was erased; on PostgreSQL, the tables.

        Raises:
            StorageError: another process is writing, or the disk has no room for a second copy.
        """
        if self._is_file:
            self._scrub_file()
        else:
            self._scrub_tables()

    def _scrub_tables(self) -> None:
        # ANALYZE, because the planner's statistics are samples of values.
        try:
            with connections[self._alias].cursor() as cursor:
                for model in _WITH_CONTENT:
                    cursor.execute(f"VACUUM (FULL, ANALYZE) {connections[self._alias].ops.quote_name(model._meta.db_table)}")
        except DatabaseError as error:
            raise StorageError(
                f"What was found is erased, but the tables could not be cleaned of it ({type(error).__name__}): stop `tandem run`, make "
                "room on the server's disk, and do it again."
            ) from None

    def _scrub_file(self) -> None:
        try:
            with connections[self._alias].cursor() as cursor:
                cursor.execute("VACUUM")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                (is_busy, *_) = cursor.fetchone()
        except DatabaseError as error:
            raise StorageError(
                f"What was found is erased, but the file could not be cleaned of it ({type(error).__name__}): stop `tandem run`, make "
                "room on the disk, and do it again."
            ) from None
        if is_busy:
            raise StorageError("What was found is erased, but another process still reads the file: stop `tandem run` and do it again.")


def without_content(rows: Iterable[models.Shadow], forgotten: Iterable[str]) -> None:
    """Take the content out of shadows of records that were forgotten."""
    ids = set(forgotten)
    for row in rows:
        if row.record_id in ids:
            row.content = row.raw = None
            row.fingerprint, row.keys, row.reference = "", [], ""
            if row.presence == Presence.LIVE.value:
                row.presence = Presence.OUT_OF_SCOPE.value
