"""The 24-word recovery sheet, and six words to compare two digests by telephone. Source: docs/protocol.md 2.2, BIP 39.

This is the only file that imports mnemonic. That library reads its word list from its own package, once, at
the first call here and not at import.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import Final

from mnemonic import Mnemonic

ENTROPY_BYTES: Final = 32
WORDS: Final = 24
IDENTITY_WORDS: Final = 6
_BITS_A_WORD: Final = 11


class BadWords(ValueError):
    """The words are not a recovery sheet."""


class WrongCount(BadWords):
    """Not 24 words. `count` is how many there are."""

    def __init__(self, count: int):
        super().__init__(f"there are {count} words, not {WORDS}")
        self.count: Final = count


class UnknownWord(BadWords):
    """A word that is not in the list: its `position` from 1, the `word` as typed, the `nearest` of the list or None."""

    def __init__(self, position: int, word: str, nearest: str | None):
        hint = f"; did you mean “{nearest}”?" if nearest else ""
        super().__init__(f"word {position}, “{word}”, is not in the list{hint}")
        self.position: Final = position
        self.word: Final = word
        self.nearest: Final = nearest


class WrongChecksum(BadWords):
    """Each word is in the list, but together they are not a sheet: one was swapped or mistaken."""

    def __init__(self) -> None:
        super().__init__("these are real words, but one of them is not the one on the sheet")


@cache
def _english() -> Mnemonic:
    return Mnemonic("english")


@cache
def _position_of() -> dict[str, int]:
    return {word: position for position, word in enumerate(_english().wordlist)}


def to_words(entropy: bytes) -> tuple[str, ...]:
    """Return the 24 words for 32 bytes: 256 bits and 8 of checksum."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a recovery sheet holds {ENTROPY_BYTES} bytes, not {len(entropy)}")
    return tuple(_english().to_mnemonic(entropy).split(" "))


def from_words(text: str) -> bytes:
    """Return the 32 bytes of 24 words, typed in any case, with any spaces, commas or numbering between.

    Raises:
        WrongCount, UnknownWord, WrongChecksum: kinds of BadWords, the first that applies.
    """
    # Whoever copies a numbered sheet may type "1. abandon, 2) ability": only letters make words.
    cleaned = "".join(letter if letter.isalpha() else " " for letter in text.casefold())
    words = cleaned.split()
    for position, word in enumerate(words[:WORDS], start=1):
        if word not in _position_of():
            nearest = get_close_matches(word, _position_of(), n=1, cutoff=0.5)
            raise UnknownWord(position, word, nearest[0] if nearest else None)
    if len(words) != WORDS:
        raise WrongCount(len(words))
    try:
        return bytes(_english().to_entropy(words))
    except ValueError:
        raise WrongChecksum from None


def identity_words(digest: bytes) -> tuple[str, ...]:
    """Return six words for the first 66 bits of a 32-byte digest.

    Two people read them to each other to know that they speak of the same thing. To find another digest
    with the same six words takes about 2**66 tries.
    """
    if len(digest) != 32:
        raise ValueError(f"a digest has 32 bytes, not {len(digest)}")
    bits = int.from_bytes(digest, "big") >> 256 - IDENTITY_WORDS * _BITS_A_WORD
    shifts = range((IDENTITY_WORDS - 1) * _BITS_A_WORD, -1, -_BITS_A_WORD)
    return tuple(_english().wordlist[bits >> shift & 0x7FF] for shift in shifts)
