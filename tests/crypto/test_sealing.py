"""Sealed boxes against RFC 9180, a second implementation, and everything that must not open. Rule 2.2."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from crypto.keys import BadKey
from crypto.sealing import (
    ANSWER_OVERHEAD_BYTES,
    SEALING_OVERHEAD_BYTES,
    Box,
    CannotOpen,
    SealingKey,
    is_good_sealing_key,
    open_answer,
    open_box,
    open_sealed,
    seal,
    seal_answer,
)

P = 2**255 - 19
KEY, OTHER = SealingKey(b"\x01" * 32), SealingKey(b"\x02" * 32)
EPHEMERAL = b"\x03" * 32
INFO, AAD = b"interlets/1/note", b"line and lock"


def suite_vectors() -> list[dict[str, Any]]:
    vectors = json.load(cryptography_vectors.open_vector_file("HPKE/test-vectors.json", "r"))
    ours = {"mode": 0, "kem_id": 0x20, "kdf_id": 1, "aead_id": 3}
    return [vector for vector in vectors if all(vector[name] == value for name, value in ours.items())]


def test_the_vector_of_rfc_9180() -> None:
    """RFC 9180 A.2.1, our suite in base mode: the first box of its context is our single shot."""
    (vector,) = suite_vectors()
    raw = {name: bytes.fromhex(value) for name, value in vector.items() if isinstance(value, str)}
    first = {name: bytes.fromhex(value) for name, value in vector["encryptions"][0].items()}
    recipient = SealingKey(raw["skRm"])

    sealed = seal(raw["pkRm"], raw["info"], first["aad"], first["pt"], ephemeral=raw["skEm"])

    assert recipient.public == raw["pkRm"]
    assert sealed == raw["enc"] + first["ct"]
    assert open_sealed(recipient, raw["info"], first["aad"], sealed) == first["pt"]


@given(
    secret=st.binary(min_size=32, max_size=32),
    ephemeral=st.binary(min_size=32, max_size=32),
    info=st.binary(max_size=60),
    plaintext=st.binary(max_size=300),
)
def test_boxes_are_those_of_the_hpke_in_cryptography(
    secret: bytes, ephemeral: bytes, info: bytes, plaintext: bytes
) -> None:
    """Rule 2.2: two implementations, both directions."""
    key = SealingKey(secret)
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
    ours = seal(key.public, info, b"", plaintext, ephemeral=ephemeral)
    theirs = suite.encrypt(plaintext, X25519PublicKey.from_public_bytes(key.public), info)

    assert suite.decrypt(ours, X25519PrivateKey.from_private_bytes(secret), info) == plaintext
    assert open_sealed(key, info, b"", theirs) == plaintext


@given(plaintext=st.binary(max_size=300), info=st.binary(max_size=60), aad=st.binary(max_size=60))
def test_a_box_opens_to_what_was_sealed(plaintext: bytes, info: bytes, aad: bytes) -> None:
    """Rule 2.2."""
    sealed = seal(KEY.public, info, aad, plaintext, ephemeral=EPHEMERAL)

    assert len(sealed) == len(plaintext) + SEALING_OVERHEAD_BYTES
    assert open_sealed(KEY, info, aad, sealed) == plaintext


@pytest.mark.parametrize(
    "key, info, aad",
    [(OTHER, INFO, AAD), (KEY, b"", AAD), (KEY, INFO + b" ", AAD), (KEY, INFO, b""), (KEY, INFO + AAD, b"")],
    ids=["another's key", "no info", "other info", "no aad", "aad moved into info"],
)
def test_a_box_does_not_open_to_another_key_or_purpose(key: SealingKey, info: bytes, aad: bytes) -> None:
    """Rule 2.2: context in `info`."""
    sealed = seal(KEY.public, INFO, AAD, b"text", ephemeral=EPHEMERAL)

    with pytest.raises(CannotOpen):
        open_sealed(key, info, aad, sealed)


SEALED = seal(KEY.public, INFO, AAD, b"four words of text", ephemeral=EPHEMERAL)


@pytest.mark.parametrize("bit", range(8 * len(SEALED)))
def test_no_flipped_bit_opens(bit: int) -> None:
    """RFC 9180 9: also in the ephemeral key, where X25519 itself ignores the top bit."""
    altered = bytearray(SEALED)
    altered[bit // 8] ^= 1 << bit % 8

    with pytest.raises(CannotOpen):
        open_sealed(KEY, INFO, AAD, bytes(altered))


@pytest.mark.parametrize("length", [*range(len(SEALED)), len(SEALED) + 1])
def test_no_other_length_opens(length: int) -> None:
    """RFC 9180 9."""
    with pytest.raises(CannotOpen):
        open_sealed(KEY, INFO, AAD, (SEALED + b"\0")[:length])


@given(data=st.binary(max_size=200))
def test_any_bytes_cannot_be_opened(data: bytes) -> None:
    """Boxes are foreign input."""
    with pytest.raises(CannotOpen):
        open_sealed(KEY, INFO, AAD, data)


# The points of small order (cr.yp.to/ecdh.html), then the same and others spelled at or above 2**255 - 19.
BAD_POINTS = {
    "order 4": 0,
    "order 1": 1,
    "order 8": 325606250916557431795983626356110631294008115727848805560023387167927233504,
    "order 8, the other": 39382357235489614581723060781553021112529911719440698176882885853963445705823,
    "order 2, p - 1": P - 1,
    "p": P,
    "p + 1": P + 1,
    "order 8, + p": 325606250916557431795983626356110631294008115727848805560023387167927233504 + P,
    "2p - 1": 2 * P - 1,
    "2p": 2 * P,
    "2p + 1": 2 * P + 1,
    "9, spelled + p": 9 + P,
    "9, top bit set": 9 + 2**255,
    "all ones": 2**256 - 1,
}


@pytest.mark.parametrize("u", BAD_POINTS.values(), ids=BAD_POINTS)
def test_points_of_small_order_and_second_spellings_are_refused(u: int) -> None:
    """Rule 1.4, for X25519: as a recipient, and as the ephemeral key of a box."""
    raw = u.to_bytes(32, "little")

    assert not is_good_sealing_key(raw)
    with pytest.raises(BadKey):
        seal(raw, INFO, AAD, b"text", ephemeral=EPHEMERAL)
    with pytest.raises(CannotOpen):
        open_sealed(KEY, INFO, AAD, raw + SEALED[32:])


@pytest.mark.parametrize("raw", [b"", b"\x09" * 31, b"\x09" * 33])
def test_a_recipient_has_32_bytes(raw: bytes) -> None:
    """RFC 7748 5."""
    with pytest.raises(BadKey):
        seal(raw, INFO, AAD, b"text", ephemeral=EPHEMERAL)


@pytest.mark.parametrize("secret", [b"", b"a" * 31, b"a" * 33, bytearray(32), "a" * 32])
def test_a_secret_has_32_bytes_and_is_not_shown(secret: object) -> None:
    """A repr ends in a log sooner or later."""
    with pytest.raises(ValueError):
        SealingKey(secret)  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        seal(KEY.public, INFO, AAD, b"text", ephemeral=secret)  # type: ignore[arg-type]
    assert "0101" not in repr(KEY)
    assert KEY.secret() == b"\x01" * 32


def test_the_figures_of_rfc_7748() -> None:
    """RFC 7748 5.2."""
    text = cryptography_vectors.open_vector_file("asymmetric/X25519/rfc7748.txt", "r").read()
    figures = [bytes.fromhex(line.split(" = ")[1]) for line in text.splitlines() if "_" in line]

    assert len(figures) == 9
    for scalar, u, output in zip(figures[::3], figures[1::3], figures[2::3], strict=True):
        assert SealingKey(scalar).shared(u) == output


@pytest.mark.shared
def test_the_wycheproof_vectors_of_x25519(shared_data: Path) -> None:
    """Rule 1.4: 518 secrets; the 44 keys of small order or in a second spelling are refused (6 are both)."""
    (group,) = json.loads((shared_data / "conformance/wycheproof/x25519_test.json").read_text())["testGroups"]
    refused = 0
    for case in group["tests"]:
        public = bytes.fromhex(case["public"])
        is_bad = bool({"LowOrderPublic", "NonCanonicalPublic"} & set(case["flags"]))
        assert is_good_sealing_key(public) != is_bad, case["tcId"]
        refused += is_bad
        key = SealingKey(bytes.fromhex(case["private"]))
        if "ZeroSharedSecret" in case["flags"]:
            with pytest.raises(ValueError):
                key.shared(public)
        else:
            assert key.shared(public).hex() == case["shared"], case["tcId"]
    assert (len(group["tests"]), refused) == (518, 44)


@pytest.mark.shared
def test_the_wycheproof_vectors_of_the_cipher(shared_data: Path) -> None:
    """Rule 2.2: the ChaCha20-Poly1305 a box is made with; 256 valid, 69 refused."""
    groups = json.loads((shared_data / "conformance/wycheproof/chacha20_poly1305_test.json").read_text())[
        "testGroups"
    ]
    answers = []
    for case in (case for group in groups for case in group["tests"]):
        raw = {name: bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")}
        cipher = ChaCha20Poly1305(raw["key"])
        try:
            opened = cipher.decrypt(raw["iv"], raw["ct"] + raw["tag"], raw["aad"])
        except (InvalidTag, ValueError):  # ValueError: a nonce of another size
            answers.append("invalid")
        else:
            assert opened == raw["msg"]
            assert cipher.encrypt(raw["iv"], opened, raw["aad"]) == raw["ct"] + raw["tag"]
            answers.append("valid")
        assert answers[-1] == case["result"], case["tcId"]
    assert (answers.count("valid"), answers.count("invalid")) == (256, 69)


def test_a_box_made_ready_is_the_same_box_and_closes_once() -> None:
    """RFC 9180 9.7: two contents under one key and nonce give away both."""
    box = Box(KEY.public, INFO, ephemeral=EPHEMERAL)

    assert box.close(AAD, b"four words of text") == SEALED
    with pytest.raises(ValueError, match="closed once"):
        box.close(AAD, b"other words of text")


# --- answers ------------------------------------------------------------------------------------------------------------


def test_the_key_of_an_answer_is_an_export_of_rfc_9180() -> None:
    """RFC 9180 5.3, A.2.1.2: both ends of the vector's context export its three values."""
    (vector,) = suite_vectors()
    raw = {name: bytes.fromhex(value) for name, value in vector.items() if isinstance(value, str)}
    box = Box(raw["pkRm"], raw["info"], ephemeral=raw["skEm"])
    recipient, sealed = SealingKey(raw["skRm"]), box.close(b"", b"text")

    assert len(vector["exports"]) == 3
    for export in vector["exports"]:
        context, value = bytes.fromhex(export["exporter_context"]), bytes.fromhex(export["exported_value"])
        assert export["L"] == len(value) == 32
        assert box.answer_key(context) == value
        assert open_box(recipient, raw["info"], b"", sealed, context) == (b"text", value)


ANSWER_KEY, SALT = bytes(range(32)), b"\x04" * 16
ANSWER = seal_answer(ANSWER_KEY, AAD, b"four words of text", salt=SALT)


def test_an_answer_is_spelled_as_rule_7_1_says() -> None:
    """By another road: the key by hand, the nonce zero."""
    key = hmac.digest(ANSWER_KEY, b"interlets/1/answer\0" + SALT, "sha256")

    assert SALT + ChaCha20Poly1305(key).encrypt(bytes(12), b"four words of text", AAD) == ANSWER
    assert len(ANSWER) == len(b"four words of text") + ANSWER_OVERHEAD_BYTES
    assert open_answer(ANSWER_KEY, AAD, ANSWER) == b"four words of text"


def test_two_answers_to_one_box_share_no_key() -> None:
    """A box can be shown twice, and its answers differ."""
    other = seal_answer(ANSWER_KEY, AAD, b"four other words!!", salt=b"\x05" * 16)
    ours, theirs = ANSWER[16:-16], other[16:-16]
    both = bytes(a ^ b for a, b in zip(b"four words of text", b"four other words!!", strict=True))

    assert bytes(a ^ b for a, b in zip(ours, theirs, strict=True)) != both
    with pytest.raises(ValueError, match="16 bytes"):
        seal_answer(ANSWER_KEY, AAD, b"", salt=b"")


@pytest.mark.parametrize("key, aad", [(bytes(32), AAD), (ANSWER_KEY, b""), (ANSWER_KEY, AAD + b" ")])
def test_an_answer_does_not_open_to_another_key_or_question(key: bytes, aad: bytes) -> None:
    """Rule 7.1."""
    with pytest.raises(CannotOpen):
        open_answer(key, aad, ANSWER)


@pytest.mark.parametrize("bit", range(8 * len(ANSWER)))
def test_no_flipped_bit_of_an_answer_opens(bit: int) -> None:
    """Rule 7.1."""
    altered = bytearray(ANSWER)
    altered[bit // 8] ^= 1 << bit % 8

    with pytest.raises(CannotOpen):
        open_answer(ANSWER_KEY, AAD, bytes(altered))


@given(data=st.binary(max_size=200))
def test_any_bytes_are_no_answer(data: bytes) -> None:
    """Answers are foreign input."""
    with pytest.raises(CannotOpen):
        open_answer(ANSWER_KEY, AAD, data)
