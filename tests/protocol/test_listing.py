"""The life of a listing, tested whole. Source: docs/protocol.md 5.1, 5.4, 5.8, I13."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import DAY_MS, ITEM_LIFE_MS_MAX
from protocol.listing import (
    MAY,
    TRANSITIONS,
    Actor,
    Approved,
    Declined,
    Edited,
    Event,
    Hid,
    Lapsed,
    OwnListing,
    Published,
    PutItem,
    PutTombstone,
    Removed,
    Renewed,
    Restored,
    SharingSet,
    Shown,
    State,
    Submitted,
    Withdrew,
    step,
)
from protocol.market import AskingPrice, Listing
from protocol.names import ItemKey

NOW = 1_767_225_600_000
JAM = Listing(
    kind="offer",
    title="Plum jam",
    text="",
    category="food-preserves",
    price=AskingPrice(amount=600, per="item"),
    language="en",
)
HONEY = replace(JAM, title="Honey")
KEY = ItemKey(b"k" * 16)
DRAFT = OwnListing(key=KEY, content=JAM)
LATER = NOW + 100 * DAY_MS

ONE_OF_EACH: tuple[Event, ...] = (
    Edited(content=HONEY),
    Submitted(),
    Published(expires=LATER),
    Approved(expires=LATER),
    Declined(),
    Renewed(expires=LATER),
    Hid(),
    Shown(),
    Removed(),
    Restored(),
    Withdrew(),
    Lapsed(),
    SharingSet(shared=False),
)
NAMED = {"ids": lambda event: type(event).__name__}


def listing(state: State, **given: object) -> OwnListing:
    expires = NOW if state is State.EXPIRED else LATER
    usual = {
        "state": state,
        "created": NOW - DAY_MS,
        "expires": expires,
        "revision": 5,
        "feed_until": expires,
    }
    return replace(DRAFT, **(usual | given))


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", ONE_OF_EACH, **NAMED)
@pytest.mark.parametrize("actor", Actor)
def test_every_event_in_every_state_by_everybody_is_decided(state, event, actor):
    before = listing(state)
    now = LATER if isinstance(event, Lapsed) else NOW
    allowed = type(event) in TRANSITIONS[state] and actor in MAY[type(event)]
    if not allowed:
        with pytest.raises(OutOfOrder):
            step(before, event, actor, now)
        return

    after, effects = step(before, event, actor, now)

    assert after.state is TRANSITIONS[state][type(event)]
    assert all(effect.revision == after.revision > before.revision for effect in effects)
    assert len(effects) <= 1


def test_the_tables_know_every_event():
    """A new event fails here wherever it was forgotten."""
    kinds = {type(event) for event in ONE_OF_EACH}
    assert set(MAY) == kinds
    assert set(TRANSITIONS) == set(State)
    assert {event for row in TRANSITIONS.values() for event in row} == kinds
    assert all(MAY.values())


@pytest.mark.parametrize(
    "state, event, actor, effect",
    [
        (State.DRAFT, Published(expires=LATER), Actor.OWNER, PutItem),
        (State.DRAFT, Submitted(), Actor.OWNER, None),
        (State.WAITING, Approved(expires=LATER), Actor.ORGANISER, PutItem),
        (State.PUBLISHED, Edited(content=HONEY), Actor.OWNER, PutItem),
        (State.PUBLISHED, Edited(content=JAM), Actor.OWNER, None),  # nothing new
        (State.PUBLISHED, Renewed(expires=LATER + 1), Actor.OWNER, PutItem),
        (State.PUBLISHED, Submitted(), Actor.OWNER, PutTombstone),
        (State.PUBLISHED, Hid(), Actor.OWNER, PutTombstone),
        (State.PUBLISHED, Removed(), Actor.ORGANISER, PutTombstone),
        (State.PUBLISHED, Withdrew(), Actor.OWNER, PutTombstone),
        (State.PUBLISHED, SharingSet(shared=False), Actor.ORGANISER, PutTombstone),
        (State.PUBLISHED, SharingSet(shared=True), Actor.OWNER, None),
        (State.HIDDEN, Shown(), Actor.OWNER, PutItem),
        (State.HIDDEN, Edited(content=HONEY), Actor.OWNER, None),
        (State.HIDDEN, Withdrew(), Actor.OWNER, None),
        (State.EXPIRED, Renewed(expires=LATER), Actor.OWNER, PutItem),
        (State.REMOVED, Restored(), Actor.ORGANISER, PutItem),
    ],
)
def test_the_feed_carries_what_is_published_and_a_tombstone_where_that_ended(state, event, actor, effect):
    """Rule 5.1."""
    _, effects = step(listing(state), event, actor, NOW)

    assert [type(each) for each in effects] == ([effect] if effect else [])


def test_a_listing_that_is_not_shared_stays_at_home():
    """Rule 5.8."""
    home = replace(DRAFT, shared=False)

    published, effects = step(home, Published(expires=LATER), Actor.OWNER, NOW)
    assert effects == ()
    shared, effects = step(published, SharingSet(shared=True), Actor.OWNER, NOW)
    assert effects == (PutItem(key=KEY, revision=NOW, created=NOW, expires=LATER, content=JAM),)
    _, effects = step(shared, SharingSet(shared=False), Actor.OWNER, NOW)
    assert effects == (PutTombstone(key=KEY, revision=NOW + 1, created=NOW, expires=LATER),)


def test_i13_a_tombstone_lasts_as_long_as_any_revision_it_shadows():
    """Rule 5.4, I13: shortened from 100 days to 10, then withdrawn; a copy of the first is still out there."""
    long, _ = step(DRAFT, Published(expires=LATER), Actor.OWNER, NOW)
    short, _ = step(long, Renewed(expires=NOW + 10 * DAY_MS), Actor.OWNER, NOW + 1)

    _, effects = step(short, Withdrew(), Actor.OWNER, NOW + 2)
    assert [effect.expires for effect in effects] == [LATER]
    _, effects = step(short, Lapsed(), Actor.CLOCK, NOW + 10 * DAY_MS)
    assert [(type(effect), effect.expires) for effect in effects] == [(PutTombstone, LATER)]


def test_what_ends_by_itself_needs_no_tombstone():
    """Rule 5.3: an item counts until it expires."""
    published, _ = step(DRAFT, Published(expires=LATER), Actor.OWNER, NOW)

    ended, effects = step(published, Lapsed(), Actor.CLOCK, LATER)
    assert (ended.state, effects) == (State.EXPIRED, ())


def test_a_machine_that_needs_waking_says_when():
    published, _ = step(DRAFT, Published(expires=LATER), Actor.OWNER, NOW)

    assert (DRAFT.next_wake_ms, published.next_wake_ms) == (None, LATER)
    with pytest.raises(OutOfOrder):
        step(published, Lapsed(), Actor.CLOCK, LATER - 1)


@pytest.mark.parametrize("event, actor", [(Shown(), Actor.OWNER), (Restored(), Actor.ORGANISER)])
def test_nothing_is_published_with_its_end_behind_it(event, actor):
    """Rule 5.3."""
    state = State.HIDDEN if isinstance(event, Shown) else State.REMOVED
    with pytest.raises(OutOfOrder, match="renew"):
        step(listing(state), event, actor, LATER)


@pytest.mark.parametrize("expires", [NOW, NOW - 1, NOW + ITEM_LIFE_MS_MAX + 1])
@pytest.mark.parametrize(
    "state, event, actor",
    [
        (State.DRAFT, Published, Actor.OWNER),
        (State.WAITING, Approved, Actor.ORGANISER),
        (State.PUBLISHED, Renewed, Actor.OWNER),
    ],
)
def test_an_end_is_ahead_and_within_400_days(state, event, actor, expires):
    """Rule 5.4."""
    with pytest.raises(InvalidValue):
        step(listing(state), event(expires=expires), actor, NOW)


@given(st.lists(st.tuples(st.sampled_from(ONE_OF_EACH), st.integers(0, 60 * DAY_MS)), max_size=25))
def test_i13_whatever_happens_the_feed_shows_what_is_published_and_nothing_else(history):
    """I13: a follower who keeps the highest revision until it expires sees the truth, and so does one who
    missed any items but the last."""
    now, current = NOW, DRAFT
    puts: list[PutItem | PutTombstone] = []
    for event, pause in history:
        now += pause
        if isinstance(event, (Published, Approved, Renewed)):
            event = replace(event, expires=now + 30 * DAY_MS + pause)
        for actor in Actor:
            try:
                current, effects = step(current, event, actor, now)
            except OutOfOrder:
                continue
            puts.extend(effects)
            break
    assert all(earlier.revision < later.revision for earlier, later in pairwise(puts))
    assert all(put.created < put.expires <= put.created + ITEM_LIFE_MS_MAX for put in puts)

    # A replayed copy of any item is shadowed, at any later time, by what is still alive.
    for moment in (now, now + 20 * DAY_MS, now + 100 * DAY_MS):
        alive = [put for put in puts if put.expires > moment]
        shown = max(alive, key=lambda put: put.revision, default=None)
        expected = current.on_feed and current.expires > moment
        assert isinstance(shown, PutItem) == expected or _due(current, moment)
        if isinstance(shown, PutItem) and expected:
            assert shown.content == current.content


def _due(current: OwnListing, moment: int) -> bool:
    """A listing past its end whose `Lapsed` has not come yet may still need its tombstone."""
    return current.next_wake_ms is not None and current.next_wake_ms <= moment < current.feed_until
