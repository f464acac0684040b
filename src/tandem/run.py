"""`tandem run`: serves the pages and keeps links going until it is told to stop; without accounts of one's own, together with the sandbox.

Rules
- The sandbox keeps everything in memory, so its data directory is made anew with it; one's own data directory is never touched.
- One process works in a data directory: the lock is taken before anything else.
- A stop is asked for by SIGINT or SIGTERM. A cycle under way gets a moment to end; then it is cut off, which any cycle survives,
  because what it does is written down before it is done.
- A PostgreSQL that goes away while links are kept going is waited for: everything is closed, and opened anew when it answers.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Protocol

from tandem.app import Tandem
from tandem.app.estimates import Estimate, estimate
from tandem.app.linking import Wish
from tandem.app.places import DataDir
from tandem.app.receiving import Receiver
from tandem.app.results import Result
from tandem.app.routing import place_of
from tandem.app.sandboxed import API_TOKEN, FOLDER_NAME, OWN_CLIENTS, REFRESH_TOKEN, SandboxControl, config_with, drop_note, write_note
from tandem.app.stories import Line, lines
from tandem.config import Config
from tandem.connectors.http import as_object, parse, text_at
from tandem.core.policy import ConflictRule, Policy
from tandem.core.state import LinkId
from tandem.engine.preview import Preview
from tandem.errors import LeaseLost, Malformed, Reach, StorageError, StorageUnavailable, TandemError, Unavailable, WrongInput
from tandem.store.links import LinkState, label_of
from tandem.store.models import Link
from tandem.store.trouble import told
from tandem.web.alerts import Watchman
from tandem.web.serving import Pages
from tandem.web.site import Site

LABEL = "Pipedrive"
#: How often it is looked whether a link is due or a cycle was asked for.
TICK_S = 0.25
#: How often the webhooks are looked after, which mostly is a look into our own tables.
TEND_EVERY_S = 30.0
#: Without webhooks, deletions in Pipedrive show in full listings only; in the sandbox nobody wants to wait a day for them.
SANDBOX_FULL_EVERY_S = 20.0
#: How long a cycle may go on after a stop was asked for.
LAST_MOMENT_S = 3
SANDBOX_START_S = 60.0
#: The sandbox is asked for much more than any company would be; its tokens shall not run out.
SANDBOX_DAILY_TOKENS = 100_000_000
_SHOWN_AT_ONCE = 200
#: Between two tries to reach a database that went away.
SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.5, 15.0
#: Stands among the links for what is said of the database.
_DATABASE = 0


class Listener(Protocol):
    """A context that listens to a cycle."""

    def __enter__(self) -> Listener:
        """Begin."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """End."""
        ...

    def news(self, line: str, /, **counts: object) -> None:
        """One piece of news."""
        ...


class Voice(Protocol):
    """What is said on the way."""

    def started(self, url: str) -> None:
        """The sandbox is up."""
        ...

    def serving(self, url: str, welcome: str) -> None:
        """The pages are up; `welcome` is where the first password is set, empty once there is one."""
        ...

    def connected(self, labels: list[str]) -> None:
        """Accounts are connected."""
        ...

    def planned(self, row: Link, shown: Preview, cost: Estimate, region: str) -> None:
        """The preview of the first sync."""
        ...

    def progress(self) -> Listener:
        """Shows how far the first sync has come."""
        ...

    def first_synced(self, result: Result) -> None:
        """The first sync is over."""
        ...

    def watching(self, tandem: Tandem, link: int | None, examples: list[str]) -> None:
        """The loop begins."""
        ...

    def flowed(self, line: Line) -> None:
        """One change went over."""
        ...

    def stands(self, result: Result) -> None:
        """A link stands otherwise than before."""
        ...

    def troubled(self, sentence: str) -> None:
        """Something is wrong, and the loop goes on."""
        ...

    def stopped(self) -> None:
        """The end."""
        ...


class _CutOffError(BaseException):
    """The last moment is over. Not an Exception, so that nothing on the way catches it."""


class Runner:
    """One `tandem run`."""

    def __init__(self, config: Config, voice: Voice, *, port: int, is_demo: bool = False) -> None:
        self._config = config
        self._voice = voice
        self._port = port
        #: Whether everything that a person would do first is done by itself.
        self._is_demo = is_demo
        self._stop = threading.Event()
        self._states: dict[int, str] = {}
        #: How often the loop has begun.
        self._beginnings = 0

    def run(self) -> None:
        """Run until stopped.

        Raises:
            WrongInput: another process works in the data directory.
            TandemError: it cannot begin, or nothing can be written down any more.
        """
        place = DataDir(self._config.data_dir)
        if not place.lock():
            raise WrongInput(f"Another Tandem is working in {place.path}; stop it, or set TANDEM_DATA_DIR to another directory.")
        was_cut_off = False
        try:
            with self._signals():
                self._run(place)
        except _CutOffError:
            was_cut_off = True
        finally:
            place.unlock()
        self._voice.stopped()
        if was_cut_off:
            # Calls that hang in the pool's threads would be waited for.
            sys.stdout.flush()
            os._exit(0)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """A first signal asks to stop; what has not ended a moment later is cut off."""

        def stop(_signal: int, _frame: FrameType | None) -> None:
            if not self._stop.is_set():
                self._stop.set()
                signal.alarm(LAST_MOMENT_S)

        def cut(_signal: int, _frame: FrameType | None) -> None:
            raise _CutOffError

        handlers = {signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGALRM: cut}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            signal.alarm(0)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _run(self, place: DataDir) -> None:
        if self._config.text("SANDBOX_URL") or (self._config.text("GOOGLE_CLIENT_ID") and not self._is_demo):
            place.unlock()
            self._work(self._config)
        else:
            self._run_with_sandbox(place.path)

    def _run_with_sandbox(self, data_dir: Path) -> None:
        folder = data_dir / FOLDER_NAME
        drop_note(data_dir)
        shutil.rmtree(folder, ignore_errors=True)
        with SandboxProcess(self._port, self._stop) as url:
            if self._stop.is_set():
                return
            control = SandboxControl(url)
            control.call("POST", "switches", {"service": "pipedrive", "name": "daily_tokens", "value": SANDBOX_DAILY_TOKENS})
            folder.mkdir(mode=0o700, parents=True)
            write_note(data_dir, url, folder)
            try:
                self._voice.started(url)
                self._work(config_with(self._config, _demo_values(url, folder), "tandem run", is_forced=True))
            finally:
                drop_note(data_dir)

    def _work(self, config: Config) -> None:
        has_worked, waited_s = False, SHORTEST_WAIT_S
        while not self._stop.is_set():
            begun = self._beginnings
            try:
                self._work_once(config)
            except StorageUnavailable as error:
                has_worked = has_worked or self._beginnings > begun
                if not has_worked:
                    raise
                waited_s = SHORTEST_WAIT_S if self._beginnings > begun else min(2 * waited_s, LONGEST_WAIT_S)
                self._trouble(_DATABASE, f"{error} It is tried again.")
                self._stop.wait(waited_s)
            else:
                return

    def _work_once(self, config: Config) -> None:
        with told(), Tandem(config) as tandem, told():
            if not tandem.place.lock():
                raise WrongInput(f"Another Tandem is working in {tandem.place.path}; stop it, or set TANDEM_DATA_DIR to another directory.")
            link = self._begin(tandem) if self._is_demo and tandem.sandbox is not None else None
            if self._stop.is_set():
                return
            # The pages have an installation of their own: what they ask the services for waits for no cycle.
            with (
                Tandem(config) as shown,
                Receiver(tandem, Pages(site := Site.of(shown), place_of(config.url("BASE_URL")).prefix)) as receiver,
                Watchman(shown, receiver.url or config.url("BASE_URL")),
            ):
                self._beginnings += 1
                if self._beginnings == 1:
                    self._voice.serving(receiver.url, site.welcome_path if site.is_new else "")
                if self._states.pop(_DATABASE, None):
                    self._voice.troubled("The database answers again.")
                else:
                    self._voice.watching(tandem, link, _examples(tandem, link) if link else [])
                self._loop(tandem, receiver)

    def _begin(self, tandem: Tandem) -> int:
        """Connect, link, show, sync: what a person would do first. Returns the link."""
        known = tandem.links.all()
        row = known[0] if known else self._connect(tandem)
        if row.state != LinkState.DRAFT.value:
            return row.id
        shown = tandem.preview(row.id)
        self._voice.planned(row, shown, estimate(shown, tandem.config), tandem.links.policy(row).region)
        with self._voice.progress() as progress:
            result = tandem.cycle(row.id, cause="first", news=progress.news)
        self._voice.first_synced(result)
        self._states[row.id] = result.state.value
        return row.id

    def _connect(self, tandem: Tandem) -> Link:
        accounts = [tandem.connecting.google(REFRESH_TOKEN), tandem.connecting.pipedrive(API_TOKEN)]
        google, pipedrive = (label_of(account) for account in accounts)
        self._voice.connected([f"{label_of(account)} ({account.name})" for account in accounts])
        policy = Policy(conflicts=ConflictRule.RIGHT)
        return tandem.make_link(Wish(google, pipedrive, LABEL, policy, creates_group=True)).row

    # The loop

    def _loop(self, tandem: Tandem, receiver: Receiver) -> None:
        listed_at = tended_at = tandem.clock.now()
        while not self._stop.is_set():
            now = tandem.clock.now()
            tandem.forget_old()
            if abs((now - tended_at).total_seconds()) > TEND_EVERY_S:
                tended_at = now
                receiver.tend()
            receiver.take()
            is_late = tandem.sandbox is not None and (now - listed_at).total_seconds() > SANDBOX_FULL_EVERY_S
            for link in tandem.schedule.due(tandem.clock.now(), is_alone=tandem.place.is_locked_by_us):
                is_full = is_late and not tandem.watching.tells(link)
                if is_full:
                    listed_at = now
                self._cycle(tandem, link, is_full=is_full)
                if self._stop.is_set():
                    return
            receiver.arrived.wait(TICK_S)

    def _cycle(self, tandem: Tandem, link: int, *, is_full: bool) -> None:
        try:
            result = tandem.cycle(link, cause="due", is_full=is_full)
        except (LeaseLost, WrongInput):
            return  # paused or removed meanwhile, or taken over: the next look at what is due knows
        except TandemError as error:
            if isinstance(error, StorageError) or (error.reach is Reach.PROCESS and not isinstance(error, Unavailable)):
                raise
            self._trouble(link, str(error))
            self._stop.wait(1.0)
            return
        if result.writes or result.counts.get("conflicts"):
            for line in reversed(lines(tandem.alias, link, limit=_SHOWN_AT_ONCE, cycle=result.cycle)):
                self._voice.flowed(line)
        if self._states.get(link) != result.state.value:
            if link in self._states:
                self._voice.stands(result)
            self._states[link] = result.state.value

    def _trouble(self, link: int, sentence: str) -> None:
        if self._states.get(link) != sentence:
            self._states[link] = sentence
            self._voice.troubled(sentence)


class SandboxProcess:
    """The sandbox as a child: ends with us, however we end, because its standard input closes then."""

    def __init__(self, port: int, stop: threading.Event) -> None:
        self._port = port if port and _is_free(port) else 0
        self._stop = stop
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> str:
        """Start it and wait until it is ready. Returns its address; empty when a stop was asked for meanwhile."""
        words = [sys.executable, "-P", "-m", "tandem", "sandbox", "--port", str(self._port), "--with-parent", "--json"]
        # A session of its own: Ctrl-C in the terminal is for us, and we still need the sandbox to end a cycle.
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603
        stream = self._process.stdout
        first: list[str] = []
        reader = threading.Thread(target=lambda: first.append(stream.readline() if stream else ""), daemon=True)
        reader.start()
        _wait_for(lambda: bool(first), self._stop, SANDBOX_START_S)
        if self._stop.is_set():
            return ""
        try:
            return text_at(as_object(parse(first[0].encode() if first else b"")), "url")
        except Malformed:
            self._end()
            raise TandemError("The sandbox did not start; `tandem sandbox` alone says why.") from None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        process.terminate()
        with contextlib.suppress(OSError):
            process.communicate(timeout=2)
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_for(is_done: Callable[[], bool], stop: threading.Event, seconds: float) -> None:
    for _ in range(int(seconds / 0.05)):
        if is_done() or stop.wait(0.05):
            return


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _demo_values(url: str, folder: Path) -> dict[str, str]:
    return {"SANDBOX_URL": url, "DATA_DIR": str(folder), "DATABASE_URL": "", **OWN_CLIENTS}


def _examples(tandem: Tandem, link: int) -> list[str]:
    """Edits that can be pasted as they are: one on each side, and a new contact."""
    pair = tandem.links.a_pair(LinkId(link))
    if pair is None:
        return []
    contact, person = pair
    return [
        f"sandbox edit pipedrive update_person id={person} last_name=Renamed",
        f"""sandbox edit google update id={contact} 'organizations=[{{"name": "Example Works"}}]'""",
        f"""sandbox edit google create 'groups=["{LABEL}"]' 'names=[{{"givenName": "Ada", "familyName": "Example"}}]'""",
    ]
