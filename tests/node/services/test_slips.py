"""Words near to those that found nothing. docs/pages.md 7.2."""

from __future__ import annotations

import pytest

from node.services.indexing import Doc, index
from node.services.search import count_with
from node.services.slips import TRIES_MAX, guesses, near
from node.store import InlineStore, Memory, Tx
from protocol.names import SchemeId
from tests.gossip_town import item_key, listing

OWN = SchemeId(b"o" * 32)
NOW = 1_800_000_000_000
TITLES = ("Plum jam, 4 jars", "Bike repair", "Piano lessons", "Crêpes for a party")


@pytest.fixture
async def store() -> InlineStore:
    made = InlineStore(Memory())

    def fill(tx: Tx) -> None:
        for number, title in enumerate(TITLES, 1):
            index(tx, Doc(OWN, item_key(number), 0, number, True, listing(title), NOW - 1, NOW + 1))
        index(tx, Doc(OWN, item_key(9), 0, 9, True, listing("Quince jelly"), NOW - 1, NOW))

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
        ("repairing", "repair"),  # the beginning
        ("bicycle repair", "repair"),  # what cannot be mended is left out
        ("piano plum", "piano"),  # no listing has both
        ("zzzzqq", ""),
        ("ja!", "ja"),  # a beginning that finds something needs no mending
        ("quinse", ""),  # nothing is left of what is over
        ("", ""),
        ("%", ""),
    ],
)
async def test_a_slip_finds_what_was_meant(store: InlineStore, typed: str, meant: str) -> None:
    assert await store.read(near, typed, NOW) == meant


def test_no_guess_comes_twice_or_is_the_word_itself() -> None:
    found = list(guesses("bread"))
    assert len(found) == len(set(found))
    assert "bread" not in found
    assert min(map(len, found)) >= 3


async def test_a_long_line_is_not_tried_for_ever(store: InlineStore) -> None:
    looks = 0

    def counted(*asked: object) -> int:
        nonlocal looks
        looks += 1
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("node.services.slips.count_with", counted)
        await store.read(near, " ".join(f"qqqqqqqqq{letter}" for letter in "abcdefgh"), NOW)
    assert 0 < looks <= TRIES_MAX + 8
    assert await store.read(count_with, ("jam",), NOW) == 1
