"""Promise: what was closed opens again to the letter; what was changed, cut, moved or added to anywhere does not open at all."""

from __future__ import annotations

import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.errors import WrongInput
from tandem.store.sealed import MAGIC, PIECE, Opener, Sealer

PASSPHRASE = "correct horse battery staple"
#: As cheap as scrypt gets: hundreds of files are opened here.
CHEAP = 1


def sealed(*contents: bytes) -> bytes:
    """A file with these contents."""
    file = io.BytesIO()
    sealer = Sealer(file, PASSPHRASE, cost=CHEAP)
    for content in contents:
        sealer.write(content)
    sealer.finish()
    return file.getvalue()


def opened(file: bytes, passphrase: str = PASSPHRASE) -> bytes:
    """What is in it."""
    return b"".join(Opener(io.BytesIO(file), passphrase).pieces())


def refusal(file: bytes) -> str:
    """Why it does not open."""
    with pytest.raises(WrongInput) as caught:
        opened(file)
    return str(caught.value)


@given(st.lists(st.integers(0, 3 * PIECE), max_size=4))
def test_it_opens_to_the_letter(sizes: list[int]) -> None:
    """Whatever the sizes in which it was written, none of them a matter of where pieces end."""
    contents = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    assert opened(sealed(*contents)) == b"".join(contents)


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_cut_anywhere_it_does_not_open(size: int) -> None:
    """Neither in the head, nor in a piece, nor between two, nor before the last one; and nothing may follow."""
    file = sealed(b"x" * size)
    head = len(file) - size - 16 * -(-max(size, 1) // PIECE)
    places = {*range(head + 20), *range(head, len(file), 9973), len(file) - 17, len(file) - 16, len(file) - 1, head + PIECE + 16}
    for place in sorted(place for place in places if place < len(file)):
        assert "damaged" in refusal(file[:place]) or place == 0, place
    assert "damaged" in refusal(file + b"\0")
    assert "damaged" in refusal(file + file[head:])


def test_a_flipped_bit_is_seen_anywhere() -> None:
    """Every byte of the head, and a sample of all others: what does not open says that it is damaged, not that the passphrase is wrong."""
    file = sealed(b"some text, and then some", b"more" * 20_000)
    head = file.index(b"\n", len(MAGIC)) + 65
    for place in itertools.chain(range(len(MAGIC), head), range(head, len(file), 1009)):
        for bit in (0, 7):
            changed = bytearray(file)
            changed[place] ^= 1 << bit
            told = refusal(bytes(changed))
            # The keyed digest alone tells a wrong passphrase; damaged itself, it cannot.
            assert "damaged" in told or "newer" in told or (head - 32 <= place < head and "another one" in told), (place, told)


def test_pieces_cannot_be_moved() -> None:
    """Two pieces that change places, or one that comes twice, do not open."""
    file = sealed(b"a" * PIECE + b"b" * PIECE + b"c")
    size = PIECE + 16
    head = len(file) - 2 * size - 17
    first, second, last = file[head : head + size], file[head + size : head + 2 * size], file[head + 2 * size :]
    for pieces in ((second, first, last), (first, first, second, last), (first, last), (last,), (first, second, second, last)):
        assert "damaged" in refusal(file[:head] + b"".join(pieces))


def test_another_passphrase_is_told_from_damage() -> None:
    """It says that the passphrase is another one, and a file of something else that it is no backup."""
    with pytest.raises(WrongInput, match="made with another one"):
        opened(sealed(b"x"), "correct horse battery stapler")
    assert "no backup" in refusal(b"PK\x03\x04 something else altogether, and long enough")


def test_two_files_have_nothing_in_common() -> None:
    """The same content under the same passphrase: another key each time."""
    one, other = sealed(b"x" * 1000), sealed(b"x" * 1000)
    assert one[-1016:] != other[-1016:]


def test_a_newer_format_is_told() -> None:
    """A format of tomorrow: update, instead of damaged."""
    assert "newer Tandem" in refusal(sealed(b"x").replace(b'"format": 1', b'"format": 2'))
