"""What somebody meant who typed a slip: the nearest words that are in the index. Source: docs/pages.md 7.2.

Asked by members only, and only where little or nothing was found. Slips are a letter left out, put in, taken for another, or
changed about with its neighbour; long words may have more of them. A word that is near none is tried as its own beginning;
words that cannot be mended are left out. Both databases mend alike: all they are asked is which words there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_lowercase
from typing import Final

from sqlalchemy import bindparam, func, select

from node.services.search import count_with, words_of
from node.store import ReadTx
from node.store.schema import market as schema

# Shorter beginnings fit anything.
LETTERS_MIN: Final = 3
LETTERS_MAX: Final = 24
# From so many letters on a word may have one slip more.
TWO_SLIPS_FROM: Final = 6
THREE_SLIPS_FROM: Final = 11
# Words of the index looked at for one that was typed: a hundred thousand listings have some thousand for each first letter.
WORDS_LOOKED_AT_MAX: Final = 5_000
# Words looked for again, nearest first: each costs a look into the index.
TRIES_MAX: Final = 20
WORDS_MENDED_MAX: Final = 3
# Which first letters sound so much alike that one is written for the other.
ALIKE: Final = {
    "f": ("ph",), "p": ("f",), "c": ("k", "s", "z"), "k": ("c", "q"), "q": ("k", "c"), "s": ("c", "z"), "z": ("s", "c"),
    "i": ("y", "e"), "y": ("i", "j"), "j": ("g", "y"), "g": ("j",), "v": ("w",), "w": ("v", "u"), "e": ("i", "a"), "a": ("e",),
    "u": ("o", "w"), "o": ("u",), "n": ("kn",), "r": ("wr",), "h": ("wh",),
}  # fmt: skip

_W: Final = schema.listing_words.c
_BEGINNING: Final = (
    select(_W.term, _W.doc)
    .where(
        _W.term >= bindparam("low"),
        _W.term <= bindparam("high"),
        func.length(_W.term) >= bindparam("letters"),
    )
    .order_by(_W.doc.desc(), _W.term)
    .limit(WORDS_LOOKED_AT_MAX)
)
_LAST: Final = "\U0010ffff"


def near(tx: ReadTx, text: str, now_ms: int, few: int = 0) -> str:
    """Query: the words nearest to `text` that find more than `few` listings; "" if there are none, or it is these."""
    tx.holds_until(now_ms)  # too many listings were looked at to say when the first of them ends
    typed, mended, tried = words_of(text), [], 0
    for word in typed:
        finds, better = count_with(tx, (word,), now_ms), ""
        if finds <= few and tried < WORDS_MENDED_MAX:
            better, tried = _mended(tx, word, now_ms, finds, few), tried + 1
        if better or finds:
            mended.append(better or word)
    while len(mended) > 1 and count_with(tx, tuple(mended), now_ms) <= few:
        mended.remove(min(mended, key=len))  # short words say least
    return "" if tuple(mended) == typed else " ".join(mended)


def _mended(tx: ReadTx, word: str, now_ms: int, finds: int, few: int) -> str:
    """Return the nearest word that finds much more than `word` does; "" if there is none."""
    if not LETTERS_MIN <= len(word) <= LETTERS_MAX or (finds and len(word) < TWO_SLIPS_FROM):
        return ""  # what finds something, and is short, is hardly a slip
    for _, guess in zip(range(TRIES_MAX), _guesses(tx, word), strict=False):
        if count_with(tx, (guess,), now_ms) > max(3 * finds, few if finds else 0):
            return guess
    if finds:
        return ""
    others = (*_first_letters(word), *_beginnings(word))
    return next((each for each in others if count_with(tx, (each,), now_ms)), "")


def _first_letters(word: str) -> Iterator[str]:
    """Return the word with another first letter, with one before it, and without it: no list of words begins like that."""
    rest = word[1:]
    if len(rest) >= LETTERS_MIN:
        yield rest
    for letter in ascii_lowercase:
        yield letter + rest
        yield letter + word


def _beginnings(word: str) -> Iterator[str]:
    return (word[:letters] for letters in range(len(word) - 1, max(LETTERS_MIN, len(word) // 2), -1))


def _guesses(tx: ReadTx, word: str) -> Iterator[str]:
    """Return what may have been meant, the likeliest first."""
    yield from _guesses_with(tx, word, word[0])
    for low in _other_beginnings(word):
        yield from _guesses_with(tx, word, low)


def _guesses_with(tx: ReadTx, word: str, low: str) -> list[str]:
    """Return what may have been meant of the words that begin with `low`: fewest slips first, then what most have."""
    may = slips_of(word)
    # A slip costs at most one letter, so most words of the index are ruled out before anything is reckoned.
    letters, least = set(word), len(word) - may
    best: dict[str, tuple[int, int]] = {}
    for term, docs in tx.all(_BEGINNING, low=low, high=low + _LAST, letters=max(least, LETTERS_MIN)):
        if len(letters.difference(term)) > may:
            continue
        slips, length = slips_between(word, term, may)
        guess = term[:length]
        if slips <= may and len(guess) >= LETTERS_MIN and guess != word:
            known_slips, known_docs = best.get(guess, (slips, 0))
            best[guess] = min(slips, known_slips), known_docs + docs
    return sorted(best, key=lambda guess: (best[guess][0], -best[guess][1], guess))


def _other_beginnings(word: str) -> tuple[str, ...]:
    """Return how what was meant may begin otherwise: its letters changed about, or what is easily written for the first."""
    first = word[0]
    return tuple(dict.fromkeys(each for each in (word[1], *ALIKE.get(first, ())) if each[0] != first))


def slips_of(word: str) -> int:
    """Return how many slips a word of that length may have."""
    return 1 + (len(word) >= TWO_SLIPS_FROM) + (len(word) >= THREE_SLIPS_FROM)


def slips_between(word: str, term: str, may: int) -> tuple[int, int]:
    """Return with how few slips `word` becomes a beginning of `term`, and how long that is; above `may` only that it is more.

    The distance of Damerau and Levenshtein in its restricted form: no letter is touched twice.
    """
    goal = term[: len(word) + may]
    before: list[int] = []
    row = list(range(len(goal) + 1))
    for at, letter in enumerate(word):
        before, last, row = row, before, [at + 1]
        for to, other in enumerate(goal):
            cost = min(before[to] + (letter != other), before[to + 1] + 1, row[to] + 1)
            if at and to and letter == goal[to - 1] and word[at - 1] == other:
                cost = min(cost, last[to - 1] + 1)
            row.append(cost)
        if min(row) > may:
            return may + 1, 0
    slips = min(row)
    # Of two beginnings as near the longer one: what was typed is rather a whole word.
    return slips, max(length for length, cost in enumerate(row) if cost == slips)
