"""What somebody meant who typed a slip: the nearest words that find something. Source: docs/pages.md 7.2.

Asked only when nothing was found, and only by members. A word that finds nothing is tried with two letters changed
about, with one left out, put in or taken for another, and at last as its own beginning; words that cannot be mended are
left out. The index itself knows nothing of this, so both databases mend alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_lowercase
from typing import Final

from node.services.search import count_with, words_of
from node.store import ReadTx

# One look into the index takes some 20 microseconds: all of this stays below a hundredth of a second or two.
TRIES_MAX: Final = 600
# Shorter beginnings fit anything.
LETTERS_MIN: Final = 3
LETTERS_MAX: Final = 16


def near(tx: ReadTx, text: str, now_ms: int) -> str:
    """Query: the words nearest to `text` that find something; "" if there are none."""
    tx.holds_until(now_ms)  # too many listings were looked at to say when the first of them ends
    tries, mended = iter(range(TRIES_MAX)), []
    for word in words_of(text):
        if count_with(tx, (word,), now_ms):
            mended.append(word)
        elif LETTERS_MIN <= len(word) <= LETTERS_MAX:
            found = _mended(tx, word, now_ms, tries)
            if found:
                mended.append(found)
    while len(mended) > 1 and not count_with(tx, tuple(mended), now_ms):
        mended.remove(min(mended, key=len))  # short words say least
    return " ".join(mended)


def _mended(tx: ReadTx, word: str, now_ms: int, tries: Iterator[int]) -> str:
    for _, guess in zip(tries, guesses(word), strict=False):
        if count_with(tx, (guess,), now_ms):
            return guess
    return ""


def guesses(word: str) -> Iterator[str]:
    """Return what may have been meant, the likeliest first."""
    seen = {word}
    for guess in _one_slip(word):
        if len(guess) >= LETTERS_MIN and guess not in seen:
            seen.add(guess)
            yield guess
    for letters in range(len(word) - 1, max(LETTERS_MIN, len(word) // 2), -1):
        if word[:letters] not in seen:
            yield word[:letters]


def _one_slip(word: str) -> Iterator[str]:
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    yield from (head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1)
    yield from (head + tail[1:] for head, tail in cuts if tail)
    for letter in ascii_lowercase:
        yield from (head + letter + tail[1:] for head, tail in cuts if tail)
    for letter in ascii_lowercase:
        # Every word found may go on, so putting a letter at the end is no guess.
        yield from (head + letter + tail for head, tail in cuts if tail)
