"""Frames: one envelope for everything two nodes say. Source: docs/protocol.md 9.3."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.canonical import encode
from protocol.errors import InvalidValue, MalformedMessage
from protocol.frame import (
    ANSWER_OF,
    ANSWERS,
    PRIORITY,
    Frame,
    FrameType,
    Priority,
    UnknownFrame,
    decode_frame,
    encode_frame,
    payload_bytes,
    payload_many,
)
from protocol.limits import FRAME_BYTES_MAX, FRAME_ELEMENTS_FREE, REQUEST_ID_MAX

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4).map(tuple),
    max_leaves=8,
).filter(lambda value: depth(value) <= 5)


def depth(value: object) -> int:
    return 1 + max(map(depth, value), default=0) if isinstance(value, tuple) else 0


@given(st.sampled_from(FrameType), VALUES, st.integers(0, REQUEST_ID_MAX))
def test_a_frame_comes_back_as_it_went(kind, payload, request_id):
    """Rule 9.3."""
    frame = Frame(kind, payload, request_id)
    assert decode_frame(encode_frame(frame)) == frame


@given(st.binary(max_size=80))
def test_whatever_bytes_come_they_are_a_frame_or_malformed(data):
    """Rule 1.2, attack T18."""
    try:
        frame = decode_frame(data)
    except MalformedMessage:
        return
    if isinstance(frame, Frame):
        assert encode_frame(frame) == data


@pytest.mark.parametrize(
    "value",
    [
        (),
        (16, 0),
        (16, 0, None, None),
        (True, 0, None),
        ("16", 0, None),
        (-1, 0, None),
        (256, 0, None),
        (16, -1, None),
        (16, REQUEST_ID_MAX + 1, None),
        (16, False, None),
        16,
        None,
    ],
)
def test_what_is_no_frame_is_refused(value):
    """Rule 9.3."""
    with pytest.raises(MalformedMessage):
        decode_frame(encode(value))


def test_a_type_of_a_later_version_is_recognised_as_such():
    """Rule 9.5."""
    assert decode_frame(encode((255, 7, b"news"))) == UnknownFrame(255, 7)


def test_a_frame_is_at_most_256_kib():
    """Rule 9.3: one byte more is refused on both sides."""
    overhead = len(encode_frame(Frame(FrameType.BLOB, bytes(FRAME_BYTES_MAX - 100)))) - (
        FRAME_BYTES_MAX - 100
    )
    largest = Frame(FrameType.BLOB, bytes(FRAME_BYTES_MAX - overhead))
    assert len(encode_frame(largest)) == FRAME_BYTES_MAX
    assert decode_frame(encode_frame(largest)) == largest
    too_large = Frame(FrameType.BLOB, bytes(FRAME_BYTES_MAX - overhead + 1))
    with pytest.raises(InvalidValue):
        encode_frame(too_large)
    with pytest.raises(MalformedMessage):
        decode_frame(encode((65, 0, too_large.payload), bytes_max=FRAME_BYTES_MAX + 1))


@pytest.mark.parametrize(
    "payload", [((),) * 250_000, (None,) * 250_000, (((),) * 120,) * 120], ids=["arrays", "nils", "nested"]
)
def test_a_frame_of_very_many_small_elements_is_refused_before_it_costs_time(payload):
    """Rule 9.3; attack T18: 256 KiB of empty arrays took a quarter of a second to read, before any handshake."""
    with pytest.raises(MalformedMessage):
        decode_frame(encode((16, 0, payload), bytes_max=FRAME_BYTES_MAX))


def test_frames_with_the_shortest_elements_fit():
    """Rules 5.5, 9.3: as many clocks as one frame may tell; a short frame need not count."""
    clocks = tuple((bytes([n % 251]) * 32, 0, 0, 2**40) for n in range(3_000))
    frame = Frame(FrameType.CLOCKS, (True, clocks))
    assert decode_frame(encode_frame(frame)) == frame
    short = Frame(FrameType.PING, (None,) * (FRAME_ELEMENTS_FREE - 3))
    assert decode_frame(encode_frame(short)) == short


def test_every_type_has_a_class_and_ops_come_before_gossip_before_bulk():
    """Rule 9.3."""
    assert set(PRIORITY) == set(FrameType)
    assert PRIORITY[FrameType.OPS] < PRIORITY[FrameType.QUOTE_ASK] < PRIORITY[FrameType.ITEMS]
    assert PRIORITY[FrameType.ITEMS] < PRIORITY[FrameType.BLOB]
    assert sorted(Priority) == [Priority.LINES, Priority.SESSION, Priority.GOSSIP, Priority.BULK]


def test_questions_and_answers_are_different_types():
    assert not set(ANSWER_OF) & ANSWERS
    assert len(set(ANSWER_OF.values())) == len(ANSWER_OF)


@pytest.mark.parametrize(
    "payload, one, many",
    [
        (b"a", b"a", None),
        ((b"a", b"b"), None, (b"a", b"b")),
        ((), None, ()),
        ((b"a", "b"), None, None),
        (None, None, None),
        ("a", None, None),
    ],
)
def test_a_payload_is_read_as_bytes_or_as_many_bytes(payload, one, many):
    frame = Frame(FrameType.OPS, payload)
    for read, expected in ((payload_bytes, one), (payload_many, many)):
        if expected is None:
            with pytest.raises(MalformedMessage):
                read(frame)
        else:
            assert read(frame) == expected
