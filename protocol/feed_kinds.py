"""What the items of a feed say, kind by kind; listings are in `market.py`.

Unknown kinds are stored and relayed, not shown; a kind never gains fields, a new one is added. Source:
docs/protocol.md 5.1, 5.8, 7.1, 9.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from protocol.errors import InvalidValue
from protocol.feed import Item
from protocol.limits import (
    AMOUNT_MAX,
    CAPACITY_CLASS_MAX,
    DESCRIPTOR_NAME_BYTES_MAX,
    EVENT_GUESTS_MAX,
    LISTING_TEXT_BYTES_MAX,
    LISTING_TITLE_BYTES_MAX,
    PEERING_MODES_MAX,
    PROFILE_TEXT_BYTES_MAX,
    RATE_MINOR_PER_HOUR_MAX,
    RATE_NOTICE_MS,
    TIME_MS_MAX,
    UNIT_NAME_BYTES_MAX,
)
from protocol.market import Listing, Place
from protocol.message import (
    Code,
    Fixed,
    Flag,
    Int,
    Many,
    Maybe,
    Nested,
    Part,
    Text,
    decode_message,
    encode_message,
)
from protocol.names import LineId, SchemeId
from protocol.units import Rate

PROFILE: Final = "profile"
LISTING: Final = "listing"
EVENT: Final = "event"
PEERING: Final = "peering"
RATE: Final = "rate"
# Opt-in, for clearing: carried and counted like every item, read by the part that clears (8.2).
POSITION: Final = "position"

# How a payment may use a line (6.3).
NORMAL: Final = "normal"
REDUCE: Final = "reduce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(Part):
    """How a scheme presents itself."""

    name: Annotated[str, Text(DESCRIPTOR_NAME_BYTES_MAX, least=1)]
    about: Annotated[str, Text(PROFILE_TEXT_BYTES_MAX)]
    language: Annotated[str, Code()]
    unit: Annotated[str, Text(UNIT_NAME_BYTES_MAX, least=1)]  # what members call one unit
    decimals: Annotated[int, Int(0, 6)]  # one unit is 10^decimals minor units; unless it is hours and minutes
    timebank: Annotated[bool, Flag()]  # the minor unit is the minute, and amounts are hours and minutes
    place: Annotated[Place | None, Maybe(Nested((Place,)))] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Part):
    """A market day, a repair café: something to come to."""

    title: Annotated[str, Text(LISTING_TITLE_BYTES_MAX, least=1)]
    text: Annotated[str, Text(LISTING_TEXT_BYTES_MAX)]
    language: Annotated[str, Code()]
    where: Annotated[str, Text(LISTING_TITLE_BYTES_MAX)]  # a public place, in words
    place: Annotated[Place | None, Maybe(Nested((Place,)))]
    starts: Annotated[int, Int(0, TIME_MS_MAX)]
    ends: Annotated[int, Int(0, TIME_MS_MAX)]
    what: Annotated[str, Code()]  # a Kind of event.py, or one that is not known here
    places: Annotated[int | None, Maybe(Int(1, EVENT_GUESTS_MAX))]
    pays: Annotated[str, Code()]  # a Pays of event.py, or one that is not known here
    amount: Annotated[int, Int(0, AMOUNT_MAX)]  # minor units of the scheme
    asked: Annotated[bool, Flag()]  # the host says yes or no to each

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.ends < self.starts:
            raise InvalidValue("an event ends before it starts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peering(Part):
    """One end's word that it trades with `other`. A peering counts when both ends have published it. Source: 5.1.

    Each end speaks of what it takes: the class of what `other` may still come to owe it, since only the
    creditor's LIMIT says so (6.3). 0 says that nothing can come this way now.
    """

    other: Annotated[SchemeId, Fixed(32)]
    line: Annotated[LineId, Fixed(32)]
    takes: Annotated[int, Int(0, CAPACITY_CLASS_MAX)]
    modes: Annotated[tuple[str, ...], Many(Code(), PEERING_MODES_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateNotice(Part):
    """What one hour of ordinary work is, from when until when. Source: 7.1."""

    minor_per_hour: Annotated[int, Int(1, RATE_MINOR_PER_HOUR_MAX)]
    valid_from: Annotated[int, Int(0, TIME_MS_MAX)]
    valid_until: Annotated[int, Int(1, TIME_MS_MAX)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.valid_until <= self.valid_from:
            raise InvalidValue("a rate ends before it begins")

    @property
    def rate(self) -> Rate:
        """The rate itself."""
        return Rate(minor_per_hour=self.minor_per_hour)


Payload: TypeAlias = Profile | Listing | Event | Peering | RateNotice
PAYLOADS: Final[Mapping[str, type[Payload]]] = {
    PROFILE: Profile,
    LISTING: Listing,
    EVENT: Event,
    PEERING: Peering,
    RATE: RateNotice,
}


def payload_bytes(payload: Payload) -> bytes:
    """Return the bytes that an item carries."""
    return encode_message(payload)


def payload_of(item: Item) -> Payload | None:
    """Return what `item` says, or None for a tombstone and for a kind that is not read here.

    Raises:
        MalformedMessage: a kind known here, with a payload that is not one.
    """
    kind = PAYLOADS.get(item.kind)
    return None if kind is None or not item.payload else decode_message(kind, item.payload)


def capacity_class(hours: int) -> int:
    """Return the coarse class of an amount of hours: 0 for nothing, n for 2^(n−1) … 2^n − 1 3 600 000ths.

    A power of two is all that neighbours may know: a finer number would show single trades.
    """
    return max(hours, 0).bit_length()


def surely_too_small(takes: int, hours: int) -> bool:
    """Tell whether an edge of class `takes` cannot carry `hours`, whatever the exact number is."""
    return capacity_class(hours) > takes


def rate_in_force(notices: Iterable[RateNotice], now_ms: int) -> RateNotice | None:
    """Return the notice that counts now: of those that hold, the one that began last. Source: 7.1."""
    holding = [each for each in notices if each.valid_from <= now_ms < each.valid_until]
    return max(holding, key=lambda each: (each.valid_from, each.minor_per_hour), default=None)


def rate_holds_until(notices: Iterable[RateNotice], now_ms: int) -> int | None:
    """Return from when on `rate_in_force` can be another one; None if these notices change nothing any more."""
    moments = (moment for each in notices for moment in (each.valid_from, each.valid_until))
    return min((moment for moment in moments if moment > now_ms), default=None)


def earliest_change(notices: Iterable[RateNotice], now_ms: int) -> int:
    """Return from when a new rate may hold: now for a scheme's first one, else 7 days ahead. Source: 7.1."""
    return now_ms if rate_in_force(notices, now_ms) is None else now_ms + RATE_NOTICE_MS
