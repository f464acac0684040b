"""Page and sync tokens: sealed notes that a reader hands back.

Theory: the service keeps nothing about its readers. A sync token holds the highest change number seen, the time of the full
listing that it goes back to, and a print of the parameters; a page token also holds the last key given out, so that records that
come or go between two pages shift nothing. A seal made with a secret of the book tells foreign tokens.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass

from tandem.sandbox.google_errors import expired_sync_token, invalid

SYNC_LIFE_S = 7 * 86400.0
_SEAL_BYTES = 9


@dataclass(frozen=True, slots=True)
class SyncNote:
    """What a sync token says. `full_at` is when the full listing began."""

    print: str
    horizon: int
    full_at: float


@dataclass(frozen=True, slots=True)
class PageNote:
    """What a page token says. `since` is the number from which changes are listed, or -1 in a full listing."""

    print: str
    horizon: int
    full_at: float
    since: int
    last_key: str


def print_of(parameters: object) -> str:
    """A short print of what must not change from call to call."""
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:16]


def seal(secret: bytes, note: SyncNote | PageNote) -> str:
    """The note as an opaque token."""
    parts: list[object] = [note.print, note.horizon, note.full_at]
    if isinstance(note, PageNote):
        parts += [note.since, note.last_key]
    data = json.dumps(parts, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_tag(secret, data) + data).decode()


def unseal_sync(secret: bytes, token: str) -> SyncNote:
    """The note in a sync token. ApiError 400 INVALID_ARGUMENT for a foreign or damaged one."""
    parts = _open(secret, token)
    if len(parts) != 3:
        raise invalid()
    return SyncNote(str(parts[0]), int(str(parts[1])), float(str(parts[2])))


def unseal_page(secret: bytes, token: str) -> PageNote:
    """The note in a page token. ApiError 400 INVALID_ARGUMENT for a foreign or damaged one."""
    parts = _open(secret, token)
    if len(parts) != 5:
        raise invalid()
    return PageNote(str(parts[0]), int(str(parts[1])), float(str(parts[2])), int(str(parts[3])), str(parts[4]))


def check_life(full_at: float, now: float) -> None:
    """Refuse a token whose full listing is seven days back. ApiError 400 FAILED_PRECONDITION."""
    if now - full_at >= SYNC_LIFE_S:
        raise expired_sync_token()


def _open(secret: bytes, token: str) -> list[object]:
    try:
        data = base64.b64decode(token, altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise invalid() from None
    if not hmac.compare_digest(data[:_SEAL_BYTES], _tag(secret, data[_SEAL_BYTES:])):
        raise invalid()
    parts = json.loads(data[_SEAL_BYTES:])
    return parts if isinstance(parts, list) else []


def _tag(secret: bytes, data: bytes) -> bytes:
    return hmac.new(secret, data, hashlib.sha256).digest()[:_SEAL_BYTES]
