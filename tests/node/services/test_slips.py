"""Words near to those that found little or nothing. docs/pages.md 7.2."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.services.indexing import Doc, index
from node.services.search import count_with
from node.services.slips import LETTERS_MIN, near, slips_between, slips_of
from node.store import InlineStore, Memory, Tx
from protocol.names import SchemeId
from tests.gossip_town import item_key, listing

OWN = SchemeId(b"o" * 32)
NOW = 1_800_000_000_000
TITLES = (
    "Plum jam, 4 jars", "Bike repair", "Piano lessons", "Crêpes for a party", "Bicycles mended", "Photographs of your wedding",
    "Accommodation for visitors", "Vegetables", "Łódź style dumplings", "Wheelbarrow",
)  # fmt: skip


@pytest.fixture
async def store() -> InlineStore:
    made = InlineStore(Memory())

    def fill(tx: Tx) -> None:
        for number, title in enumerate(TITLES, 1):
            index(tx, Doc(OWN, item_key(number), 0, number, True, listing(title), NOW - 1, NOW + 1))
        index(tx, Doc(OWN, item_key(99), 0, 99, True, listing("Quince jelly"), NOW - 1, NOW))

    await made.write(fill)
    return made


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("jma", "jam"),  # two letters changed about
        ("plumb jam", "plum jam"),  # one too many
        ("pano", "piano"),  # one missing
        ("pieno", "piano"),  # one taken for another
        ("Crèpse", "crepes"),
        ("bicylce", "bicycle"),
        ("bycicle", "bicycle"),  # two taken for another
        ("bicylcse", "bicycles"),  # two slips of different kinds
        ("fotograph", "photograph"),  # as it sounds: two slips, the first letter among them
        ("acomodation", "accommodation"),
        ("accomadatoin", "accommodation"),  # three: it is long
        ("vegtabels", "vegetables"),
        ("weelbarow", "wheelbarrow"),
        ("wheelbarow", "wheelbarrow"),
        ("lodz", ""),  # folded, not a slip
        ("loddz", "lodz"),
        ("ibke", "bike"),  # the first two changed about
        ("nike", "bike"),  # another first letter
        ("ummpli", ""),
        ("repairing", "repair"),  # the beginning
        ("wooden repair", "repair"),  # what cannot be mended is left out
        ("piano plum", "piano"),  # no listing has both
        ("zzzzqq", ""),
        ("ja!", ""),  # a beginning that finds something needs no mending
        ("quinse", ""),  # nothing is left of what is over
        ("pxaxo", ""),  # two slips are too many for a short word
        ("", ""),
        ("%", ""),
    ],
)
async def test_a_slip_finds_what_was_meant(store: InlineStore, typed: str, meant: str) -> None:
    assert await store.read(near, typed, NOW) == meant


async def test_where_little_is_found_what_finds_much_more_is_named(store: InlineStore) -> None:
    """Somebody else made the same slip, so it finds something; a rare word that is right is left alone."""

    def fill(tx: Tx) -> None:
        for number, title in enumerate(["Bicylce for hire", *["Bicycle"] * 6, "Bicycle pump"], 200):
            index(tx, Doc(OWN, item_key(number), 0, number, True, listing(title), NOW - 1, NOW + 1))

    await store.write(fill)
    assert await store.read(count_with, ("bicylce",), NOW) == 1
    assert await store.read(near, "bicylce", NOW, 3) == "bicycle"
    assert await store.read(near, "bicylce", NOW) == ""  # something was found, and nobody asked for more
    for right in ("wheelbarrow", "piano", "bicycle"):
        assert await store.read(near, right, NOW, 3) == ""


LETTERS = st.text("abc", min_size=1, max_size=7)


def _distance(one: str, other: str) -> int:
    """Damerau and Levenshtein, restricted, by its definition."""
    if not one or not other:
        return len(one) + len(other)
    found = min(
        _distance(one[:-1], other[:-1]) + (one[-1] != other[-1]),
        _distance(one[:-1], other) + 1,
        _distance(one, other[:-1]) + 1,
    )
    if len(one) > 1 and len(other) > 1 and one[-1] == other[-2] and one[-2] == other[-1]:
        found = min(found, _distance(one[:-2], other[:-2]) + 1)
    return found


@given(st.text("abc", min_size=1, max_size=5), st.text("abc", min_size=1, max_size=6), st.integers(1, 3))
def test_slips_are_counted_as_defined(word: str, term: str, may: int) -> None:
    """The least distance to a beginning of the term, as far as it may be."""
    least = min(_distance(word, term[:length]) for length in range(len(term) + 1))
    slips, length = slips_between(word, term, may)
    assert (slips if slips <= may else may + 1) == min(least, may + 1)
    if slips <= may:
        assert _distance(word, term[:length]) == slips


def test_long_words_may_have_more_slips() -> None:
    assert [slips_of("x" * letters) for letters in (3, 5, 6, 10, 11, 24)] == [1, 1, 2, 2, 3, 3]


async def test_a_long_line_is_not_tried_for_ever(store: InlineStore) -> None:
    looks = 0

    def counted(*asked: object) -> int:
        nonlocal looks
        looks += 1
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("node.services.slips.count_with", counted)
        await store.read(near, " ".join(f"qqqqqqqqq{letter}" for letter in "abcdefgh"), NOW)
    assert 0 < looks < 400
    assert await store.read(count_with, ("jam",), NOW) == 1


@given(st.text("pianojm", min_size=LETTERS_MIN, max_size=9))
def test_nothing_found_is_no_word_that_finds_nothing(word: str) -> None:
    """Whatever is given back finds something."""
    made = InlineStore(Memory())

    async def scenario() -> None:
        await made.write(
            lambda tx: index(tx, Doc(OWN, item_key(1), 0, 1, True, listing("Piano jam"), NOW - 1, NOW + 1))
        )
        found = await made.read(near, word, NOW)
        assert not found or await made.read(count_with, tuple(found.split()), NOW) == 1

    asyncio.run(scenario())
