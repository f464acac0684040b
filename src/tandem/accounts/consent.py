"""Connecting an account in the browser: a person is sent to the service, consents there, and comes back with an answer.

Rules
- This is the authorization code flow of RFC 6749, with PKCE where the service knows it; nothing in here serves or prints.
- The state is random, kept as a hash, bound to the service, and good for one answer within ten minutes. An answer that nobody waits for
  changes nothing. Verifier and redirect address stand encrypted until then, so that another process of this installation can go on.
- One that was begun in the pages is ended by the same browser only, so that nobody's account becomes part of somebody else's Tandem.
- Whatever goes wrong ends as an outcome with a sentence, for the page and for the command that waits. Neither codes nor tokens are in it.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from tandem.accounts.endpoints import ConsentPlace, Tokens
from tandem.clock import Clock
from tandem.connectors.http import as_object, parse, text_at
from tandem.errors import AccountChanged, ConsentNarrowed, Malformed, TandemError, Unavailable
from tandem.store import models
from tandem.store.authorisations import Authorisations

LIFE = timedelta(minutes=10)
_LONGEST = 4096


class Outcome(Enum):
    """How a consent ended."""

    CONNECTED = "connected"
    #: The person said no.
    REFUSED = "refused"
    #: The person, or the app, did not allow what is needed.
    NARROWED = "narrowed"
    OTHER_ACCOUNT = "other-account"
    #: Nobody waits for this answer, it came too late, or a second time.
    NOT_AWAITED = "not-awaited"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended, for people. `label` and `name`: the account that was connected; then the sentence is what else there is to know."""

    outcome: Outcome
    sentence: str
    label: str = ""
    name: str = ""
    #: The consent, where it was begun in the pages; None: by a command, or not awaited.
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A consent that is awaited. `address` is to be opened in a browser."""

    number: int
    address: str
    redirect_uri: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Connected:
    """An account that was just connected, and what a person should know about it."""

    label: str
    name: str
    notes: tuple[str, ...] = ()


#: Makes an account out of tokens, if it is the expected one (its label; empty: any). Raises what speaks against it.
Connect = Callable[[str, Tokens, str, int | None], Connected]


class Consents:
    """The consents of one installation. `places`: the place of a service; raises WrongInput when it is not configured."""

    def __init__(self, awaited: Authorisations, places: Callable[[str], ConsentPlace], connect: Connect, clock: Clock) -> None:
        self._awaited = awaited
        self._places = places
        self._connect = connect
        self._clock = clock

    def begin(
        self, service: str, redirect_uri: str, *, expected: str = "", hint: str = "", user: int | None = None, browser: str = ""
    ) -> Begun:
        """Begin one.

        `expected`: the label of the account that it must be; `hint`: its address at the service; `user` asks in the pages, with a
        `browser` that bears this secret.
        """
        place = self._places(service)
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        content = json.dumps(
            {
                "verifier": verifier, "redirect_uri": redirect_uri, "client_id": place.endpoint.client_id, "expected": expected,
                "browser": browser,
            }
        )  # fmt: skip
        now = self._clock.now()
        address = place.address(redirect_uri, state, verifier, hint)
        number = self._awaited.open(state, service, content, now, now + LIFE, user=user)
        return Begun(number, address, redirect_uri, now + LIFE)

    def outcome(self, number: int) -> Ended | None:
        """How one has ended; None while it is awaited."""
        row = self._awaited.one(number)
        if row is None or not row.outcome:
            return None
        return Ended(Outcome(row.outcome), row.sentence, row.label)

    def drop(self, number: int) -> None:
        """Nobody waits any more; an answer that still comes is not awaited."""
        self._awaited.drop(number)

    def finish(self, service: str, answer: Mapping[str, str], *, number: int | None = None, browser: str = "") -> Ended:
        """Take the answer that a browser has brought. `number`: it must be that of this consent; `browser`: the secret it bears."""
        state = answer.get("state", "")
        row = self._awaited.find(state) if 0 < len(state) <= _LONGEST else None
        if row is None or row.service != service or number not in (None, row.pk):
            return _not_awaited(
                "Nobody waits for this answer, or not any more. If the account was connected just now, all is well; else begin again with "
                "`tandem account add`."
            )
        if row.user_id is not None and not self._is_from(row, browser):
            return _not_awaited("This answer was asked for in another browser, so nothing was stored. Begin again in this one.")
        now = self._clock.now()
        if not self._awaited.take(row, now):
            if row.expires_at <= now:
                return _not_awaited("This answer came too late: it is waited for ten minutes. Begin again with `tandem account add`.")
            return _not_awaited("This answer was used already. If the account is connected now, all is well; else begin again.")
        ended = self._end(row, answer)
        self._awaited.end(row, ended.outcome.value, ended.sentence, ended.label)
        return replace(ended, number=row.pk if row.user_id is not None else None)

    def _is_from(self, row: models.Authorisation, browser: str) -> bool:
        """Whether the browser is the one that began it. One that has ended already is not awaited anyhow."""
        if not row.sealed:
            return True
        begun_by = text_at(as_object(parse(self._awaited.content(row).encode())), "browser")
        return bool(browser) and hmac.compare_digest(begun_by.encode(), browser.encode())

    def _end(self, row: models.Authorisation, answer: Mapping[str, str]) -> Ended:
        try:
            place = self._places(row.service)
            if answer.get("error"):
                return _refused(place, answer["error"])
            tokens, expected = self._redeem(row, place, answer.get("code", ""))
            connected = self._connect(row.service, tokens, expected, row.user_id)
        except ConsentNarrowed as error:
            return Ended(Outcome.NARROWED, str(error))
        except AccountChanged as error:
            return Ended(Outcome.OTHER_ACCOUNT, str(error))
        except Unavailable as error:
            return Ended(Outcome.UNAVAILABLE, f"{str(error).rstrip('.')}.")
        except TandemError as error:
            return Ended(Outcome.FAILED, str(error))
        return Ended(Outcome.CONNECTED, " ".join(connected.notes), connected.label, connected.name)

    def _redeem(self, row: models.Authorisation, place: ConsentPlace, code: str) -> tuple[Tokens, str]:
        title = place.endpoint.service
        if not code or len(code) > _LONGEST:
            raise Malformed(f"{title}'s answer holds no code, so nothing was stored. Try again.")
        content = as_object(parse(self._awaited.content(row).encode()))
        if text_at(content, "client_id") != place.endpoint.client_id:
            raise TandemError(
                f"The Tandem that took the answer has another TANDEM_{title.upper()}_CLIENT_ID than the command that asked, so nothing was "
                "stored."
            )
        verifier = text_at(content, "verifier") if place.has_pkce else ""
        return place.endpoint.redeem(code, text_at(content, "redirect_uri"), verifier), text_at(content, "expected")


def _refused(place: ConsentPlace, error: str) -> Ended:
    title = place.endpoint.service
    if error == place.refusal:
        return Ended(Outcome.REFUSED, f"The consent was refused in {title}; nothing was stored. To try again: `tandem account add`.")
    return Ended(Outcome.FAILED, f"{title} could not ask for consent, so nothing was stored. `tandem doctor` looks at what is set up.")


def _not_awaited(sentence: str) -> Ended:
    return Ended(Outcome.NOT_AWAITED, sentence)
