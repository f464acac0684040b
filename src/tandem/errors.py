"""Every error of Tandem on one page.

    TandemError
    |- WrongInput            what a person typed or configured cannot be                        process  stop
    |- StorageError          our own disk or database does not take what must be written down   process  stop
    |  |- StorageUnavailable the database does not answer, or is busy for too long             process  retry
    |- NotConnected          an account was not connected, and nothing of it stored            process  stop
    |- LeaseLost             another worker took the link over                                  link     stop
    |- LinkStopped           only a person can go on with the link
    |  |- ReconnectNeeded    the token was refused for good, or consent is gone                 link     reconnect
    |  |- ConsentNarrowed    signed in, but without the right that is needed                    link     reconnect
    |  |- AccountChanged     the token belongs to another account than the link                 link     reconnect
    |  |- AccountClosed      the company account is not open (402)                              link     stop
    |  |- GroupGone          the chosen group is not there any more                             link     stop
    |  |- ScopeLeft          too many at once are outside the group or filter                   link     stop
    |  |- ListingDoubted     two looks at one side do not agree                                 link     stop
    |  |- OtherInstallation  another Tandem has made records here                               link     stop
    |  |- PermissionWithdrawn the account may not do any more what the link needs              link     stop
    |  |- ServiceSwitchedOff the project's access to the service is switched off                link     stop
    |- RemoteError           a replica did not do what was asked
       |- Unavailable        not done for certain; later                                        link     retry
       |  |- RateLimited     a limit was met; `retry_after_s` says when                         link     retry
       |  |- QuotaExhausted  the budget of the day or hour is used up, until `until`            link     retry
       |  |- LayoutMoved     a field that the link writes is not there any more                 link     survey
       |- OutcomeUnknown     a write was sent and its answer is missing: it may have happened   record   recover
       |- CursorExpired      the position in the change stream is not known any more            link     relist
       |- Malformed          an answer that does not parse: nothing is concluded from it        link     retry
       |- Rejected           refused for certain, nothing was done                              record   park
          |- NotThere        no such record (404)                                               record   re-observe
          |- VersionMoved    the record has changed since it was read                           record   re-observe
          |- NotAllowed      the account may not do this (403)                                  record   park

Rules: conflicts, holds and parked records are values, not errors. Texts carry ids and words of ours, never contact data,
tokens or a remote's body. The class docstring is the sentence a person reads when nothing more precise is known.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import ClassVar


class Reach(Enum):
    """How far an error goes."""

    RECORD = "record"
    LINK = "link"
    PROCESS = "process"


class NextStep(Enum):
    """What to do about an error."""

    RETRY = "retry"
    REOBSERVE = "re-observe"
    RECOVER = "recover"
    PARK = "park"
    RELIST = "relist"
    RECONNECT = "reconnect"
    SURVEY = "survey"
    STOP = "stop"


class TandemError(Exception):
    """Something went wrong in Tandem."""

    reach: ClassVar[Reach] = Reach.PROCESS
    next_step: ClassVar[NextStep] = NextStep.STOP

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class WrongInput(TandemError):
    """What was typed or configured cannot be used."""


class StorageError(TandemError):
    """What must be written down is not taken: is the disk full, or read-only?"""


class StorageUnavailable(StorageError):
    """The database does not answer now; nothing that was written down is lost, and it goes on when the database does."""

    next_step = NextStep.RETRY


class NotConnected(TandemError):
    """The account was not connected; nothing was stored."""


class LeaseLost(TandemError):
    """Another worker has taken this link over."""

    reach = Reach.LINK


class LinkStopped(TandemError):
    """This link goes on only after a person has done something."""

    reach = Reach.LINK


class ReconnectNeeded(LinkStopped):
    """The account does not accept our token any more: connect it again."""

    next_step = NextStep.RECONNECT


class ConsentNarrowed(LinkStopped):
    """The account is connected without the right that is needed: connect it again and tick every box."""

    next_step = NextStep.RECONNECT


class AccountChanged(LinkStopped):
    """The token belongs to another account than the one this link was made with."""

    next_step = NextStep.RECONNECT


class AccountClosed(LinkStopped):
    """The company's account is closed or unpaid: open it again, then resume the link."""


class GroupGone(LinkStopped):
    """The chosen contact group is not there any more: choose another one, or make the same one again."""


class ScopeLeft(LinkStopped):
    """Many contacts at once are outside the chosen group or filter; nothing was deleted, and nothing is frozen yet."""


class ListingDoubted(LinkStopped):
    """Two looks at one side do not agree on what is there; nothing was created."""


class OtherInstallation(LinkStopped):
    """Another Tandem has made contacts here: is it still running? Two of them on one address book would double everything."""


class PermissionWithdrawn(LinkStopped):
    """A service refuses what this link needs, though the account is connected: ask who gives out the rights, then sync again."""


class ServiceSwitchedOff(LinkStopped):
    """The service is switched off in the project that this Tandem uses: switch it on, then sync again."""


class RemoteError(TandemError):
    """A service did not do what was asked. `service` and `status` say who and how; the body is never kept."""

    reach = Reach.LINK

    def __init__(self, message: str = "", *, service: str = "", status: int | None = None, reason: str = "") -> None:
        super().__init__(message)
        self.service = service
        self.status = status
        #: The service's own short code for what was wrong (never free text that could hold contact data).
        self.reason = reason


class Unavailable(RemoteError):
    """The service is not available now; nothing was done. It is tried again by itself."""

    next_step = NextStep.RETRY


class RateLimited(Unavailable):
    """The service asks to go slower."""

    def __init__(self, message: str = "", *, retry_after_s: float, service: str = "", status: int | None = 429, reason: str = "") -> None:
        super().__init__(message, service=service, status=status, reason=reason)
        self.retry_after_s = retry_after_s


class QuotaExhausted(Unavailable):
    """The budget is used up; it goes on by itself."""

    def __init__(self, message: str = "", *, until: datetime, service: str = "", status: int | None = 429, reason: str = "") -> None:
        super().__init__(message, service=service, status=status, reason=reason)
        self.until = until


class LayoutMoved(Unavailable):
    """A field in which this link keeps something is not there any more; the fields are looked for again, and nothing is read as empty."""

    next_step = NextStep.SURVEY


class OutcomeUnknown(RemoteError):
    """A write was sent and its answer is missing: it may have happened."""

    reach = Reach.RECORD
    next_step = NextStep.RECOVER


class CursorExpired(RemoteError):
    """The position in the list of changes is not known any more: everything is listed again."""

    next_step = NextStep.RELIST


class Malformed(RemoteError):
    """The service's answer could not be understood; nothing is concluded from it."""

    next_step = NextStep.RETRY


class Rejected(RemoteError):
    """The service refused this for certain; nothing was done."""

    reach = Reach.RECORD
    next_step = NextStep.PARK


class NotThere(Rejected):
    """There is no such record."""

    next_step = NextStep.REOBSERVE


class VersionMoved(Rejected):
    """The record has changed since it was read."""

    next_step = NextStep.REOBSERVE


class NotAllowed(Rejected):
    """The account may not do this."""
