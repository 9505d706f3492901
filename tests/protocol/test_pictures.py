"""How a picture is named. Rule 5.7."""

from __future__ import annotations

import hashlib

from protocol.pictures import picture_name


def test_a_name_follows_from_the_bytes_and_means_nothing_elsewhere() -> None:
    data = b"RIFF....WEBP"
    assert picture_name(data) == hashlib.sha256(b"interlets/1/picture\x00" + data).digest()
    assert picture_name(data) != picture_name(data + b" ")
    assert picture_name(data) != hashlib.sha256(data).digest()
