"""What a person may answer to each kind of question. The one place to look up, and to add to.

Rules: a kind that is subdivided (a match by its doubt, a hold by its reason) is looked up as `kind:sub` first, as `kind` then.
A choice is data for the next cycle (answers.py follows it); nothing here writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from tandem.core.plan import HoldReason
from tandem.engine import aged, folds, outside, rejoin, restored
from tandem.engine.births import Doubt
from tandem.engine.holds import HOLD
from tandem.engine.leaving import LET_GO, SCOPE
from tandem.engine.mergers import MERGE
from tandem.store import models

MATCH, DUPLICATE, CONFLICT = "match", "duplicate", "conflict"
DELETION_AGAINST_EDIT, UNKNOWN_CREATION = "deletion-against-edit", "unknown-creation"


class Takes(Enum):
    """What a choice names besides itself."""

    NOTHING = "nothing"
    #: One record of the left and one of the right; may be left out where the question has no others.
    PAIR = "pair"
    #: One record of the side that is asked about.
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer, and what it does in words."""

    word: str
    sentence: str
    takes: Takes = Takes.NOTHING
    #: What it names may stand outside the scope, or in a pair.
    is_anywhere: bool = False


LINK = Choice("link", "they are the same person: join the two", Takes.PAIR)
APART = Choice("apart", "they are different people: each goes its own way, and this is never asked again")
LEAVE_OUT = Choice("leave-out", "neither is synced: both sides stay as they are")
LEAVE = Choice("leave", "it stays where it is and is not synced")
ADOPT = Choice(
    outside.Choice.ADOPT.value, "they are the same person: bring in the one outside, and join the two", Takes.PAIR, is_anywhere=True
)
SEPARATE = Choice(outside.Choice.SEPARATE.value, "it is another person: make a copy on the other side, and never ask again")
STAY_OUT = Choice(outside.Choice.LEAVE_OUT.value, "neither is synced, until the one outside is brought in by hand")
BOTH_STAY = Choice(outside.Choice.SEPARATE.value, "they are different people: both stay, and this is never asked again")
PAIR_AGAIN = Choice(restored.PAIR_AGAIN, "sync it again, with its former counterpart or a new one")
FOLD = Choice(folds.FOLD, "what is new in it goes into the pair that survived; then it is deleted")
OWN = Choice(folds.OWN, "it is a person of its own: make a new counterpart for it")
LEFT_WINS, RIGHT_WINS = Choice("left", "the left value goes to the right"), Choice("right", "the right value goes to the left")
UNITE = Choice(aged.UNITE, "what stands on either side goes to both; where there is room for one value only, the link's rule decides")
RELEASE = Choice("release", "do what was shown; what has changed since is decided anew")
REJECT_DELETION = Choice("reject", "do not delete it: it stays, and is not synced any more")
REJECT_UPDATE = Choice("reject", "do not change it: a value that would be lost goes back, the others stay as they are on both sides")
REJECT_CREATION = Choice("reject", "do not make it: it is left out")
RESTORE = Choice("restore", "make the deleted one again, from the one that was edited")
DELETE = Choice("delete", "delete the edited one, too")
CREATE_AGAIN = Choice("create-again", "it was not made: make it now")
LET_THEM_GO = Choice(LET_GO, "they stay outside: both sides keep them as they are, and they are not synced")
PUT_IN = Choice(rejoin.ADOPT, "the paired contacts are put into the group that was chosen")
LEFT_BEHIND = Choice(rejoin.LEAVE, "the paired contacts stay as they are, and are not synced")
IT_WAS = Choice("it-was-that-one", "that record is the one that was made: join the two", Takes.RECORD)

_CHOICES: Mapping[str, tuple[Choice, ...]] = {
    f"{MATCH}:{Doubt.AMBIGUOUS.value}": (LINK, APART, LEAVE_OUT),
    f"{MATCH}:{Doubt.TWIN.value}": (LEAVE, APART),
    f"{MATCH}:{Doubt.COPY.value}": (LEAVE, APART),
    f"{MATCH}:{Doubt.OUTSIDE.value}": (ADOPT, SEPARATE, STAY_OUT),
    f"{DUPLICATE}:{Doubt.OUTSIDE.value}": (ADOPT, BOTH_STAY),
    DUPLICATE: (BOTH_STAY,),
    CONFLICT: (LEFT_WINS, RIGHT_WINS),
    aged.BACKUP: (LEFT_WINS, RIGHT_WINS, UNITE),
    f"{HOLD}:create": (RELEASE, REJECT_CREATION),
    f"{HOLD}:update": (RELEASE, REJECT_UPDATE),
    f"{HOLD}:delete": (RELEASE, REJECT_DELETION),
    DELETION_AGAINST_EDIT: (RESTORE, DELETE, LEAVE),
    restored.RESTORED: (PAIR_AGAIN, LEAVE),
    MERGE: (FOLD, LEAVE, OWN),
    UNKNOWN_CREATION: (IT_WAS, CREATE_AGAIN, LEAVE),
    SCOPE: (LET_THEM_GO,),
    rejoin.REGROUP: (PUT_IN, LEFT_BEHIND),
}


def sub_of(question: models.Question) -> str:
    """What a question's kind is subdivided by: the doubt about a match, the reason of a hold; else empty."""
    return str(question.data.get("doubt") or question.data.get("reason") or "")


def choices_of(question: models.Question) -> tuple[Choice, ...]:
    """The possible answers to a question."""
    key = str(question.data.get("action", "")) if question.kind == HOLD else sub_of(question)
    return _CHOICES.get(f"{question.kind}:{key}") or _CHOICES.get(question.kind, ())


def words_of(kind: str, sub: str = "") -> frozenset[str]:
    """Every word that may answer questions of a kind; none where there is no such kind, or no such doubt."""
    is_told_apart = f"{kind}:{sub}" in _CHOICES
    keys = [key for key in _CHOICES if key.partition(":")[0] == kind and (not is_told_apart or key == f"{kind}:{sub}")]
    if sub and not is_told_apart and (kind != HOLD or sub not in {reason.value for reason in HoldReason}):
        return frozenset()
    return frozenset(choice.word for key in keys for choice in _CHOICES[key])


def kinds() -> tuple[str, ...]:
    """Every kind of question."""
    return tuple(dict.fromkeys(key.partition(":")[0] for key in _CHOICES))
