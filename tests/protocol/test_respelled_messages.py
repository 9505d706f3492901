"""Every message of the protocol in every other spelling: none may pass for the message. Source: 1.1, 1.2."""

from __future__ import annotations

import pytest

from crypto.canonical import Value, decode
from protocol.errors import MalformedMessage, ProtocolError
from protocol.message import decode_message, encode_message
from tests import vector_builders
from tests.crypto import respell
from tests.vector_making import BUILDERS

assert vector_builders.NOW  # imported for its registrations


def messages() -> list[object]:
    made = []
    for name, builder in BUILDERS.items():
        message = builder().message
        made.append(pytest.param(type(message), decode(encode_message(message)), id=name))
    return made


@pytest.mark.parametrize("kind, value", messages())
def test_no_longer_form_of_a_message_is_read(kind, value: Value):
    """Rule 1.2: every integer width, float, str, bin and array header, map, ext and timestamp, at every place."""
    spellings = list(respell.longer(value))

    assert spellings
    for name, data in spellings:
        with pytest.raises(MalformedMessage):
            pytest.fail(f"{name} was read as {decode_message(kind, data)!r}")


@pytest.mark.parametrize("kind, value", messages())
def test_another_type_in_any_place_is_refused_or_another_message(kind, value: Value):
    """Rule 1.2: True is not 1 and text is not bytes. What is read has its own bytes, so no two bytes mean one."""
    refused = 0
    for name, data in respell.mixed(value):
        try:
            read = decode_message(kind, data)
        except ProtocolError:
            refused += 1
            continue
        assert encode_message(read) == data, name
    assert refused
