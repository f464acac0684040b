"""Credentials at rest: AES-256-GCM, bound to the place where they stand.

Rules: the associated data of a value is "table:row:column", so that a value copied to another account or name does not open;
every value names the key that closed it, so that keys can be changed one after the other: the first key of the ring closes, all
of them open. Nothing in here is ever part of an error or a log.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tandem.errors import StorageError
from tandem.store import models
from tandem.store.moments import brief
from tandem.store.rows import put

_KEY_ID_BYTES = 4
_NONCE_BYTES = 12


def derive(secret: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose out of the installation's secret; none tells anything about another."""
    return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret.encode())


class Vault:
    """The credentials of all accounts in one database. `ring`: the installation's secrets, the present one first."""

    def __init__(self, alias: str, ring: Sequence[str]) -> None:
        self.alias = alias
        keys = [derive(secret, "tandem vault") for secret in ring]
        self._ciphers = {_key_id(key): AESGCM(key) for key in reversed(keys)}
        self._present = _key_id(keys[0])

    def put(self, account: int, name: str, value: str) -> None:
        """Keep a value under a name, in place of an earlier one."""
        row = models.Secret(account_id=account, name=name, ciphertext=self.seal(value, _place(account, name)))
        put(self.alias, models.Secret, [row], unique=("account", "name"), changeable=("ciphertext",))

    def get(self, account: int, name: str) -> str | None:
        """The value, or None when there is none. Raises what `unseal` raises."""
        row = models.Secret.objects.using(self.alias).filter(account_id=account, name=name).first()
        return None if row is None else self.unseal(bytes(row.ciphertext), _place(account, name))

    def seal(self, value: str, place: str) -> bytes:
        """A value closed for the place ("table:row:column") where it will stand."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return self._present + nonce + self._ciphers[self._present].encrypt(nonce, value.encode(), place.encode())

    def unseal(self, content: bytes, place: str) -> str:
        """What was closed for that place.

        Raises:
            StorageError: it was closed with a key that is not in the ring, or has been tampered with.
        """
        cipher = self._ciphers.get(content[:_KEY_ID_BYTES])
        if cipher is None:
            raise StorageError(
                "The stored credentials were encrypted with another secret key: bring the old key back (the file secret.key in the data "
                "directory, or TANDEM_SECRET_KEY), or connect the accounts again."
            )
        nonce, closed = content[_KEY_ID_BYTES : _KEY_ID_BYTES + _NONCE_BYTES], content[_KEY_ID_BYTES + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, closed, place.encode()).decode()
        except InvalidTag:
            raise StorageError(
                "A stored credential does not stand where it was written: was the database changed by hand? Connect the account again."
            ) from None

    def drop(self, account: int, name: str) -> None:
        """Forget a value."""
        models.Secret.objects.using(self.alias).filter(account_id=account, name=name).delete()

    def empty(self, account: int) -> None:
        """Forget all values of an account."""
        models.Secret.objects.using(self.alias).filter(account_id=account).delete()


class Drawer:
    """The credentials of one account. May be used by threads."""

    def __init__(self, vault: Vault, account: int) -> None:
        self._vault = vault
        self._account = account

    def get(self, name: str) -> str | None:
        """The value under a name, or None."""
        with brief(self._vault.alias):
            return self._vault.get(self._account, name)

    def put(self, name: str, value: str) -> None:
        """Keep a value under a name."""
        with brief(self._vault.alias):
            self._vault.put(self._account, name, value)


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"key id" + key).digest()[:_KEY_ID_BYTES]


def _place(account: int, name: str) -> str:
    return f"{models.Secret._meta.db_table}:{account}.{name}:ciphertext"
