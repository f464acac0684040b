"""Promises of the vault: what lies in it is unreadable without the key, and cannot be moved elsewhere unnoticed."""

from __future__ import annotations

import pytest

from tandem.errors import StorageError
from tandem.store.vault import Drawer, Vault, derive

from .conftest import NOW

KEY, OTHER = "k" * 64, "o" * 64


@pytest.fixture
def accounts(alias: str) -> tuple[int, int]:
    """Two accounts."""
    from tandem.store.links import Accounts

    first, second = (Accounts(alias).keep("west", str(number), "Name", {}, NOW).id for number in (1, 2))
    return first, second


def test_a_value_comes_back(alias: str, accounts: tuple[int, int]) -> None:
    """What was put in comes out, the latest value of a name, for its own account only."""
    vault = Vault(alias, [KEY])
    vault.put(accounts[0], "token", "old")
    vault.put(accounts[0], "token", "nowy żółty")
    assert vault.get(accounts[0], "token") == "nowy żółty"
    assert vault.get(accounts[1], "token") is None
    vault.drop(accounts[0], "token")
    assert vault.get(accounts[0], "token") is None


def test_the_database_does_not_show_it(alias: str, accounts: tuple[int, int]) -> None:
    """The stored bytes hold nothing of the value, and are different each time."""
    from tandem.store import models

    vault = Vault(alias, [KEY])
    seen = set()
    for _ in range(3):
        vault.put(accounts[0], "token", "very-secret-token")
        seen.add(bytes(models.Secret.objects.using(alias).get().ciphertext))
    assert len(seen) == 3
    assert not any(b"secret" in content for content in seen)


@pytest.mark.parametrize("change", ["another account", "another name", "a bit"])
def test_a_moved_or_changed_value_does_not_open(alias: str, accounts: tuple[int, int], change: str) -> None:
    """A row copied to another account or name, or tampered with, is a clear error instead of somebody else's token."""
    from tandem.store import models

    vault = Vault(alias, [KEY])
    vault.put(accounts[0], "token", "mine")
    row = models.Secret.objects.using(alias).get()
    match change:
        case "another account":
            row.account_id = accounts[1]
        case "another name":
            row.name = "else"
        case _:
            row.ciphertext = bytes(row.ciphertext[:-1]) + bytes([row.ciphertext[-1] ^ 1])
    row.save(using=alias)
    with pytest.raises(StorageError, match="does not stand where it was written"):
        vault.get(row.account_id, row.name)


def test_the_wrong_key_is_a_clear_error(alias: str, accounts: tuple[int, int]) -> None:
    """Another secret key does not look like damage: the message says which file to bring back."""
    Vault(alias, [KEY]).put(accounts[0], "token", "mine")
    with pytest.raises(StorageError, match=r"another secret key.*secret\.key"):
        Vault(alias, [OTHER]).get(accounts[0], "token")


def test_keys_can_be_changed(alias: str, accounts: tuple[int, int]) -> None:
    """With the new key in front and the old one behind everything opens; what is written then needs the new key only."""
    Vault(alias, [KEY]).put(accounts[0], "token", "mine")
    both = Drawer(Vault(alias, [OTHER, KEY]), accounts[0])
    value = both.get("token")
    assert value == "mine"
    both.put("token", value)
    assert Vault(alias, [OTHER]).get(accounts[0], "token") == "mine"


def test_purposes_have_keys_of_their_own() -> None:
    """Keys derived for different purposes differ, and are the same at the next start."""
    assert derive(KEY, "one") != derive(KEY, "two")
    assert derive(KEY, "one") == derive(KEY, "one")
