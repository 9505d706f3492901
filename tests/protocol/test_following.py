"""What a follower lacks, believes and takes. Source: docs/protocol.md 5.1–5.6, I13, I14."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import NotAuthentic, OutOfOrder
from protocol.feed import Head, Item, Peek, Row, check_head, live, make_head
from protocol.following import (
    Admission,
    FeedClock,
    HeldItem,
    ItemRefusal,
    Lack,
    Merge,
    Quota,
    Repair,
    admit,
    check_item,
    check_single,
    clock_of,
    lacks,
    merge,
    repair,
)
from protocol.limits import (
    DAY_MS,
    FEED_LIVE_ITEMS_MAX,
    FEED_WRITES_A_DAY_MAX,
    ITEM_AHEAD_MS_MAX,
    ITEM_BYTES_MAX,
)
from protocol.message import decode_message, encode_message
from protocol.names import ItemKey
from tests.protocol.feeds import NOW, OAKVALE, RIVERSIDE, head_over, held_items, item, item_key, peeked, rows

# --- 5.5 Clocks --------------------------------------------------------------------------------------------


def clock(identity_seq: int, feed_seq: int, head_time: int) -> FeedClock:
    return FeedClock(scheme=OAKVALE, identity_seq=identity_seq, feed_seq=feed_seq, head_time=head_time)


@pytest.mark.parametrize(
    "mine, theirs, answer",
    [
        (None, clock(0, 0, 0), (Lack.IDENTITY, Lack.ITEMS, Lack.HEAD)),
        (clock(3, 9, 50), clock(3, 9, 50), ()),
        (clock(3, 9, 50), clock(2, 8, 60), ()),
        (clock(3, 9, 50), clock(4, 9, 50), (Lack.IDENTITY,)),
        (clock(3, 9, 50), clock(3, 10, 40), (Lack.ITEMS, Lack.HEAD)),
        (clock(3, 9, 50), clock(3, 9, 51), (Lack.HEAD,)),
        (clock(3, 9, 50), clock(4, 10, 51), (Lack.IDENTITY, Lack.ITEMS, Lack.HEAD)),
    ],
)
def test_clocks_tell_what_to_fetch_and_in_which_order(mine, theirs, answer):
    """Rule 5.5: identity events go before heads."""
    assert lacks(mine, theirs) == answer


def test_a_clock_is_what_the_head_says():
    head = head_over([item(4)])

    assert clock_of(head) == clock(3, 4, NOW)
    assert decode_message(FeedClock, encode_message(clock_of(head))) == clock_of(head)


# --- 5.1 Merging -------------------------------------------------------------------------------------------


def merged(held: list[Item], bulk: list[Item]) -> Merge:
    return merge(held_items(*held), peeked(*bulk))


def test_a_revision_takes_the_place_of_the_one_before():
    """Rule 5.2: superseded items are dropped."""
    answer = merged([item(1, key=1), item(2, key=2)], [item(4, key=1), item(3, key=3)])

    assert [new.feed_seq for new in answer.arrived] == [3, 4]
    assert answer.superseded == {1}
    assert answer.evidence == ()


def test_an_older_revision_and_a_known_item_change_nothing():
    """I13: nothing withdrawn reappears."""
    tombstone = item(5, key=1, payload=b"")
    answer = merged([tombstone, item(6, key=2)], [item(1, key=1), item(6, key=2)])

    assert answer == Merge(arrived=(), superseded=frozenset(), evidence=())


def test_two_items_at_one_revision_are_evidence_and_the_lower_id_is_kept():
    """Rule 5.1, also when both come in one bulk."""
    low, high = sorted((item(4, key=1), item(5, key=1, revision=4)), key=lambda each: peeked(each)[0].id)
    ids = {each: peeked(each)[0].id for each in (low, high)}

    for held, bulk in (([low], [high]), ([high], [low]), ([], [low, high]), ([], [high, low])):
        answer = merged(held, bulk)
        kept = [*answer.arrived] or peeked(*held)
        assert [each.id for each in kept] == [ids[low]]
        assert [set(pair) for pair in answer.evidence] == [set(ids.values())]
        assert answer.superseded == ({high.feed_seq} if held == [high] else frozenset())


# --- 5.3 One head signature admits a whole feed ------------------------------------------------------------


def test_a_whole_feed_from_any_relay_needs_one_signature():
    """Rule 5.3."""
    feed = [item(seq) for seq in (1, 2, 5, 9)]

    assert admit(head_over(feed), [], merged([], feed)) is Admission.WHOLE
    assert admit(head_over([]), [], merged([], [])) is Admission.WHOLE


def test_a_delta_needs_one_signature_too():
    """Rule 5.2: the items held, less the superseded, with those above the clock."""
    before = [item(1, key=1), item(2, key=2), item(3, key=3)]
    delta = [item(4, key=2, payload=b""), item(5, key=5)]
    after = [before[0], before[2], *delta]

    assert admit(head_over(after), rows(*before), merged(before, delta)) is Admission.WHOLE


@pytest.mark.parametrize(
    "bulk",
    [
        [item(1), item(2)],  # one is missing
        [item(1), item(2), item(3), item(4)],  # one is beyond the head
        [item(1), item(2), item(3, payload=b"rum")],  # one is changed
        [item(1), item(2), item(3), item(3, key=9)],  # one is added, at a number in use
        [item(1), item(2), replace(item(3), revision=9)],
        [],
    ],
)
def test_a_bulk_that_is_not_the_feed_is_checked_item_by_item(bulk):
    """Rule 5.3, T20."""
    head = head_over([item(1), item(2), item(3)])

    assert admit(head, [], merged([], bulk)) is Admission.EACH


def test_a_forgery_that_claims_to_be_over_is_not_admitted_with_the_rest():
    """Rule 5.3: the root does not count it, so nobody vouches for it; its revision would shadow the true item."""
    feed = [item(1), item(3)]
    forged = item(2, key=77, revision=2**53 - 1, created=NOW - DAY_MS, expires=NOW)

    assert check_head(head_over(feed), rows(*feed, forged))
    assert admit(head_over(feed), [], merged([], [*feed, forged])) is Admission.EACH


def test_items_of_another_scheme_are_nobodys():
    with pytest.raises(NotAuthentic):
        admit(head_over([item(1)]), [], merged([], [replace(item(1), scheme=RIVERSIDE)]))


# --- 5.5 Repair --------------------------------------------------------------------------------------------


def test_repair_fetches_what_is_missing_and_drops_what_is_over():
    """Rule 5.5: what came after the head is left alone."""
    feed = [item(1), item(3), item(4)]
    held = [item(1), item(2), item(4, payload=b"forged"), item(9)]

    assert repair(head_over(feed), rows(*feed), rows(*held)) == Repair(fetch=(3, 4), drop=(2, 4))
    assert repair(head_over(feed), rows(*feed), rows(*feed)) == Repair(fetch=(), drop=())


def test_an_item_past_its_end_is_dropped_with_the_head_that_no_longer_counts_it():
    """Rule 5.3."""
    feed = [item(1, expires=NOW + 5), item(2)]
    later = head_over(feed, now_ms=NOW + 5)

    assert repair(later, rows(feed[1]), rows(*feed)) == Repair(fetch=(), drop=(1,))


@pytest.mark.parametrize(
    "listed",
    [
        [item(1)],
        [item(1), item(2), item(3)],
        [item(1), item(2, payload=b"forged")],
        [item(2), item(2), item(1)],
    ],
)
def test_a_list_that_is_not_the_heads_is_refused(listed):
    """T20: a relay can delay a feed, not omit from it."""
    with pytest.raises(NotAuthentic):
        repair(head_over([item(1), item(2)]), [row for each in listed for row in rows(each)], [])


# --- I13 Items that come by themselves ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "feed_seq, head_seq, held, taken",
    [
        (5, None, set(), True),
        (5, 4, set(), True),  # newer than the head
        (5, 5, {5}, True),  # known already
        (5, 5, set(), False),
        (5, 9, {9}, False),
    ],
)
def test_i13_what_the_head_has_passed_does_not_come_back(feed_seq, head_seq, held, taken):
    """I13, T22: not even when its tombstone is long forgotten."""
    head = None if head_seq is None else head_over([item(head_seq)])
    [new] = peeked(item(feed_seq))
    if taken:
        check_single(new, head, held)
    else:
        with pytest.raises(OutOfOrder):
            check_single(new, head, held)


# --- I13 Convergence ---------------------------------------------------------------------------------------


class Follower:
    """A store in memory that does what the module's docstring says a node does."""

    def __init__(self) -> None:
        self.items: dict[ItemKey, Peek] = {}
        self.head: Head | None = None

    def rows(self) -> list[Row]:
        return sorted(each.row for each in self.items.values())

    def held(self) -> dict[ItemKey, HeldItem]:
        return {each.key: HeldItem(each.version, each.feed_seq) for each in self.items.values()}

    def push(self, new: Peek) -> None:
        try:
            check_single(new, self.head, {each.feed_seq for each in self.items.values()})
        except OutOfOrder:
            return
        self._store(merge(self.held(), [new]))

    def fetch(self, author: Author, honest: bool) -> None:
        head = author.head()
        since = 0 if self.head is None else self.head.feed_seq
        bulk = [each for each in author.feed.values() if each.feed_seq > since and each.expires > head.time]
        answer = merge(self.held(), bulk if honest else bulk[1:])
        whole = admit(head, self.rows(), answer) is Admission.WHOLE
        self._store(answer)  # the author's own, so each would pass by itself
        if not whole:
            listed = list(live(sorted(each.row for each in author.feed.values()), head.time))
            needed = repair(head, listed, self.rows())
            self.items = {key: each for key, each in self.items.items() if each.feed_seq not in needed.drop}
            self._store(merge(self.held(), [e for e in author.feed.values() if e.feed_seq in needed.fetch]))
        self.items = {key: each for key, each in self.items.items() if each.expires > head.time}
        assert check_head(head, self.rows())
        self.head = head

    def _store(self, answer: Merge) -> None:
        self.items |= {new.key: new for new in answer.arrived}


class Author:
    """A scheme that puts, withdraws and signs heads."""

    def __init__(self) -> None:
        self.now = NOW
        self.seq = 0
        self.feed: dict[ItemKey, Peek] = {}
        self.ever: list[Peek] = []

    def put(self, key: int, days: int, empty: bool) -> Peek:
        self.seq += 1
        self.now += DAY_MS
        shadowed = self.feed.get(item_key(key))
        expires = max(self.now + days * DAY_MS, shadowed.expires if shadowed else 0)
        [new] = peeked(
            item(self.seq, key, created=self.now, expires=expires, payload=b"" if empty else b"jam")
        )
        self.feed[new.key] = new
        self.ever.append(new)
        return new

    def head(self) -> Head:
        held = sorted(each.row for each in self.feed.values())
        return make_head(OAKVALE, held, identity_seq=3, feed_seq=self.seq, now_ms=self.now)


ACTIONS = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 4), st.integers(1, 20), st.booleans()),
    st.tuples(st.just("push"), st.integers(0, 1), st.integers(0, 50), st.booleans()),
    st.tuples(st.just("fetch"), st.integers(0, 1), st.just(0), st.booleans()),
)


@given(st.lists(ACTIONS, max_size=40))
def test_i13_followers_converge_whatever_was_lost_repeated_or_reordered(actions):
    """I13: pushes of any old or new item in any order, honest relays and ones that hold back."""
    author, followers = Author(), (Follower(), Follower())
    for action, number, more, flag in actions:
        if action == "put":
            author.put(number, more, flag)
        elif action == "push" and author.ever:
            followers[number].push(author.ever[more % len(author.ever)])
        elif action == "fetch":
            followers[number].fetch(author, flag)
    for follower in followers:
        follower.fetch(author, honest=True)
        for old in author.ever:  # a replayer's last try
            follower.push(old)

    alive = {key: each for key, each in author.feed.items() if each.expires > author.now}
    for follower in followers:
        assert follower.items == alive


# --- 5.4, 5.6 Quotas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed, answer",
    [
        ({}, None),
        ({"size_bytes": ITEM_BYTES_MAX}, None),
        ({"size_bytes": ITEM_BYTES_MAX + 1}, ItemRefusal.TOO_LONG),
        ({"now_ms": NOW - ITEM_AHEAD_MS_MAX}, None),
        ({"now_ms": NOW - ITEM_AHEAD_MS_MAX - 1}, ItemRefusal.NOT_YET),
        ({"now_ms": NOW + 100 * DAY_MS - 1}, None),
        ({"now_ms": NOW + 100 * DAY_MS}, ItemRefusal.OVER),
        ({"writes_today": FEED_WRITES_A_DAY_MAX - 1}, None),
        ({"writes_today": FEED_WRITES_A_DAY_MAX}, ItemRefusal.TOO_MANY_WRITES),
        ({"live_items": FEED_LIVE_ITEMS_MAX - 1}, None),
        ({"live_items": FEED_LIVE_ITEMS_MAX}, ItemRefusal.TOO_MANY_ITEMS),
        ({"live_items": FEED_LIVE_ITEMS_MAX, "replaces": True}, None),
        ({"quota": Quota(item_bytes_max=99)}, ItemRefusal.TOO_LONG),
        ({"quota": Quota(writes_a_day_max=0)}, ItemRefusal.TOO_MANY_WRITES),
        ({"quota": Quota(live_items_max=0)}, ItemRefusal.TOO_MANY_ITEMS),
        # The order of the checks:
        ({"size_bytes": ITEM_BYTES_MAX + 1, "now_ms": 0, "writes_today": 2**40}, ItemRefusal.TOO_LONG),
        ({"now_ms": 0, "writes_today": 2**40, "live_items": 2**40}, ItemRefusal.NOT_YET),
        ({"writes_today": 2**40, "live_items": 2**40}, ItemRefusal.TOO_MANY_WRITES),
    ],
)
def test_i14_quotas_hold(changed, answer):
    """Rules 5.4, 5.6, I14."""
    usual = {
        "size_bytes": 100,
        "now_ms": NOW,
        "quota": Quota(),
        "live_items": 0,
        "writes_today": 0,
        "replaces": False,
    }
    [new] = peeked(item(1))

    assert check_item(new, **(usual | changed)) is answer


def test_a_tombstone_is_taken_from_a_full_feed():
    """Rule 5.6: it is how a feed comes below its quota."""
    [tombstone] = peeked(item(1, payload=b""))

    assert (
        check_item(
            tombstone,
            size_bytes=100,
            now_ms=NOW,
            quota=Quota(),
            live_items=FEED_LIVE_ITEMS_MAX,
            writes_today=0,
            replaces=False,
        )
        is None
    )
