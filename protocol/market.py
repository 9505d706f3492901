"""What a listing says: its words, price and place, and how long it may live.

Who may do what with one, and when it goes into the feed, is in `listing.py`; how the feed orders and proves its
items is in `feed.py`; the categories are in `categories.py`. Source: docs/protocol.md 5.1, 5.4, 5.8, 5.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from protocol.booking import BookingTerms
from protocol.errors import InvalidValue
from protocol.limits import (
    AMOUNT_MAX,
    ITEM_LIFE_MS_MAX,
    LISTING_CASH_BYTES_MAX,
    LISTING_LIFE_MS,
    LISTING_OWNER_BYTES_MAX,
    LISTING_PICTURE_TEXT_BYTES_MAX,
    LISTING_PICTURES_MAX,
    LISTING_TEXT_BYTES_MAX,
    LISTING_TITLE_BYTES_MAX,
    TIME_MS_MAX,
)
from protocol.message import Code, Fixed, Int, Many, Maybe, Nested, Part, Text

# What a listing is. All but `want` are things its owner offers.
KINDS: Final = ("offer", "want", "gift", "lend", "rent", "stay", "lift")
# What is given or lent costs nothing; who asks something for it rents it out, or offers it.
COSTS_NOTHING: Final = frozenset({"gift", "lend"})
# What can be booked for a while. Source: 5.9.
BOOKABLE: Final = ("lend", "rent", "stay")
# What an asking price is for. Under `agree` the amount is a guide, or 0 for none; under `free` it is 0.
PER: Final = ("item", "hour", "day", "night", "km", "seat", "agree", "free")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingPrice(Part):
    """Minor units of the lister's scheme, and what they are for."""

    amount: Annotated[int, Int(0, AMOUNT_MAX)]
    per: Annotated[str, Code(PER)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.per == "free" and self.amount:
            raise InvalidValue("what is free has no price")
        if self.per not in ("agree", "free") and not self.amount:
            raise InvalidValue(f"a price per {self.per} is an amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Part):
    """A crossing of the grid of `round_place`: hundredths of a degree, north and east above zero. Source: 5.8."""

    north: Annotated[int, Int(-9_000, 9_000)]
    east: Annotated[int, Int(-18_000, 17_999)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        # A finer place than the grid allows would say more than the member was told.
        if self.east % _east_step(self.north):
            raise InvalidValue("a place between the crossings of the grid")


# Degrees of longitude shrink towards the poles. Up to each latitude (hundredths of a degree) the grid is this
# many hundredths wide, so that a cell is 1.1 km from north to south and 1.0 to 2.1 km from west to east; only
# beyond the last but one, where nobody lives, it is narrower or wider.
_EAST_STEPS: Final = ((2_600, 1), (6_300, 2), (7_200, 3), (7_700, 4), (8_100, 6), (8_450, 10), (9_000, 100))


def _east_step(north: int) -> int:
    return next(step for latitude, step in _EAST_STEPS if abs(north) <= latitude)


def round_place(north_millionths: int, east_millionths: int) -> Place:
    """Return the nearest crossing of the kilometre grid; degrees come in millionths, as integers. Source: 5.8.

    Raises:
        InvalidValue: not a place on the globe.
    """
    if not (-90_000_000 <= north_millionths <= 90_000_000 and -180_000_000 <= east_millionths <= 180_000_000):
        raise InvalidValue("not a place on the globe")
    north = (north_millionths + 5_000) // 10_000
    cell = _east_step(north) * 10_000
    east = (east_millionths + cell // 2) // cell * _east_step(north)
    return Place(north=north, east=(east + 18_000) % 36_000 - 18_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(Part):
    """Hashes of a thumbnail and of the full picture, and the words for those who do not see it. Source: 5.7."""

    thumbnail: Annotated[bytes, Fixed(32)]
    full: Annotated[bytes, Fixed(32)]
    words: Annotated[str, Text(LISTING_PICTURE_TEXT_BYTES_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Part):
    """The payload of a `listing` item. It names no account and no handle: letters go to the item's key."""

    kind: Annotated[str, Code(KINDS)]
    title: Annotated[str, Text(LISTING_TITLE_BYTES_MAX, least=1)]
    text: Annotated[str, Text(LISTING_TEXT_BYTES_MAX)]
    category: Annotated[str, Code()]  # one of `categories.py`, or of the scheme's own
    price: Annotated[AskingPrice, Nested((AskingPrice,))]
    cash: Annotated[str, Text(LISTING_CASH_BYTES_MAX)] = ""  # a part in money, in words
    language: Annotated[str, Code()]  # of title and text: `en`, `pt-br`
    place: Annotated[Place | None, Maybe(Nested((Place,)))] = None
    owner: Annotated[str | None, Maybe(Text(LISTING_OWNER_BYTES_MAX, least=1))] = (
        None  # a public name, if any
    )
    pictures: Annotated[tuple[Picture, ...], Many(Nested((Picture,)), LISTING_PICTURES_MAX)] = ()
    away_until: Annotated[int | None, Maybe(Int(0, TIME_MS_MAX))] = None  # the owner answers after that
    terms: Annotated[BookingTerms | None, Maybe(Nested((BookingTerms,)))] = None  # how it is booked

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.kind in COSTS_NOTHING and self.price.per != "free":
            raise InvalidValue(f"what is listed as {self.kind} is free")
        if self.terms is not None:
            self._check_terms(self.terms)

    def _check_terms(self, terms: BookingTerms) -> None:
        if self.kind not in BOOKABLE:
            raise InvalidValue(f"what is booked is one of {', '.join(BOOKABLE)}")
        if (self.kind == "stay") != (terms.step == "night"):
            raise InvalidValue("a stay is by the night, and nothing else is")
        if self.price.per not in (terms.step, "item", "agree", "free"):
            raise InvalidValue("a price is for the step that is booked")

    @property
    def is_paid(self) -> bool:
        """Tell whether whoever takes it gives its owner something for it, once they agreed."""
        return self.kind not in ("want", *COSTS_NOTHING) and self.price.per != "free"


def next_revision(previous: int, now_ms: int) -> int:
    """Return max(previous + 1, now): above every earlier one, also after a restore. Source: 6.7 i."""
    return max(previous + 1, now_ms)


def expiry(now_ms: int, asked_ms: int | None = None) -> int:
    """Return when a listing published now ends: as asked, at most 400 days ahead; half a year unasked. Source: 5.4.

    Raises:
        InvalidValue: asked for a moment that is not ahead.
    """
    if asked_ms is not None and asked_ms <= now_ms:
        raise InvalidValue("a listing ends after it begins")
    return min(now_ms + LISTING_LIFE_MS if asked_ms is None else asked_ms, now_ms + ITEM_LIFE_MS_MAX)
