"""Every message of the protocol, damaged in every way chance finds: what is read is a message, or malformed. Rules 0.5, 1.1, 1.2.

Random bytes seldom come past the first check. Here damage begins from valid messages, and goes into what is nested in
them, however deep: each damage is spelled canonically again, so that it meets the checks behind the first one.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.canonical import NotCanonical, Value, decode, encode
from crypto.digest import object_id
from crypto.signing import split
from protocol import frame as frames
from protocol.errors import MalformedMessage, ProtocolError
from protocol.identity import fold_log
from protocol.message import Part, decode_message, encode_message
from tests import vector_builders
from tests.damage import damaged_bytes, damaged_value
from tests.vector_making import BUILDERS

assert vector_builders.NOW  # imported for its registrations

MESSAGES = {name: builder().message for name, builder in BUILDERS.items()}
KINDS = sorted({type(message) for message in MESSAGES.values()}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("name", MESSAGES)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_message_is_another_message_or_malformed(name: str, seed: int) -> None:
    chance, message = Random(seed), MESSAGES[name]
    value: Value = decode(encode_message(message))
    for _ in range(chance.randint(1, 3)):
        value = damaged_value(value, chance)
    try:
        data = encode(value)
    except NotCanonical:
        return
    try:
        read = decode_message(type(message), data)
    except MalformedMessage:
        return
    assert encode_message(read) == data


@given(seed=st.integers(0, 2**32))
def test_damaged_bytes_are_read_by_every_decoder_or_refused(seed: int) -> None:
    """The bytes of one message, damaged, given to all others."""
    chance = Random(seed)
    data = damaged_bytes(encode_message(chance.choice(list(MESSAGES.values()))), chance)
    for kind in KINDS:
        assert _read(kind, data) in (None, data)


def _read(kind: type[Part], data: bytes) -> bytes | None:
    try:
        return encode_message(decode_message(kind, data))
    except MalformedMessage:
        return None


@given(seed=st.integers(0, 2**32))
def test_a_damaged_wire_form_is_split_or_refused(seed: int) -> None:
    chance = Random(seed)
    body = encode_message(chance.choice(list(MESSAGES.values())))
    wire = damaged_bytes(encode((body, 3, bytes(64))), chance)
    try:
        again, key_seq, signature = split(wire)
    except NotCanonical:
        return
    assert encode((again, key_seq, signature), bytes_max=2 * len(wire) + 64) == wire


@given(seed=st.integers(0, 2**32))
def test_a_damaged_identity_log_is_folded_or_refused(seed: int) -> None:
    """A log comes from strangers, before they proved anything."""
    chance = Random(seed)
    log = [
        encode((encode_message(message), chance.randrange(4), bytes(64)))
        for name, message in MESSAGES.items()
        if name.startswith("identity-")
    ]
    wires = [damaged_bytes(wire, chance) if chance.random() < 0.5 else wire for wire in log]
    chance.shuffle(wires)
    with pytest.raises((ProtocolError, ValueError)):
        fold_log(wires)


@given(seed=st.integers(0, 2**32))
def test_a_damaged_frame_is_read_or_malformed(seed: int) -> None:
    chance = Random(seed)
    kind = chance.choice(list(frames.FrameType))
    payload: Value = tuple(encode_message(chance.choice(list(MESSAGES.values()))) for _ in range(3))
    value = damaged_value((kind.value, chance.randrange(9), payload), chance)
    data = (
        damaged_bytes(encode(value, bytes_max=200_000), chance)
        if chance.random() < 0.5
        else encode(value, bytes_max=200_000)
    )
    try:
        frames.decode_frame(data)
    except MalformedMessage:
        return
    assert object_id(data)
