"""One attempt to connect an account in the browser, from the address to its end: a command waits, and somebody takes the answer.

Rules
- The answer arrives at TANDEM_BASE_URL. Where that is a port of this machine and free, the command listens there itself; where `tandem run`
  of this very installation listens, it takes the answer; where anybody else does, the command says so before a person begins.
- The end is read from the database, whoever took the answer. However the attempt ends, nothing of it stays behind.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import httpx2

from tandem.accounts.consent import Begun, Ended
from tandem.app.desk import FOLDER, HERE, proof
from tandem.app.listener import Listener
from tandem.app.routing import DEFAULT_PORT, Router, place_of
from tandem.app.sides import GOOGLE
from tandem.connectors.http import make_client
from tandem.errors import NotConnected, WrongInput

if TYPE_CHECKING:
    from tandem.app.root import Tandem

_LOOK_EVERY_S = 0.25
#: Whether whoever takes the answer is still there is asked after so many looks.
_TEND_EVERY = 20
_PATIENCE_S = 3.0


class Attempt:
    """Use it as a context manager. `expected`: the label of the account that it must be; `is_pasted`: a person brings the answer.

    Raises:
        WrongInput: the service is not configured, or there is no account of that label.
        NotConnected: nobody would take the answer.
    """

    def __init__(self, tandem: Tandem, service: str, *, expected: str = "", is_pasted: bool = False) -> None:
        self._tandem = tandem
        self._service = service
        self._expected = expected
        self._is_pasted = is_pasted
        self._base_url = tandem.config.url("BASE_URL")
        self._place = place_of(self._base_url)
        self._consents = tandem.consents()
        self._listener: Listener | None = None
        self._begun: Begun | None = None

    def __enter__(self) -> Attempt:
        hint = ""
        if self._expected:
            account = self._tandem.accounts.find(self._expected, self._service)
            hint = account.name if self._service == GOOGLE and "@" in account.name else ""
        redirect_uri = self._tandem.proofs.redirect_uri(self._service)
        self._tandem.proofs.endpoint(self._service)
        if not self._is_pasted:
            self._find_taker()
        try:
            if self._tandem.sandbox is not None:
                self._tandem.sandbox.register_redirect(self._service, redirect_uri)
            self._begun = self._consents.begin(self._service, redirect_uri, expected=self._expected, hint=hint)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._close()
        self._consents.drop(self.begun.number)

    def _close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    @property
    def begun(self) -> Begun:
        """What was begun."""
        if self._begun is None:
            raise RuntimeError("the attempt has not begun")
        return self._begun

    def wait(self) -> Ended:
        """Wait for the end. NotConnected when no answer comes in time."""
        clock, looks = self._tandem.clock, 0
        while clock.now() < self.begun.expires_at:
            ended = self._consents.outcome(self.begun.number)
            if ended is not None:
                return ended
            clock.sleep(_LOOK_EVERY_S)
            looks += 1
            if looks % _TEND_EVERY == 0 and self._listener is None and self._place.is_local:
                # The server may have ended, and then we listen; one that is only busy is no reason to give up.
                with contextlib.suppress(NotConnected):
                    self._find_taker()
        raise NotConnected("No answer came within ten minutes; nothing was stored. Begin again when you are ready.")

    def take(self, pasted: str) -> Ended:
        """Take the address that a browser ended on. WrongInput when it is none that holds an answer."""
        text = pasted.strip()
        with contextlib.suppress(ValueError):
            text = urlsplit(text).query
        pairs = parse_qsl(text, keep_blank_values=True)
        answer = dict(pairs)
        if len(answer) != len(pairs) or "state" not in answer or not ("code" in answer or "error" in answer):
            raise WrongInput(
                f"That is not the address that the browser ended on: it begins with {self.begun.redirect_uri}? and holds state= and code=."
            )
        return self._consents.finish(self._service, answer, number=self.begun.number)

    def _find_taker(self) -> None:
        """Make sure that somebody of ours takes the answer: a running server, or we ourselves."""
        if not self._place.is_local:
            if not self._is_ours(self._base_url) and not self._is_ours(f"http://127.0.0.1:{DEFAULT_PORT}{self._place.prefix}"):
                raise NotConnected(
                    f"The answer would go to {self._base_url}, where this Tandem does not answer: start `tandem run` there, or use --paste."
                )
            return
        try:
            router = Router(self._place.prefix, {FOLDER: self._tandem.desk()})
            self._listener = Listener(router, self._place.port, host=self._place.host)
        except OSError as error:
            if not self._is_ours(self._base_url):
                why = "may not be listened at" if isinstance(error, PermissionError) else "is taken by another program: stop that"
                raise NotConnected(
                    f"The answer would arrive at port {self._place.port} of this machine, which {why}; or set TANDEM_BASE_URL to another "
                    "port (and register that address), or use --paste."
                ) from None

    def _is_ours(self, base_url: str) -> bool:
        nonce = secrets.token_hex(16)
        try:
            with make_client(timeout_s=_PATIENCE_S) as client:
                answer = client.get(base_url + HERE, params={"nonce": nonce})
        except httpx2.HTTPError:
            return False
        return answer.status_code == 200 and hmac.compare_digest(answer.content, proof(self._tandem.here_key, nonce).encode())
