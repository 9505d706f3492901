"""The recovery sheet: 32 bytes as 24 words, as people type them. Rule 2.2, BIP 39."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.words import (
    BadWords,
    UnknownWord,
    WrongChecksum,
    WrongCount,
    from_words,
    identity_words,
    to_words,
)

# BIP 39, trezor/python-mnemonic vectors.json: the four of 256 bits with plain entropy, and a random one.
PUBLISHED = [
    ("00" * 32, "abandon " * 23 + "art"),
    ("7f" * 32, "legal winner thank year wave sausage worth useful " * 2 + "legal winner thank year wave sausage worth title"),
    ("80" * 32, "letter advice cage absurd amount doctor acoustic avoid " * 2 + "letter advice cage absurd amount doctor acoustic bless"),
    ("ff" * 32, "zoo " * 23 + "vote"),
    ("f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
     ("void come effort suffer camp survey warrior heavy shoot primary clutch crush "
     "open amazing screen patrol group space point ten exist slush involve unfold")),
]  # fmt: skip


@pytest.mark.parametrize("entropy, sheet", PUBLISHED)
def test_the_published_sheets(entropy: str, sheet: str) -> None:
    """BIP 39."""
    assert " ".join(to_words(bytes.fromhex(entropy))) == sheet
    assert from_words(sheet).hex() == entropy


@given(entropy=st.binary(min_size=32, max_size=32))
def test_a_sheet_gives_back_its_bytes(entropy: bytes) -> None:
    """Rule 2.2."""
    words = to_words(entropy)

    assert len(words) == 24
    assert from_words(" ".join(words)) == entropy


SHEET = to_words(bytes(range(32)))


@pytest.mark.parametrize(
    "typed",
    [
        " ".join(SHEET).upper(),
        "\n".join(word.title() for word in SHEET),
        "  " + "   ".join(SHEET) + "\t\r\n",
        ", ".join(SHEET) + ".",
        "\n".join(f"{number}. {word}" for number, word in enumerate(SHEET, 1)),
        "\u00a0".join(SHEET),
    ],
    ids=["capitals", "lines", "spaces", "commas", "numbered", "no-break spaces"],
)
def test_case_spaces_and_numbering_do_not_matter(typed: str) -> None:
    """Rule 2.2: typed from paper, on a bad day."""
    assert from_words(typed) == bytes(range(32))


@pytest.mark.parametrize(
    "position, typed, nearest",
    [
        (1, "abandonn", "abandon"),
        (7, "wether", "weather"),
        (24, "zooo", "zoo"),
        (12, "qqqqqq", None),
        (3, "жжж", None),
    ],
)
def test_the_first_word_that_is_not_in_the_list_is_named(
    position: int, typed: str, nearest: str | None
) -> None:
    """Rule 2.2: with its place on the sheet, and the nearest word there is."""
    words = list(SHEET)
    words[position - 1] = typed
    with pytest.raises(UnknownWord) as caught:
        from_words(" ".join(words))

    assert (caught.value.position, caught.value.nearest) == (position, nearest)
    assert caught.value.word == typed.casefold()
    assert str(position) in str(caught.value)


@pytest.mark.parametrize("count", [0, 1, 12, 23, 25, 48])
def test_a_sheet_has_24_words(count: int) -> None:
    """Rule 2.2: shorter sheets of other programs are not taken."""
    with pytest.raises(WrongCount) as caught:
        from_words(" ".join((SHEET * 2)[:count]))

    assert caught.value.count == count


def test_what_follows_the_sheet_is_too_much_and_not_a_wrong_word() -> None:
    """Rule 2.2: the hint concerns the 24 words on the paper."""
    with pytest.raises(WrongCount):
        from_words(" ".join(SHEET) + " amen-to-that")


def test_two_words_exchanged_are_noticed() -> None:
    """BIP 39: 8 bits of checksum let one such mistake in 256 through; not this one."""
    first, second, *rest = SHEET
    with pytest.raises(WrongChecksum):
        from_words(" ".join([second, first, *rest]))


@given(text=st.text(max_size=300))
def test_any_text_is_a_sheet_or_bad_words(text: str) -> None:
    """What people type is foreign input."""
    with pytest.raises(BadWords):
        from_words(text)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_only_32_bytes_have_words(size: int) -> None:
    """Rule 2.2."""
    with pytest.raises(ValueError):
        to_words(b"a" * size)
    with pytest.raises(ValueError):
        identity_words(b"a" * size)


def test_six_words_say_the_first_66_bits() -> None:
    """Rule 2.1: to compare two schemes by telephone; they are the first six of the sheet of the same bytes."""
    assert identity_words(b"\0" * 32) == ("abandon",) * 6
    assert identity_words(b"\xff" * 32) == ("zoo",) * 6
    assert identity_words(b"\0" * 8 + b"\x40" + b"\0" * 23) == ("abandon",) * 5 + ("ability",)
    assert identity_words(b"\0" * 8 + b"\x3f" + b"\xff" * 23) == ("abandon",) * 6


@given(digest=st.binary(min_size=32, max_size=32))
def test_six_words_are_the_first_six_of_the_sheet(digest: bytes) -> None:
    """Rule 2.1."""
    assert identity_words(digest) == to_words(digest)[:6]
