"""Ed25519 against published figures, and keys nobody may have. Rule 1.4, RFC 8032."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cryptography_vectors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.keys import BadKey, SigningKey, VerifyingKey, is_good_public_key

P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P

BAD_ENCODINGS = [
    "0100000000000000000000000000000000000000000000000000000000000000",  # the neutral element: any message verifies
    "0000000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # from here on, not canonical either
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


@pytest.mark.parametrize("encoding", BAD_ENCODINGS)
def test_the_published_bad_encodings_are_refused(encoding: str) -> None:
    """Rule 1.4."""
    with pytest.raises(BadKey):
        VerifyingKey(bytes.fromhex(encoding))


@pytest.mark.parametrize("number", range(50))
def test_keys_of_random_seeds_are_accepted(number: int) -> None:
    """Rule 1.4."""
    key = SigningKey(hashlib.sha256(f"seed {number}".encode()).digest())

    assert VerifyingKey(key.public.raw) == key.public
    assert key.public.verifies(key.sign(b"message"), b"message")
    assert not key.public.verifies(key.sign(b"message"), b"massage")


@pytest.mark.parametrize(
    "raw", [b"", b"\x02" * 31, b"\x02" * 33, bytearray(b"\x58" + b"\x66" * 31), "f" * 32, None]
)
def test_a_public_key_is_32_bytes(raw: object) -> None:
    """Rule 1.4."""
    with pytest.raises(BadKey):
        VerifyingKey(raw)  # type: ignore[arg-type]


def decoded(raw: bytes) -> tuple[int, int] | None:
    """Return the point of an encoding as RFC 8032 5.1.3 decodes it, step by step."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x - u) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (v * x * x - u) % P or (x == 0 and sign):
        return None
    return (P - x if x & 1 != sign else x, y)


def doubled(point: tuple[int, int]) -> tuple[int, int]:
    x, y = point
    k = D * x * x * y * y % P
    return 2 * x * y * pow(1 + k, P - 2, P) % P, (y * y + x * x) * pow(1 - k, P - 2, P) % P


def is_good_by_the_book(raw: bytes) -> bool:
    point = decoded(raw)
    return point is not None and doubled(doubled(doubled(point))) != (0, 1)


small_numbers = st.integers(-3, 40).map(lambda n: n % 2**255)
near_the_prime = st.integers(-40, 18).map(lambda n: P + n)


@given(y=st.integers(0, 2**255 - 1) | small_numbers | near_the_prime, sign=st.integers(0, 1))
def test_key_hygiene_agrees_with_decoding_and_doubling(y: int, sign: int) -> None:
    """Rule 1.4: the short check says what decoding the point and multiplying it by 8 says."""
    raw = (y | sign << 255).to_bytes(32, "little")

    assert is_good_public_key(raw) == is_good_by_the_book(raw)


# RFC 8032 7.1: secret key, public key, message, signature. TEST 1, 2, 3 and SHA(abc).
RFC_8032 = [
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
     "",
     ("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
     "72",
     ("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
     "af82",
     ("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")),
    ("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     hashlib.sha512(b"abc").hexdigest(),
     ("dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
     "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704")),
]  # fmt: skip


@pytest.mark.parametrize(
    "secret, public, message, signature", RFC_8032, ids=["TEST 1", "TEST 2", "TEST 3", "TEST SHA(abc)"]
)
def test_the_figures_of_rfc_8032(secret: str, public: str, message: str, signature: str) -> None:
    """Rule 1.3."""
    key, content = SigningKey(bytes.fromhex(secret)), bytes.fromhex(message)

    assert key.public.raw.hex() == public
    assert key.sign(content).hex() == signature
    assert VerifyingKey(bytes.fromhex(public)).verifies(bytes.fromhex(signature), content)


def check_djb_line(line: str) -> None:
    secret_and_public, public, message, signature_and_message, *_ = map(bytes.fromhex, line.split(":"))
    key = SigningKey(secret_and_public[:32])
    assert key.public.raw == public == secret_and_public[32:]
    assert key.sign(message) == signature_and_message[:64]
    assert VerifyingKey(public).verifies(signature_and_message[:64], message)


def test_the_vectors_of_the_cryptography_package() -> None:
    """Rule 1.3: 1024 keys, messages of 0 to 1023 bytes."""
    lines = list(cryptography_vectors.open_vector_file("asymmetric/Ed25519/sign.input", "r"))

    assert len(lines) == 1024
    for line in lines:
        check_djb_line(line)


@pytest.mark.shared
def test_the_djb_vectors(shared_data: Path) -> None:
    """Rule 1.3."""
    lines = (shared_data / "conformance/ed25519-djb/sign-first200.input").read_text().splitlines()

    assert len(lines) == 200
    for line in lines:
        check_djb_line(line)


@pytest.mark.shared
def test_the_wycheproof_vectors(shared_data: Path) -> None:
    """Rule 1.4: 88 valid signatures verify, 63 invalid ones do not (S too large, wrong length, altered)."""
    groups = json.loads((shared_data / "conformance/wycheproof/ed25519_test.json").read_text())["testGroups"]
    answers = []
    for group in groups:
        key = VerifyingKey(bytes.fromhex(group["publicKey"]["pk"]))
        for case in group["tests"]:
            verified = key.verifies(bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
            assert verified == (case["result"] == "valid"), case["tcId"]
            answers.append(verified)
    assert (answers.count(True), answers.count(False)) == (88, 63)


@given(place=st.integers(0, 511))
def test_every_flipped_bit_of_a_signature_is_noticed(place: int) -> None:
    """Rule 1.3."""
    key = SigningKey(b"\x07" * 32)
    altered = bytearray(key.sign(b"message"))
    altered[place // 8] ^= 1 << place % 8

    assert not key.public.verifies(bytes(altered), b"message")


def test_a_private_key_does_not_show_its_seed() -> None:
    """A repr ends in a log sooner or later."""
    key = SigningKey(b"\x07" * 32)

    assert "0707" not in repr(key)
    assert key.seed() == b"\x07" * 32
    assert repr(key.public).startswith("VerifyingKey(")


@pytest.mark.parametrize("seed", [b"", b"a" * 31, b"a" * 33, bytearray(32), "a" * 32])
def test_a_seed_is_32_bytes(seed: object) -> None:
    """RFC 8032 5.1.5."""
    with pytest.raises(ValueError):
        SigningKey(seed)  # type: ignore[arg-type]
