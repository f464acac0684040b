"""From an error of a write to its outcome, and asking again where only a group is too new.

What concerns the whole link is `Untouched`: a refused token, a withdrawn permission, a limit, no connection, a lost lease.
A 403 is of that kind here: the service gives no contact of one's own account a permission of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tandem.connectors.http import Door
from tandem.errors import GroupGone, Malformed, NotAllowed, NotThere, OutcomeUnknown, Rejected, TandemError, Unavailable, VersionMoved
from tandem.replica import Moved, Outcome, Refused, Unanswered, Untouched

#: A group made just now is not found for some seconds: so long it is waited for before it counts as gone.
NEW_GROUP_WAITS_S = (1.0, 2.0, 4.0, 8.0)
UNREADABLE_ANSWER = "Google's answer could not be understood: the write may have happened."

_T = TypeVar("_T")


def failed(error: TandemError) -> Outcome:
    """What the error of a write of one record says about it."""
    match error:
        case OutcomeUnknown():
            return Unanswered(str(error))
        case Malformed():
            return Unanswered(UNREADABLE_ANSWER)
        case NotAllowed():
            return Untouched(error)
        case NotThere() | VersionMoved():
            return Moved()
        case Rejected():
            return Refused(str(error))
        case _:
            return Untouched(error)


def failed_creations(error: TandemError) -> Outcome:
    """What the error of a batch of creations says about each of them: only a refusal of the account itself is a definite no."""
    is_doubtful = isinstance(error, Unavailable) and error.status not in {None, 403, 429}
    if is_doubtful or (isinstance(error, Rejected) and not isinstance(error, NotAllowed)):
        return Unanswered(f"Google refused a batch of creations: {error}")
    return failed(error)


def settled(write: Callable[[], Outcome]) -> Outcome:
    """The outcome of one write, whether it is answered or raises."""
    try:
        return write()
    except TandemError as error:
        return failed(error)


def patiently(door: Door, ask: Callable[[], _T]) -> _T:
    """Ask for something of a group that may be new. GroupGone when it stays unknown."""
    for wait_s in NEW_GROUP_WAITS_S:
        try:
            return ask()
        except NotThere:
            door.clock.sleep(wait_s)
    try:
        return ask()
    except NotThere:
        raise GroupGone from None
