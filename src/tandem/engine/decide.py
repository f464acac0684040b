"""From what is known to what shall be done: reconcile the pairs that moved, sort the births, and let the brake judge.

Rules: no network. Writes only conclusions that need none (bases of what both sides agree on, pairs found by matching, states,
questions), all of which may be repeated; the caller holds the transaction, and a preview rolls it back. The plan itself is
never stored: it is derived anew from the archive each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tandem.core.canonical import fold_organisation
from tandem.core.plan import Action, ActionKind, Approval, HoldReason, Plan, plan
from tandem.core.state import PairState, Side
from tandem.engine.aged import Age, age_of
from tandem.engine.answers import Shown, follow, heed
from tandem.engine.approval import approval_of
from tandem.engine.asking import ask, contact_of, hold_key
from tandem.engine.bench import Bench
from tandem.engine.births import sort_births
from tandem.engine.decided import Decided, add_newborn
from tandem.engine.folds import answer_mergers
from tandem.engine.holds import action_print
from tandem.engine.leaving import check_leaving
from tandem.engine.mergers import settle_mergers
from tandem.engine.moved import Moved
from tandem.engine.restored import answer_restored
from tandem.store import models
from tandem.store.contents import decode_contact, decode_payload


def decide(bench: Bench) -> Decided:
    """Decide everything that is to be decided now. The caller holds the transaction."""
    decided = Decided()
    link = bench.link_row()
    is_first = link.first_synced_at is None
    decided.stopped_by = check_leaving(bench)
    if decided.stopped_by is not None:
        return decided
    _renew_mapping(bench, link)
    decided.notes += settle_mergers(bench)
    answer_restored(bench)
    joined = follow(bench)
    folded = answer_mergers(bench)
    decided.wanted |= folded.agreed
    decided.settling += folded.settling
    decided.births = sort_births(bench, is_first=is_first)
    _pair_matches(bench, decided)
    decided.births.matched += joined
    decided.matched += len(joined)
    actions = without_unsettled_references(
        bench, decided, [*Moved(bench, decided).actions(), *folded.actions, *_newborn_actions(bench, decided)]
    )
    if is_first:
        # A first sync deletes nothing; what it finds deleted is looked at again after it.
        actions = [action for action in actions if action.kind is not ActionKind.DELETE]
    actions = _heeded(bench, decided, actions)
    questions = bench.pairs.questions()
    if actions:
        decided.plan = _guarded(bench, actions, questions, decided, approval_of(bench, link, actions))
    if questions or decided.plan.held or decided.conflicts or decided.births.doubtful:
        ask(bench, decided, questions)
    return decided


def _heeded(bench: Bench, decided: Decided, actions: list[Action]) -> list[Action]:
    """The actions that the brake shall judge now, with what persons have released of them."""
    shown = [Shown(item, hold_key(decided, item), partial(_print_of, bench, decided, item)) for item in actions]
    wanted = {pair_id for pair_id, newborn in decided.newborn.items() if newborn.is_wanted}
    heeded = heed(bench, shown, frozenset(wanted | decided.wanted))
    doubted = {pair_id for pair_id, newborn in decided.newborn.items() if newborn.is_doubted}
    decided.doubted = frozenset(doubted - heeded.released)
    decided.released = frozenset(heeded.released) | bench.journal.returning(bench.now())
    decided.despite |= heeded.despite
    decided.asked_before += heeded.keep
    decided.settling += heeded.later
    return heeded.judged


def _print_of(bench: Bench, decided: Decided, action: Action) -> str:
    return action_print(action, contact_of(bench, decided, action))


def without_unsettled_references(bench: Bench, decided: Decided, actions: list[Action]) -> list[Action]:
    """A record that points at a name whose making has no answer yet waits for it, or the name would be made twice."""
    unsettled = [intent for intent in bench.journal.pending() if intent.kind == "reference"] if actions else []
    pending = {(intent.side, fold_organisation(decode_payload(intent.payload).name)) for intent in unsettled}
    kept = [action for action in actions if (action.side.value, fold_organisation(decided.reference_wanted(action))) not in pending]
    decided.settling += len(actions) - len(kept)
    return kept


def _guarded(
    bench: Bench, actions: list[Action], questions: Sequence[models.Question], decided: Decided, approval: Approval | None
) -> Plan:
    """The brake's judgement, with what persons have said so far."""
    holds = [item for item in questions if item.kind == "hold"]
    return plan(
        actions,
        pairs=bench.pairs.count(),
        tally=bench.journal.tally(bench.now()),
        limits=bench.policy.brake,
        removals_held=any(item.data.get("reason") == HoldReason.REMOVALS.value and not item.choice for item in holds),
        released=decided.released,
        approval=approval,
        doubted=decided.doubted,
    )


def _renew_mapping(bench: Bench, link: models.Link) -> None:
    if link.mapping_version != bench.mapping_version:
        link.mapping_version = bench.mapping_version
        link.save(using=bench.alias, update_fields=["mapping_version"])
        bench.pairs.touch_all()


def _pair_matches(bench: Bench, decided: Decided) -> None:
    now, age = bench.now(), age_of(bench) if decided.births.matched else Age()
    new = [
        models.Pair(
            link_id=bench.link, state=PairState.LINKED.value, left_id=left.record_id, right_id=right.record_id,
            mapping_version=bench.mapping_version, created_at=now, reason="matched",
            is_aged=age.is_old_news(left) and age.is_old_news(right),
        )
        for left, right, _ in decided.births.matched
    ]  # fmt: skip
    bench.pairs.add_many(new)
    decided.matched = len(new)


def _newborn_actions(bench: Bench, decided: Decided) -> list[Action]:
    age = age_of(bench) if any(decided.births.alone.values()) else Age()
    is_disbelieved = any(bench.archive.feed(side).is_disbelieved for side in Side)
    for side in Side:
        if is_disbelieved:
            decided.settling += len(decided.births.alone[side])
            continue
        for row in decided.births.alone[side]:
            contact, is_doubted = decode_contact(row.content), age.is_old_news(row)
            add_newborn(bench, decided, side, row.record_id, contact, None, row.keys, is_doubted=is_doubted)
    return [Action(ActionKind.CREATE, newborn.source.other, pair_id) for pair_id, newborn in decided.newborn.items()]
