"""How a picture is named. Rule 5.7."""

from __future__ import annotations

import hashlib

import pytest

from crypto.canonical import Value
from protocol.errors import MalformedMessage
from protocol.limits import FEED_PEERINGS_MAX
from protocol.names import ItemKey, SchemeId
from protocol.pictures import PictureAsk, picture_name, read_picture_ask

ASK = PictureAsk(scheme=SchemeId(b"s" * 32), key=ItemKey(b"k" * 16), name=b"n" * 32, hops=FEED_PEERINGS_MAX)


def test_a_name_follows_from_the_bytes_and_means_nothing_elsewhere() -> None:
    data = b"RIFF....WEBP"
    assert picture_name(data) == hashlib.sha256(b"interlets/1/picture\x00" + data).digest()
    assert picture_name(data) != picture_name(data + b" ")
    assert picture_name(data) != hashlib.sha256(data).digest()


def test_a_question_is_read_as_it_was_written() -> None:
    assert read_picture_ask(ASK.value()) == ASK


@pytest.mark.parametrize(
    "payload",
    [
        None, b"", (), (b"s" * 32,), (b"s" * 31, b"k" * 16, b"n" * 32, 1), (b"s" * 32, b"k" * 17, b"n" * 32, 1),
        (b"s" * 32, b"k" * 16, "n" * 32, 1), (b"s" * 32, b"k" * 16, b"n" * 32, 0),
        (b"s" * 32, b"k" * 16, b"n" * 32, FEED_PEERINGS_MAX + 1), (b"s" * 32, b"k" * 16, b"n" * 32, True),
    ],
)  # fmt: skip
def test_any_other_question_is_malformed(payload: Value) -> None:
    with pytest.raises(MalformedMessage):
        read_picture_ask(payload)
