"""A thing that is given away, every state times every event. Rule 5.10; docs/pages.md 8.14."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import OutOfOrder
from protocol.giving import (
    Became,
    Collected,
    Ended,
    Event,
    Gift,
    GiftState,
    News,
    Promised,
    PromiseDeclined,
    PromiseTakenBack,
    Wished,
    WishState,
    WishTakenBack,
    gift_of,
    step,
)

GIFTS = {
    GiftState.FREE: Gift(waiting=(1, 2)),
    GiftState.PROMISED: Gift(state=GiftState.PROMISED, promised_to=1, waiting=(2, 3)),
    GiftState.GIVEN: Gift(state=GiftState.GIVEN, promised_to=1),
    GiftState.ENDED: Gift(state=GiftState.ENDED),
}
ONE_OF_EACH: tuple[Event, ...] = (
    Wished(wish=9),
    WishTakenBack(wish=2),
    Promised(wish=2),
    PromiseTakenBack(),
    PromiseDeclined(),
    Collected(),
    Ended(),
)
FREE, PROMISED, GIVEN, ENDED = GiftState
ALLOWED = {
    (FREE, Wished): FREE,
    (FREE, WishTakenBack): FREE,
    (FREE, Promised): PROMISED,
    (FREE, Ended): ENDED,
    (PROMISED, Wished): PROMISED,
    (PROMISED, WishTakenBack): PROMISED,
    (PROMISED, PromiseTakenBack): FREE,
    (PROMISED, PromiseDeclined): FREE,
    (PROMISED, Collected): GIVEN,
    (PROMISED, Ended): ENDED,
}


@pytest.mark.parametrize("state", GiftState)
@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_every_event_in_every_state_is_decided(state: GiftState, event: Event) -> None:
    allowed = ALLOWED.get((state, type(event)))
    if allowed is not None:
        after, _ = step(GIFTS[state], event)
        assert after.state is allowed
        return
    with pytest.raises(OutOfOrder):
        step(GIFTS[state], event)


def test_only_a_wish_that_waits_is_promised_or_taken_back() -> None:
    for event in (Promised(wish=7), WishTakenBack(wish=7), Wished(wish=1)):
        with pytest.raises(OutOfOrder):
            step(GIFTS[FREE], event)
    with pytest.raises(OutOfOrder):
        step(GIFTS[PROMISED], Wished(wish=1))


def test_whoever_asked_first_stands_first_also_after_a_promise_came_to_nothing() -> None:
    gift, told = step(GIFTS[PROMISED], PromiseTakenBack())
    assert gift.waiting == (1, 2, 3)
    assert told == (
        Became(wish=1, state=WishState.WAITING, news=News.UNPROMISED),
        Became(wish=2, state=WishState.WAITING, news=News.FREE_AGAIN),
        Became(wish=3, state=WishState.WAITING, news=News.FREE_AGAIN),
    )


def test_everybody_who_waits_is_told_how_it_ended() -> None:
    _, told = step(GIFTS[PROMISED], Collected())
    assert told == (
        Became(wish=1, state=WishState.RECEIVED, news=News.RECEIVED),
        Became(wish=2, state=WishState.PASSED, news=News.GONE),
        Became(wish=3, state=WishState.PASSED, news=News.GONE),
    )
    _, told = step(GIFTS[PROMISED], Ended())
    assert [(each.wish, each.news) for each in told] == [(1, News.ENDED), (2, News.ENDED), (3, News.ENDED)]


NUMBERS = st.integers(1, 4)
EVENTS = st.one_of(
    NUMBERS.map(lambda wish: Wished(wish=wish)),
    NUMBERS.map(lambda wish: WishTakenBack(wish=wish)),
    NUMBERS.map(lambda wish: Promised(wish=wish)),
    st.sampled_from((PromiseTakenBack(), PromiseDeclined(), Collected(), Ended())),
)


@given(st.lists(EVENTS, max_size=30))
def test_one_has_it_at_most_and_the_wishes_alone_say_how_it_stands(events: list[Event]) -> None:
    """Rule 5.10: what the store keeps of each wish is enough, and never two of them have the thing."""
    gift, wishes, ended = Gift(), dict[int, WishState](), False
    for event in events:
        if isinstance(event, Wished) and wishes.get(event.wish) is not None:
            continue  # a wish that comes again has a new number
        try:
            gift, told = step(gift, event)
        except OutOfOrder:
            continue
        wishes.update({each.wish: each.state for each in told})
        ended = ended or isinstance(event, Ended)
        count = Counter(wishes.values())
        assert count[WishState.PROMISED] + count[WishState.RECEIVED] <= 1
        assert gift_of(wishes, ended=ended) == gift
