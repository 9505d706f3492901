"""Items, heads and what a head counts. Source: docs/protocol.md 5.1–5.4, 10."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.canonical import encode
from crypto.digest import Id32
from crypto.merkle import EMPTY_ROOT, root
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic
from protocol.feed import (
    Freshness,
    Head,
    HeadStanding,
    Item,
    Row,
    Standing,
    Version,
    check_head,
    compare_heads,
    freshness,
    items_alive,
    live,
    live_root,
    make_head,
    next_feed_seq,
    peek,
    peek_body,
    supersedes,
)
from protocol.limits import (
    DAY_MS,
    FEED_SEQ_RESTORE_STEP,
    HEAD_VALID_MS,
    HEAD_VALID_MS_MAX,
    ITEM_LIFE_MS_MAX,
    SEQ_MAX,
    STALE_FEED_KEPT_MS,
)
from protocol.message import decode_message, encode_message, open_message, sign_message, to_value
from tests.protocol.feeds import KEY, NOW, OAKVALE, RIVERSIDE, head_over, item, key_for, rows, signed

# --- 5.1 Items ---------------------------------------------------------------------------------------------


def test_an_item_opens_as_it_was_signed():
    """Rules 1.3, 5.1."""
    made = signed(item(7))

    assert open_message(Item, made.wire, key_for) == made
    for other in (replace(item(7), scheme=RIVERSIDE), item(7)):
        wrong_seq = sign_message(other, KEY, 2 if other.scheme == RIVERSIDE else 9)
        with pytest.raises(NotAuthentic):
            open_message(Item, wrong_seq.wire, key_for)


@pytest.mark.parametrize(
    "changed",
    [
        {"feed_seq": 0},
        {"feed_seq": SEQ_MAX + 1},
        {"revision": 0},
        {"revision": True},
        {"key": b"k" * 15},
        {"kind": "Listing"},
        {"created": NOW, "expires": NOW},
        {"created": NOW, "expires": NOW - 1},
        {"created": NOW, "expires": NOW + ITEM_LIFE_MS_MAX + 1},
        {"created": -1, "expires": 5},
    ],
)
def test_what_is_not_an_item_is_refused_by_both_ways_of_reading(changed):
    """Rule 5.4: an item lives at most 400 days. `peek` refuses whatever `Item` refuses."""
    good = {name: getattr(item(7), name) for name in item(7).__slots__}
    with pytest.raises(InvalidValue):
        Item(**(good | changed))
    body = encode((Item.TAG, *(good | changed).values()))
    with pytest.raises(MalformedMessage):
        peek_body(body)


@given(
    feed_seq=st.integers(0, 2**54),
    kind=st.sampled_from(["listing", "", "x" * 33, "a b", "új", "tide-table"]),
    revision=st.integers(-1, 2**54),
    created=st.integers(-5, 2**53),
    life=st.sampled_from([0, 1, ITEM_LIFE_MS_MAX, ITEM_LIFE_MS_MAX + 1]),
    payload=st.one_of(st.binary(max_size=40), st.text(max_size=3)),
)
def test_peek_takes_what_an_item_is_and_nothing_else(feed_seq, kind, revision, created, life, payload):
    """I11: the quick reading and the full one agree on every body."""
    body = encode((Item.TAG, OAKVALE, feed_seq, kind, b"k" * 16, revision, created, created + life, payload))
    try:
        full = decode_message(Item, body)
    except MalformedMessage:
        with pytest.raises(MalformedMessage):
            peek_body(body)
        return

    seen = peek_body(body)
    assert (seen.scheme, seen.feed_seq, seen.kind, seen.key) == (
        full.scheme,
        full.feed_seq,
        full.kind,
        full.key,
    )
    assert (seen.revision, seen.created, seen.expires) == (full.revision, full.created, full.expires)
    assert seen.empty == (full.payload == b"")


def test_peek_reads_the_face_of_a_wire_form():
    made = signed(item(7))

    seen = peek(made.wire)
    assert seen.id == made.id
    assert seen.row == Row(7, made.id, item(7).expires, False)
    assert seen.version == Version(7, made.id)
    assert peek(signed(item(7, payload=b"")).wire).empty


def test_an_item_of_unknown_kind_is_an_item():
    """Rule 9.5: stored, hashed and relayed."""
    strange = signed(item(7, kind="tide-table"))

    assert peek(strange.wire).kind == "tide-table"
    assert open_message(Item, strange.wire, key_for) == strange


@given(st.binary(max_size=200))
def test_i11_arbitrary_bytes_are_no_item(data):
    """I11."""
    for read in (peek, peek_body):
        with pytest.raises(MalformedMessage):
            read(data)


@pytest.mark.parametrize("cut", [0, 1, 5, -1])
def test_a_body_of_another_shape_is_no_item(cut):
    value = to_value(item(7))
    assert isinstance(value, tuple)
    for wrong in (value[:cut], (*value, 1), ("interlets/1/head", *value[1:]), value[0]):
        with pytest.raises(MalformedMessage):
            peek_body(encode(wrong))


# --- 5.1 Which of two stands -------------------------------------------------------------------------------

LOW, HIGH = Id32(b"a" * 32), Id32(b"b" * 32)


@pytest.mark.parametrize(
    "new, old, answer, stored, evidence",
    [
        (Version(2, HIGH), Version(1, LOW), Standing.NEWER, True, False),
        (Version(1, LOW), Version(2, HIGH), Standing.OLDER, False, False),
        (Version(1, LOW), Version(1, LOW), Standing.SAME, False, False),
        (Version(1, LOW), Version(1, HIGH), Standing.REPLACES, True, True),
        (Version(1, HIGH), Version(1, LOW), Standing.YIELDS, False, True),
    ],
)
def test_the_higher_revision_stands_and_of_equal_ones_the_lower_id(new, old, answer, stored, evidence):
    """Rule 5.1."""
    assert supersedes(new, old) is answer
    assert (answer.stored, answer.evidence) == (stored, evidence)


@given(
    st.lists(
        st.builds(Version, st.integers(1, 3), st.sampled_from([LOW, HIGH, Id32(b"c" * 32)])),
        min_size=1,
        max_size=4,
    )
)
def test_i13_the_order_of_arrival_does_not_matter(versions):
    """I13: all followers converge."""
    ends = set()
    for order in permutations(versions):
        held = order[0]
        for new in order[1:]:
            if supersedes(new, held).stored:
                held = new
        ends.add(held)
    assert len(ends) == 1


# --- 5.3 What a head counts --------------------------------------------------------------------------------


def test_a_head_counts_what_has_not_expired_at_its_time():
    """Rule 5.3: tombstones count, and an item counts until `expires` ≤ the head's time."""
    feed = [item(1, expires=NOW + 10), item(3, payload=b"", expires=NOW + 20), item(4, expires=NOW + 30)]
    ids = [row.id for row in rows(*feed)]

    assert live_root(rows(*feed), NOW + 9) == (3, root(ids))
    assert live_root(rows(*feed), NOW + 10) == (2, root(ids[1:]))
    assert live_root(rows(*feed), NOW + 30) == (0, EMPTY_ROOT)
    assert items_alive(rows(*feed), NOW) == 2


@pytest.mark.parametrize("order", [(2, 1), (1, 1), (0,)])
def test_rows_come_in_the_order_of_feed_seq(order):
    """Rule 5.3: else two nodes could count the same items differently."""
    wrong = [Row(seq, LOW, NOW + 1, False) for seq in order]
    with pytest.raises(InvalidValue):
        list(live(wrong, NOW))


@given(st.data())
def test_a_relay_cannot_omit_add_or_change_anything(data):
    """Rule 5.3, T20."""
    feed = [item(seq) for seq in sorted(data.draw(st.sets(st.integers(1, 40), min_size=1, max_size=9)))]
    head = head_over(feed)
    true = rows(*feed)
    assert check_head(head, true)

    place = data.draw(st.integers(0, len(true) - 1))
    other = Row(true[place].feed_seq, LOW, NOW + DAY_MS, False)
    added = [seq for seq in range(1, head.feed_seq) if seq not in {row.feed_seq for row in true}]
    assert not check_head(head, true[:place] + true[place + 1 :])
    assert not check_head(head, [*true[:place], other, *true[place + 1 :]])
    if added:
        assert not check_head(head, sorted([*true, other._replace(feed_seq=added[0])]))


def test_what_came_after_a_head_does_not_disturb_it():
    """Rule 5.2."""
    feed = [item(1), item(2)]

    assert check_head(head_over(feed), rows(*feed, item(3)))
    assert check_head(head_over([]), rows(item(1)))


def test_a_head_is_read_as_it_was_signed():
    head = make_head(OAKVALE, rows(item(1)), identity_seq=3, feed_seq=5, now_ms=NOW)

    assert decode_message(Head, encode_message(head)) == head
    assert (head.live_count, head.feed_seq, head.valid_until) == (1, 5, NOW + HEAD_VALID_MS)
    made = sign_message(head, KEY, 2)
    assert open_message(Head, made.wire, key_for) == made
    with pytest.raises(MalformedMessage):
        open_message(Head, signed(item(1)).wire, key_for)


@pytest.mark.parametrize("valid", [0, -1, HEAD_VALID_MS_MAX + 1])
def test_a_head_is_valid_for_days_not_for_ever(valid):
    """Rule 5.3: a silent scheme is shown as stale."""
    with pytest.raises(InvalidValue):
        head_over([item(1)], valid_ms=valid)


@pytest.mark.parametrize(
    "new, old, answer",
    [
        ((5, 10, b"a"), (4, 20, b"a"), HeadStanding.NEWER),
        ((4, 20, b"a"), (5, 10, b"a"), HeadStanding.OLDER),
        ((5, 11, b"b"), (5, 10, b"a"), HeadStanding.NEWER),  # something expired in between
        ((5, 10, b"a"), (5, 11, b"b"), HeadStanding.OLDER),
        ((5, 10, b"a"), (5, 10, b"a"), HeadStanding.SAME),
        ((5, 10, b"a"), (5, 10, b"b"), HeadStanding.FORKED),
    ],
)
def test_heads_are_ordered_by_feed_seq_then_time(new, old, answer):
    """Rule 5.5, T21: two feeds for two readers show as a fork."""

    def head(feed_seq: int, time: int, letter: bytes) -> Head:
        made = head_over([item(1)], feed_seq=feed_seq, now_ms=NOW + time)
        return replace(made, live_root=letter * 32)

    assert compare_heads(head(*new), head(*old)) is answer


@pytest.mark.parametrize(
    "age, answer",
    [
        (0, Freshness.FRESH),
        (HEAD_VALID_MS, Freshness.FRESH),
        (HEAD_VALID_MS + 1, Freshness.STALE),
        (HEAD_VALID_MS + STALE_FEED_KEPT_MS, Freshness.STALE),
        (HEAD_VALID_MS + STALE_FEED_KEPT_MS + 1, Freshness.DROPPED),
    ],
)
def test_a_silent_feed_is_stale_and_then_dropped(age, answer):
    """Rule 5.3: 60 days past valid_until."""
    assert freshness(head_over([item(1)]), NOW + age) is answer


def test_a_restored_feed_goes_on_well_above_what_anybody_saw():
    """Rule 6.7 i."""
    assert next_feed_seq(41) == 42
    assert next_feed_seq(41, restored=True) == 41 + FEED_SEQ_RESTORE_STEP


def test_a_hundred_thousand_items_are_judged_as_a_stream():
    """Rule 5.3: the rows are never all in memory."""
    many = (Row(seq, Id32(seq.to_bytes(32, "big")), NOW + seq, False) for seq in range(1, 100_001))

    count, _ = live_root(many, NOW + 1_000)
    assert count == 99_000
