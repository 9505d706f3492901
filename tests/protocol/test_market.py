"""What a listing says. Source: docs/protocol.md 5.4, 5.8."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue
from protocol.limits import AMOUNT_MAX, ITEM_BYTES_MAX, ITEM_LIFE_MS_MAX, LISTING_LIFE_MS
from protocol.market import (
    KINDS,
    AskingPrice,
    Listing,
    Picture,
    Place,
    expiry,
    next_revision,
    round_place,
)
from protocol.message import decode_message, encode_message

JAM = Listing(
    kind="offer",
    title="Plum jam",
    text="Six jars, this year's.",
    category="food-preserves",
    price=AskingPrice(amount=600, per="item"),
    language="en",
)
NOW = 1_767_225_600_000


def test_a_listing_is_read_as_it_was_written():
    full = replace(
        JAM,
        cash="and 1 pound for the jar",
        place=round_place(51_507_400, -127_800),
        owner="Karim",
        pictures=(Picture(thumbnail=b"t" * 32, full=b"f" * 32, words="A jar"),),
        away_until=NOW,
    )
    for listing in (JAM, full):
        assert decode_message(Listing, encode_message(listing)) == listing


def test_the_longest_listing_fits_an_item():
    """Rule 5.6: 8 KiB an item, with room for the item around it."""
    longest = Listing(
        kind="offer",
        title="x" * 160,
        text="x" * 4_000,
        category="c" * 32,
        price=AskingPrice(amount=AMOUNT_MAX, per="agree"),
        cash="x" * 120,
        language="l" * 32,
        place=Place(north=-9_000, east=-18_000),
        owner="x" * 80,
        pictures=(Picture(thumbnail=b"t" * 32, full=b"f" * 32, words="x" * 200),) * 4,
        away_until=2**53 - 1,
    )
    assert len(encode_message(longest)) < ITEM_BYTES_MAX - 512


@pytest.mark.parametrize(
    "amount, per, allowed",
    [
        (600, "item", True),
        (0, "item", False),
        (1, "hour", True),
        (0, "hour", False),
        (AMOUNT_MAX, "day", True),
        (0, "day", False),
        (0, "agree", True),
        (600, "agree", True),  # a guide
        (0, "free", True),
        (1, "free", False),
        (-1, "item", False),
        (True, "item", False),
        (AMOUNT_MAX + 1, "item", False),
        (1, "night", True),
        (0, "night", False),
        (1, "km", True),
        (1, "seat", True),
        (0, "seat", False),
        (1, "week", False),
    ],
)
def test_a_price_is_an_exact_amount_for_something_or_to_agree_or_nothing(amount, per, allowed):
    if allowed:
        assert AskingPrice(amount=amount, per=per)
    else:
        with pytest.raises(InvalidValue):
            AskingPrice(amount=amount, per=per)


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "barter"},
        {"title": ""},
        {"category": "Food"},
        {"language": "en_GB"},
        {"owner": ""},
        {"text": "a\0b"},
    ],
)
def test_what_is_not_a_listing_is_refused(changed):
    with pytest.raises(InvalidValue):
        replace(JAM, **changed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("per, amount", [("free", 0), ("agree", 0), ("agree", 60), ("day", 60)])
def test_what_is_given_or_lent_is_free_and_what_is_offered_for_a_price_is_paid(kind, per, amount):
    """Rule 5.1: gift and lend are free; a want is paid by its owner, and so never by whoever answers it."""
    changed = {"kind": kind, "price": AskingPrice(amount=amount, per=per)}
    if kind in {"gift", "lend"} and per != "free":
        with pytest.raises(InvalidValue):
            replace(JAM, **changed)
    else:
        assert replace(JAM, **changed).is_paid == (
            kind in {"offer", "rent", "stay", "lift"} and per != "free"
        )


# --- 5.8 Places --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "north, east, place",
    [
        (51_507_400, -127_800, (5_151, -12)),  # London
        (-33_868_800, 151_209_300, (-3_387, 15_120)),  # Sydney
        (0, 0, (0, 0)),
        (4_999, 4_999, (0, 0)),
        (5_000, 5_000, (1, 1)),
        (-5_000, -5_000, (0, 0)),
        (-5_001, -5_001, (-1, -1)),
        (0, 180_000_000, (0, -18_000)),
        (0, -180_000_000, (0, -18_000)),
        (0, 179_995_000, (0, -18_000)),
        (90_000_000, 12_345_678, (9_000, 1_200)),
        (-90_000_000, 0, (-9_000, 0)),
    ],
)
def test_places_are_rounded_to_the_kilometre_grid(north, east, place):
    """Rule 5.8."""
    rounded = round_place(north, east)

    assert (rounded.north, rounded.east) == place


@given(st.integers(-84_000_000, 84_000_000), st.integers(-180_000_000, 180_000_000))
def test_the_grid_is_a_kilometre_wide_and_not_much_more(north, east):
    """Rule 5.8: a member's house is not to be found, and the distance shown is not far off."""
    place = round_place(north, east)

    kilometres_north = abs(place.north * 10_000 - north) * 111.32e-6
    apart = abs(place.east * 10_000 - east) % 360_000_000
    kilometres_east = min(apart, 360_000_000 - apart) * 111.32e-6 * math.cos(math.radians(north / 1e6))
    assert kilometres_north < 0.56
    assert kilometres_east < 1.1
    # The next crossing to the east is at least about a kilometre away.
    cell = next(
        step
        for step in range(1, 101)
        if _is_crossing(place.north, (place.east + step + 18_000) % 36_000 - 18_000)
    )
    assert cell * 1.1132 * math.cos(math.radians(place.north / 100)) > 0.99


def _is_crossing(north: int, east: int) -> bool:
    try:
        Place(north=north, east=east)
    except InvalidValue:
        return False
    return True


@given(st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000))
def test_rounding_again_changes_nothing(north, east):
    once = round_place(north, east)

    assert round_place(once.north * 10_000, once.east * 10_000) == once


@pytest.mark.parametrize(
    "north, east", [(90_000_001, 0), (-90_000_001, 0), (0, 180_000_001), (0, -180_000_001)]
)
def test_there_is_nothing_off_the_globe(north, east):
    with pytest.raises(InvalidValue):
        round_place(north, east)


@pytest.mark.parametrize("north, east", [(5_151, -13), (9_000, 50), (0, 18_000), (9_001, 0)])
def test_a_place_finer_than_the_grid_is_refused(north, east):
    """Rule 5.8: also from a neighbour, whose member was told "about a kilometre"."""
    with pytest.raises(InvalidValue):
        Place(north=north, east=east)


# --- 5.4 Expiry and revisions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked, answer",
    [
        (None, NOW + LISTING_LIFE_MS),
        (NOW + 1, NOW + 1),
        (NOW + ITEM_LIFE_MS_MAX, NOW + ITEM_LIFE_MS_MAX),
        (NOW + ITEM_LIFE_MS_MAX + 1, NOW + ITEM_LIFE_MS_MAX),
    ],
)
def test_a_listing_lives_half_a_year_unless_asked_and_never_over_400_days(asked, answer):
    """Rule 5.4."""
    assert expiry(NOW, asked) == answer


@pytest.mark.parametrize("asked", [NOW, NOW - 1])
def test_a_listing_ends_ahead(asked):
    with pytest.raises(InvalidValue):
        expiry(NOW, asked)


@pytest.mark.parametrize("previous, answer", [(0, NOW), (NOW - 1, NOW), (NOW, NOW + 1), (NOW + 5, NOW + 6)])
def test_revisions_rise_even_when_the_clock_went_back(previous, answer):
    """Rule 6.7 i."""
    assert next_revision(previous, NOW) == answer
