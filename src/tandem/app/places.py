"""The data directory: its mode, the secret key, and the lock that one working process holds.

Rules: the directory and the key are for their owner alone; the key is made once and never printed; the lock falls with the
process, however it ends. Who holds the lock knows that earlier workers of this directory are dead, and nothing about other machines.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import socket
from pathlib import Path

from tandem.app.swapping import swap_in
from tandem.errors import StorageError, WrongInput

KEY_NAME = "secret.key"
LOCK_NAME = "lock"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
#: Shorter secrets are typed words, not keys.
SHORTEST_KEY = 32


class DataDir:
    """One data directory, made when it is not there. A restore that was broken off after it had been decided is carried to its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_fd: int | None = None
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The data directory {path} cannot be made ({error.strerror}); set TANDEM_DATA_DIR to one that can."
            ) from None
        swap_in(path)

    def ring(self, configured: str) -> tuple[str, ...]:
        """The installation's secrets, the present one first: those configured (joined by commas), else the file's.

        Raises:
            WrongInput: a configured one is too short.
            StorageError: the file cannot be made or read.
        """
        if configured:
            keys = keys_of(configured)
            if not keys or min(map(len, keys)) < SHORTEST_KEY:
                raise WrongInput(f"TANDEM_SECRET_KEY must have {SHORTEST_KEY} characters at least; leave it unset and one is made.")
            return keys
        path = self.path / KEY_NAME
        try:
            if not path.exists():
                _write_once(path, secrets.token_hex(32))
            key = path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise StorageError(f"The secret key {path} cannot be read or made ({type(error).__name__}).") from None
        keys = keys_of(key)
        if not keys or min(map(len, keys)) < SHORTEST_KEY:
            raise StorageError(f"The secret key {path} is damaged: put it back from a backup.")
        return keys

    @property
    def is_locked_by_us(self) -> bool:
        """Whether this process is the working one."""
        return self._lock_fd is not None

    @property
    def kin(self) -> str:
        """By what the workers of this directory begin their names: no other directory, machine or container has the same."""
        try:
            boot = _BOOT.read_text("ascii").strip()
        except OSError:
            boot = ""
        status = self.path.stat()
        parts = (socket.gethostname(), boot, str(self.path.resolve()), str(status.st_dev), str(status.st_ino))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12] + "."

    def lock(self) -> bool:
        """Become the working process; whether that was possible."""
        if self._lock_fd is not None:
            return True
        try:
            fd = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"The data directory {self.path} cannot be written ({error.strerror}).") from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        self._lock_fd = fd
        return True

    def unlock(self) -> None:
        """Let others work."""
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None


def keys_of(text: str) -> tuple[str, ...]:
    """Keys that are joined by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _write_once(path: Path, text: str) -> None:
    """Make a file that appears whole or not at all; whoever was first wins."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
