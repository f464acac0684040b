"""A stream of bytes under a passphrase: encrypted and authenticated piece by piece, so that neither side ever holds all of it.

Theory: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizar, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance", 2015). Each piece is closed by AES-256-GCM under a nonce that holds its number and whether it is the last one, and with
the header as associated data: a piece that was changed, left out, doubled, moved or cut off does not open. The key comes out of the
passphrase by scrypt (RFC 7914), whose cost stands in the header.

Rules: the layout is documented in docs/backup.md and never changes under one number. The header has a plain digest and a keyed one: where
only the keyed one fails, the passphrase is wrong; where the plain one fails, the file is damaged.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from tandem.errors import WrongInput

MAGIC = b"tandem-backup\n"
FORMAT = 1
#: Bytes of a piece before it is closed.
PIECE = 65_536
#: scrypt's cost as a power of two: 2**17 takes 128 MB and about half a second.
COST = 17
_MOST_COST, _BLOCK = 20, 8
_TAG, _DIGEST, _PREFIX, _SALT = 16, 32, 7, 16
_LONGEST_HEADER = 1000
_DAMAGED = "The backup is damaged ({what}); nothing was restored. Take another copy of it."


def damaged(what: str) -> WrongInput:
    """The error for a file that is not what was written."""
    return WrongInput(_DAMAGED.format(what=what))


class Sealer:
    """Closes what is written to it, piece by piece. `finish` writes the last one: without it the file does not open.

    `cost`: of scrypt, as a power of two.
    """

    def __init__(self, file: BinaryIO, passphrase: str, *, cost: int = COST) -> None:
        self._file = file
        self._prefix = secrets.token_bytes(_PREFIX)
        salt = secrets.token_bytes(_SALT)
        described = {"format": FORMAT, "scrypt": {"n": 1 << cost, "r": _BLOCK, "p": 1}, "salt": salt.hex(), "nonce": self._prefix.hex()}
        header = MAGIC + json.dumps({**described, "piece": PIECE}).encode() + b"\n"
        key, check = _keys(passphrase, salt, 1 << cost)
        self._cipher, self._header = AESGCM(key), hashlib.sha256(header).digest()
        self._number = 0
        self._held = bytearray()
        file.write(header + self._header + hmac.digest(check, header, "sha256"))

    def write(self, content: bytes) -> None:
        """Add bytes."""
        self._held += content
        # A full piece is kept until more comes: it may be the last one.
        while len(self._held) > PIECE:
            self._close(bytes(self._held[:PIECE]), is_last=False)
            del self._held[:PIECE]

    def finish(self) -> None:
        """Write the last piece."""
        self._close(bytes(self._held), is_last=True)
        self._held.clear()

    def _close(self, content: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._prefix, self._number, is_last=is_last), content, self._header))
        self._number += 1


class Opener:
    """Opens what a Sealer has closed.

    Raises:
        WrongInput: it is no backup, one of a newer format, it is damaged, or the passphrase is another one.
    """

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        self._file = file
        magic = file.read(len(MAGIC))
        if magic != MAGIC:
            if MAGIC.startswith(magic):
                raise damaged("it ends after a few bytes")
            raise WrongInput("This is no backup of Tandem.")
        line = file.readline(_LONGEST_HEADER)
        digest, keyed = file.read(_DIGEST), file.read(_DIGEST)
        header = magic + line
        self._header = hashlib.sha256(header).digest()
        if len(keyed) < _DIGEST or digest != self._header:
            _refuse_newer(line)
            raise damaged("its head was changed or cut off")
        salt, self._prefix, cost = _described(line)
        key, check = _keys(passphrase, salt, cost)
        if not hmac.compare_digest(keyed, hmac.digest(check, header, "sha256")):
            raise WrongInput("The passphrase does not open this backup: it was made with another one.")
        self._cipher = AESGCM(key)

    def pieces(self) -> Iterator[bytes]:
        """What was written, in pieces. WrongInput where it does not open."""
        number, sealed = 0, self._file.read(PIECE + _TAG)
        while True:
            following = self._file.read(PIECE + _TAG) if len(sealed) == PIECE + _TAG else b""
            try:
                yield self._cipher.decrypt(_nonce(self._prefix, number, is_last=not following), sealed, self._header)
            except (InvalidTag, ValueError):
                raise damaged("bytes were changed, are missing, or were added") from None
            if not following:
                return
            number, sealed = number + 1, following


def _keys(passphrase: str, salt: bytes, cost: int) -> tuple[bytes, bytes]:
    """(for the pieces, for the header) out of a passphrase."""
    both = Scrypt(salt=salt, length=64, n=cost, r=_BLOCK, p=1).derive(passphrase.encode())
    return both[:32], both[32:]


def _nonce(prefix: bytes, number: int, *, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + (b"\x01" if is_last else b"\x00")


def _refuse_newer(line: bytes) -> None:
    """A newer format may have another head altogether: it is said as far as that can be told."""
    try:
        number = json.loads(line)["format"]
    except (ValueError, KeyError, TypeError):
        return
    if isinstance(number, int) and number > FORMAT:
        raise WrongInput("This backup was made by a newer Tandem: update this one, then restore it.")


def _described(line: bytes) -> tuple[bytes, bytes, int]:
    """Salt, prefix of the nonces, and cost that a header names. It was checked for damage; what it says may still be another format."""
    _refuse_newer(line)
    try:
        said = json.loads(line)
        cost, salt, prefix = said["scrypt"]["n"], bytes.fromhex(said["salt"]), bytes.fromhex(said["nonce"])
        is_known = (said["format"], said["piece"], said["scrypt"]["r"], said["scrypt"]["p"]) == (FORMAT, PIECE, _BLOCK, 1)
        is_known &= isinstance(cost, int) and cost.bit_count() == 1 and 1 < cost <= 1 << _MOST_COST
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged("its head does not parse") from None
    if not is_known or len(salt) != _SALT or len(prefix) != _PREFIX:
        raise damaged("its head names what there is not")
    return salt, prefix, cost
