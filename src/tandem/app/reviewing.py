"""The review in the words of the command line: products instead of sides, `ID=CHOICE`, and groups that are answered at once.

Rules: what is typed is understood as a whole before anything is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tandem.app.sides import PRODUCT, SIDE, TITLE
from tandem.core.plan import HoldReason
from tandem.core.state import LinkId, RecordId, Side
from tandem.engine.aged import BACKUP
from tandem.engine.choices import ADOPT, CONFLICT, Choice, kinds, words_of
from tandem.engine.holds import HOLD
from tandem.engine.review import Answer, Named, Review, Waiting
from tandem.engine.telling import name_of
from tandem.errors import TandemError, WrongInput
from tandem.replica import Handle, Observation
from tandem.store.numbers import number_of

if TYPE_CHECKING:
    from tandem.app.root import Tandem

#: What the brake holds is one question a reason, however many records it is.
_GROUPS = (HoldReason.REMOVALS.value, HoldReason.CREATIONS.value, HoldReason.UPDATES.value, HoldReason.BACKUP.value)
_SINCE_BACKUP = "new since the backup, or deleted on one side since; the archive cannot tell"
_DONE = {"create": "to create", "update": "to change", "delete": "to delete"}
_LEFT, _RIGHT = TITLE[PRODUCT[Side.LEFT]], TITLE[PRODUCT[Side.RIGHT]]
_SENTENCES = {"left": f"{_LEFT}'s value goes to {_RIGHT}", "right": f"{_RIGHT}'s value goes to {_LEFT}"}


@dataclass(frozen=True, slots=True)
class Group:
    """What the brake holds for one reason. `id` answers all of it at once."""

    id: str
    #: Held writes by product and kind, such as ("pipedrive", "delete").
    counts: Counter[tuple[str, str]]
    members: tuple[Waiting, ...]

    @property
    def sentence(self) -> str:
        """The numbers, in words; and why they wait, where it is not for their number."""
        numbers = ", ".join(f"{number} {_DONE[kind]} in {TITLE[product]}" for (product, kind), number in sorted(self.counts.items()))
        return f"{numbers} ({_SINCE_BACKUP})" if self.id == HoldReason.BACKUP.value else numbers


def waiting(tandem: Tandem, link: int) -> list[Waiting]:
    """Every open question of a link, oldest first. Holds contact data."""
    return Review(tandem.alias, LinkId(link)).waiting()


def names_outside(tandem: Tandem, link: int, questions: Iterable[Waiting]) -> dict[tuple[Side, str], str]:
    """How those are called of whom nothing is kept, because they stand outside: read now, for the eyes of who decides, and kept nowhere.

    Empty where the services cannot be asked.
    """
    bench = tandem.bench(link)
    nameless = {(record.side, record.record) for item in questions for record in item.records if not record.name}
    names: dict[tuple[Side, str], str] = {}
    try:
        for side in {side for side, _ in nameless}:
            heads = bench.archive.heads(side, [record for each, record in nameless if each is side])
            handles = [Handle(RecordId(record), head.locator) for record, head in heads.items()]
            for sighting in bench.replicas[side].fetch(handles) if handles else []:
                if isinstance(sighting, Observation):
                    names[side, sighting.handle.id] = name_of(sighting.contact)
    except TandemError:
        return names
    finally:
        tandem.services.settle_ledgers()
    return names


def groups_of(questions: Iterable[Waiting]) -> list[Group]:
    """What the brake holds and nobody has answered yet, by reason."""
    found = [item for item in questions if item.kind == HOLD and not item.choice]
    groups = []
    for reason in _GROUPS:
        members = tuple(item for item in found if item.sub == reason)
        if members:
            counts = Counter((PRODUCT[item.side or Side.LEFT], item.action) for item in members)
            groups.append(Group(reason, counts, members))
    return groups


def answer(tandem: Tandem, link: int, single: Sequence[str], bulk: Sequence[str]) -> list[Answer]:
    """Take answers as they were typed: `ID=CHOICE` each, and `KIND=CHOICE` for all of a kind. Returns what was written down.

    Raises:
        WrongInput: an id, a kind or a choice does not fit; nothing was written.
    """
    open_ = waiting(tandem, link)
    answers = {item.question: item for text in bulk for item in _all(open_, text)}
    answers.update((item.question, item) for text in single for item in _one(open_, text))
    Review(tandem.alias, LinkId(link)).resolve(list(answers.values()), tandem.clock.now())
    if answers:
        tandem.schedule.request(LinkId(link))
    return list(answers.values())


def _one(open_: Sequence[Waiting], text: str) -> list[Answer]:
    subject, word, named = _parsed(text, "ID=CHOICE")
    group = next((item for item in groups_of(open_) if item.id == subject), None)
    if group is not None:
        return [Answer(item.id, word) for item in group.members]
    number = number_of(subject)
    if number is None:
        known = ", ".join([*(str(item.id) for item in open_), *(item.id for item in groups_of(open_))]) or "none"
        raise WrongInput(f"There is no open question {subject!r}. Open: {known}.")
    return [Answer(number, word, named)]


def _all(open_: Sequence[Waiting], text: str) -> list[Answer]:
    subject, word, named = _parsed(text, "KIND=CHOICE")
    kind, _, sub = subject.partition(":")
    if not words_of(kind, sub):
        raise WrongInput(
            f"There are no questions of the kind {subject!r}. Kinds: {', '.join(kinds())}; a match or hold also as KIND:WHICH."
        )
    if named or word not in words_of(kind, sub):
        words = ", ".join(sorted(chosen_word(kind, item) for item in words_of(kind, sub)))
        raise WrongInput(f"All {subject} questions cannot be answered by {text.partition('=')[2]!r}; choices: {words}.")
    asked = [item for item in open_ if item.kind == kind and sub in ("", item.sub) and not item.choice]
    # Who is brought in without being looked at one by one must be certain.
    return [Answer(item.id, word) for item in asked if item.is_certain or word != ADOPT.word]


def count_unsure(open_: Iterable[Waiting], bulk: Sequence[str]) -> int:
    """How many questions an answer to all of a kind has left open, because they have to be looked at one by one."""
    subjects = {subject for subject, word, _ in (_parsed(text, "KIND=CHOICE") for text in bulk) if word == ADOPT.word}
    return sum(1 for item in open_ if not item.choice and subjects & {item.kind, f"{item.kind}:{item.sub}"})


def _parsed(text: str, form: str) -> tuple[str, str, tuple[str, ...]]:
    subject, is_there, rest = text.strip().partition("=")
    word, *named = rest.strip().split(":")
    if not is_there or not subject.strip() or not word:
        raise WrongInput(f"{text!r} is no answer; write it as {form}.")
    side = SIDE.get(word)
    return subject.strip(), side.value if side else word, tuple(named)


def chosen_word(kind: str, word: str) -> str:
    """A choice as a person types it."""
    return PRODUCT[Side(word)] if kind in {CONFLICT, BACKUP} and word in {side.value for side in Side} else word


def sentence_of(choice: Choice) -> str:
    """What a choice does, with the products by name."""
    return _SENTENCES.get(choice.word, choice.sentence)


def data_of(item: Waiting) -> dict[str, object]:
    """A question as `--json` shows it."""
    old, new = (PRODUCT[Side.LEFT], PRODUCT[Side.RIGHT]) if item.kind in {CONFLICT, BACKUP} else ("old", "new")
    return {
        "id": item.id, "kind": item.kind, "about": item.sub or None, "side": PRODUCT[item.side] if item.side else None,
        "action": item.action or None, "name": item.name, "records": [_record_data(record) for record in item.records],
        "evidence": list(item.evidence), "changes": [{"field": change.field, old: change.old, new: change.new} for change in item.changes],
        "choices": [
            {"choice": chosen_word(item.kind, choice.word), "sentence": sentence_of(choice),
             "names": choice.takes.value} for choice in item.choices
        ],
        "choice": chosen_word(item.kind, item.choice) or None, "asked_at": item.asked_at.isoformat(),
    }  # fmt: skip


def _record_data(record: Named) -> dict[str, object]:
    return {"side": PRODUCT[record.side], "record": record.record, "name": record.name or None, "may_be_joined": record.is_free}


def group_data(group: Group) -> dict[str, object]:
    """A group as `--json` shows it."""
    counts: dict[str, dict[str, int]] = {}
    for (product, kind), number in sorted(group.counts.items()):
        counts.setdefault(product, {})[kind] = number
    return {"id": group.id, "count": len(group.members), "counts": counts, "questions": [item.id for item in group.members]}


def next_command(link: int, questions: Sequence[Waiting]) -> str:
    """What to type about what waits; empty when everything has an answer."""
    unanswered = [item for item in questions if not item.choice]
    if not unanswered:
        return f"`tandem sync {link}` follows the answers." if questions else ""
    groups = groups_of(unanswered)
    if groups:
        command = f"`tandem review {link} --resolve {groups[0].id}=release`"
        return f"`tandem review {link}` shows what waits; {command} lets it pass, =reject does not."
    first = unanswered[0]
    words = "|".join(chosen_word(first.kind, choice.word) for choice in first.choices)
    return f"`tandem review {link}` shows what waits and why; `tandem review {link} --resolve {first.id}={words}` answers the first."
