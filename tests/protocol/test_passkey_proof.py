"""What a passkey signed, as bytes: one spelling, bounded, and it fits into an entry. Rule 3.5."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.entry import Words
from protocol.errors import InvalidValue, MalformedMessage
from protocol.limits import ENTRY_PROOF_BYTES_MAX
from protocol.message import decode_message, encode_message
from protocol.passkey_proof import (
    AUTHENTICATOR_BYTES_MAX,
    CLIENT_BYTES_MAX,
    KEY_BYTES_MAX,
    SIGNATURE_BYTES_MAX,
    PasskeyProof,
)

MOST = {
    "key": KEY_BYTES_MAX,
    "authenticator": AUTHENTICATOR_BYTES_MAX,
    "client": CLIENT_BYTES_MAX,
    "signature": SIGNATURE_BYTES_MAX,
}
SMALL = PasskeyProof(key=b"k", authenticator=b"a", client=b"c", signature=b"s")


@given(st.fixed_dictionaries({name: st.binary(max_size=40) for name in MOST}))
def test_what_is_written_is_read(parts: dict[str, bytes]) -> None:
    proof = PasskeyProof(**parts)
    assert decode_message(PasskeyProof, encode_message(proof)) == proof


@pytest.mark.parametrize("name", MOST)
def test_each_part_is_bounded(name: str) -> None:
    parts = {each: getattr(SMALL, each) for each in MOST}
    PasskeyProof(**{**parts, name: bytes(MOST[name])})
    with pytest.raises(InvalidValue):
        PasskeyProof(**{**parts, name: bytes(MOST[name] + 1)})


def test_the_longest_fits_into_the_words_of_an_entry() -> None:
    longest = encode_message(PasskeyProof(**{name: bytes(most) for name, most in MOST.items()}))
    assert len(longest) <= ENTRY_PROOF_BYTES_MAX
    Words(text="", done_by="Ana", on_behalf_of=None, proved_by="passkey", proof=longest)


def test_what_is_cut_off_or_goes_on_is_refused() -> None:
    whole = encode_message(SMALL)
    for wire in (*(whole[:end] for end in range(len(whole))), whole + b"\0", b"\x95" + whole[1:] + b"\xc0"):
        with pytest.raises(MalformedMessage):
            decode_message(PasskeyProof, wire)
