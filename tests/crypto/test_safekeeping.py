"""Boxes that only their own author reads again. Rules 6.4, 6.7 (b), (g)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.safekeeping import SAFE_OVERHEAD_BYTES, SafeKeys
from crypto.sealing import CannotOpen

OLD, NEW, FOREIGN = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32


@given(st.binary(max_size=64), st.binary(max_size=300))
def test_what_is_sealed_is_opened_for_the_same_purpose(purpose: bytes, plaintext: bytes):
    keys = SafeKeys([NEW])
    box = keys.seal(purpose, plaintext)
    assert keys.open(purpose, box) == plaintext
    assert len(box) == len(plaintext) + SAFE_OVERHEAD_BYTES


def test_a_new_sheet_leaves_what_the_old_one_sealed_readable():
    box = SafeKeys([OLD]).seal(b"memo", b"hold 7")
    assert SafeKeys([NEW, OLD]).open(b"memo", box) == b"hold 7"
    assert SafeKeys([NEW, OLD]).seal(b"memo", b"hold 7") != box


@pytest.mark.parametrize("at", range(SAFE_OVERHEAD_BYTES + 6))
def test_an_altered_box_does_not_open(at: int):
    keys = SafeKeys([NEW])
    box = bytearray(keys.seal(b"memo", b"hold 7"))
    box[at] ^= 1
    with pytest.raises(CannotOpen):
        keys.open(b"memo", bytes(box))


def test_a_box_opens_for_nobody_else_and_for_nothing_else():
    box = SafeKeys([NEW]).seal(b"memo", b"hold 7")
    for keys, purpose in ((SafeKeys([FOREIGN]), b"memo"), (SafeKeys([NEW]), b"kept")):
        with pytest.raises(CannotOpen):
            keys.open(purpose, box)


@given(st.binary(max_size=60))
def test_any_bytes_open_or_are_refused(data: bytes):
    with pytest.raises(CannotOpen):
        SafeKeys([NEW]).open(b"memo", data)


def test_no_nonce_comes_twice_for_different_things():
    """A node restored from a backup may draw the same chance again; the nonce does not depend on it."""
    keys = SafeKeys([NEW])
    nonces = {
        keys.seal(purpose, plain)[:12]
        for purpose, plain in ((b"a", b"bc"), (b"ab", b"c"), (b"", b"abc"), (b"a", b"bd"))
    }
    assert len(nonces) == 4
    assert keys.seal(b"a", b"bc") == keys.seal(b"a", b"bc")


@pytest.mark.parametrize("secrets", [[], [b"short"], [NEW, bytes(33)]])
def test_a_key_has_32_bytes(secrets: list[bytes]):
    with pytest.raises(ValueError):
        SafeKeys(secrets)
