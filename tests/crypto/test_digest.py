"""Hashes with a purpose. Rules 1.3, 3.1."""

from __future__ import annotations

import hashlib

import pytest

from crypto.digest import commitment, object_id, sha256, tagged


def test_an_id_is_the_leaf_hash_of_the_body() -> None:
    """Rule 1.3. The second figure is the published leaf hash of one zero byte."""
    assert object_id(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert object_id(b"\0").hex() == "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"


def test_a_tagged_digest_covers_tag_and_data_with_a_zero_between() -> None:
    """Style 6: a digest means nothing under another tag."""
    assert tagged("interlets/1/x", b"data") == hashlib.sha256(b"interlets/1/x\0data").digest()
    assert tagged("interlets/1/x", b"data") != tagged("interlets/1/y", b"data")
    assert sha256(b"abc").hex().startswith("ba7816bf")
    with pytest.raises(UnicodeEncodeError):
        tagged("ü", b"")


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_a_commitment_has_a_salt_of_16_bytes_exactly(size: int) -> None:
    """Rule 3.1: else bytes could be moved between salt and payload."""
    assert (
        commitment("tag", b"s" * 16, b"payload") == hashlib.sha256(b"tag" + b"s" * 16 + b"payload").digest()
    )
    with pytest.raises(ValueError):
        commitment("tag", b"s" * size, b"payload")
