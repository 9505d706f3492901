"""What items say, kind by kind. Source: docs/protocol.md 5.1, 5.8, 7.1, 9.5."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue, MalformedMessage
from protocol.feed_kinds import (
    NORMAL,
    PAYLOADS,
    REDUCE,
    Event,
    Payload,
    Peering,
    Profile,
    RateNotice,
    capacity_class,
    earliest_change,
    payload_bytes,
    payload_of,
    rate_holds_until,
    rate_in_force,
    surely_too_small,
)
from protocol.limits import AMOUNT_MAX, CAPACITY_CLASS_MAX, DAY_MS, RATE_MINOR_PER_HOUR_MAX, RATE_NOTICE_MS
from protocol.market import AskingPrice, Listing, round_place
from protocol.names import LineId
from protocol.units import Rate
from tests.protocol.feeds import NOW, RIVERSIDE, item

ONE_OF_EACH: dict[str, Payload] = {
    "profile": Profile(
        name="Oakvale",
        about="Neighbours who help each other.",
        language="en",
        unit="hour",
        decimals=0,
        timebank=True,
        place=round_place(51_507_400, -127_800),
    ),
    "listing": Listing(
        kind="offer",
        title="Plum jam",
        text="",
        category="food-preserves",
        price=AskingPrice(amount=600, per="item"),
        language="en",
    ),
    "event": Event(
        title="Market",
        text="",
        language="en",
        where="Village hall",
        place=None,
        starts=NOW,
        ends=NOW + DAY_MS,
        what="lift",
        places=3,
        pays="shared",
        amount=600,
        asked=True,
    ),
    "peering": Peering(other=RIVERSIDE, line=LineId(b"l" * 32), takes=27, modes=(NORMAL, REDUCE)),
    "rate": RateNotice(minor_per_hour=1_200, valid_from=NOW, valid_until=NOW + 300 * DAY_MS),
}


@pytest.mark.parametrize("kind", PAYLOADS)
def test_every_kind_is_read_as_it_was_written(kind):
    payload = ONE_OF_EACH[kind]

    assert payload_of(item(1, kind=kind, payload=payload_bytes(payload))) == payload


@pytest.mark.parametrize("kind", ["position", "tide-table"])
def test_what_is_not_read_here_says_nothing(kind):
    """Rule 9.5."""
    assert payload_of(item(1, kind=kind, payload=b"\xff anything")) is None


@pytest.mark.parametrize("kind", PAYLOADS)
def test_a_tombstone_says_nothing(kind):
    """Rule 5.1."""
    assert payload_of(item(1, kind=kind, payload=b"")) is None


@pytest.mark.parametrize("kind", PAYLOADS)
@given(data=st.binary(min_size=1, max_size=60))
def test_a_known_kind_with_another_payload_is_malformed(kind, data):
    with pytest.raises(MalformedMessage):
        payload_of(item(1, kind=kind, payload=data))


@pytest.mark.parametrize(
    "kind, changed",
    [
        ("profile", {"name": ""}),
        ("profile", {"decimals": 7}),
        ("event", {"ends": NOW - 1}),
        ("peering", {"takes": CAPACITY_CLASS_MAX + 1}),
        ("peering", {"takes": -1}),
        ("peering", {"modes": ("normal",) * 9}),
        ("rate", {"minor_per_hour": 0}),
        ("rate", {"minor_per_hour": RATE_MINOR_PER_HOUR_MAX + 1}),
        ("rate", {"valid_until": NOW}),
    ],
)
def test_fields_out_of_range_are_refused(kind, changed):
    with pytest.raises(InvalidValue):
        replace(ONE_OF_EACH[kind], **changed)


# --- Capacity classes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hours, answer", [(-5, 0), (0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (AMOUNT_MAX, 53)]
)
def test_a_class_says_no_more_than_a_power_of_two(hours, answer):
    """Rule 5.1: coarse, so that no single trade shows."""
    assert capacity_class(hours) == answer
    assert answer <= CAPACITY_CLASS_MAX


@given(st.integers(0, AMOUNT_MAX), st.integers(1, AMOUNT_MAX))
def test_surely_too_small_is_sure(room, hours):
    """An edge with the room is never left out; one left out never has it."""
    if hours <= room:
        assert not surely_too_small(capacity_class(room), hours)
    if hours >= 2 * room and room:
        assert surely_too_small(capacity_class(room), hours) or hours < 2 ** capacity_class(room)
    if surely_too_small(capacity_class(room), hours):
        assert hours > room


# --- 7.1 Rates ---------------------------------------------------------------------------------------------

FIRST = RateNotice(minor_per_hour=1_000, valid_from=NOW, valid_until=NOW + 100)
SECOND = RateNotice(minor_per_hour=1_200, valid_from=NOW + 50, valid_until=NOW + 200)


@pytest.mark.parametrize(
    "now, answer",
    [
        (NOW - 1, None),
        (NOW, FIRST),
        (NOW + 49, FIRST),
        (NOW + 50, SECOND),  # the later notice takes over while the first still runs
        (NOW + 199, SECOND),
        (NOW + 200, None),
    ],
)
def test_the_notice_that_began_last_counts(now, answer):
    """Rule 7.1."""
    assert rate_in_force([FIRST, SECOND], now) == answer
    assert rate_in_force([SECOND, FIRST], now) == answer
    # Nothing else holds before the moment that is named, and nothing is named too late.
    until = rate_holds_until([FIRST, SECOND], now)
    moments = sorted({FIRST.valid_from, FIRST.valid_until, SECOND.valid_from, SECOND.valid_until})
    assert until == next((moment for moment in moments if moment > now), None)
    if until is not None:
        assert rate_in_force([FIRST, SECOND], until - 1) == answer


def test_a_notice_is_a_rate():
    assert SECOND.rate == Rate(minor_per_hour=1_200)


def test_a_change_is_announced_seven_days_ahead_and_a_first_rate_holds_at_once():
    """Rule 7.1."""
    assert earliest_change([], NOW) == NOW
    assert earliest_change([FIRST], NOW) == NOW + RATE_NOTICE_MS
