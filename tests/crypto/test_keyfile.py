"""Key files: what opens them, and what a damaged or hostile one may cost. Rule 2.2."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.canonical import Value, decode, encode
from crypto.keyfile import (
    ITERATIONS_MAX,
    LANES_MAX,
    MEMORY_KIB_MAX,
    SECRET_BYTES_MAX,
    SMALL_COST,
    TAG,
    CannotOpenKeyFile,
    Cost,
    open_with_machine_key,
    open_with_passphrase,
    seal_with_machine_key,
    seal_with_passphrase,
)
from tests.crypto import respell

SECRET = bytes(range(32))
SALT, NONCE, MACHINE_KEY = b"s" * 16, b"n" * 12, b"m" * 32
CHEAP = Cost(memory_kib=8, iterations=1, lanes=1)
PASSPHRASE = "correct horse battery"

BY_PASSPHRASE = seal_with_passphrase(SECRET, PASSPHRASE, salt=SALT, nonce=NONCE, cost=CHEAP)
BY_MACHINE = seal_with_machine_key(SECRET, MACHINE_KEY, salt=SALT, nonce=NONCE)

Opener = Callable[[bytes], bytes]
WAYS: list[tuple[bytes, Opener]] = [
    (BY_PASSPHRASE, lambda data: open_with_passphrase(data, PASSPHRASE)),
    (BY_MACHINE, lambda data: open_with_machine_key(data, MACHINE_KEY)),
]
both_ways = pytest.mark.parametrize("data, opener", WAYS, ids=["passphrase", "machine key"])


@both_ways
def test_a_key_file_gives_back_its_secret_and_does_not_show_it(data: bytes, opener: Opener) -> None:
    """Rule 2.2."""
    assert opener(data) == SECRET
    assert SECRET not in data
    assert decode(data)[0] == TAG  # type: ignore[index]


@pytest.mark.parametrize("cost", [Cost(), SMALL_COST], ids=["default", "small"])
def test_the_costs_on_offer_work_and_are_written_in_the_file(cost: Cost) -> None:
    """Rule 2.2: a file says how to open it, whatever later versions take as their default."""
    data = seal_with_passphrase(SECRET, PASSPHRASE, salt=SALT, nonce=NONCE, cost=cost)

    assert decode(data)[1] == ("argon2id", cost.memory_kib, cost.iterations, cost.lanes)  # type: ignore[index]
    assert cost.memory_kib >= 19 * 1024
    assert open_with_passphrase(data, PASSPHRASE) == SECRET


@pytest.mark.parametrize("typed", [f"  {PASSPHRASE}\n", PASSPHRASE.replace("c", "\uff43")])
def test_a_passphrase_is_the_same_from_another_keyboard(typed: str) -> None:
    """Pasted with a line end, or typed full-width."""
    assert open_with_passphrase(BY_PASSPHRASE, typed) == SECRET


@pytest.mark.parametrize("typed", ["", " ", "Correct horse battery", PASSPHRASE + ".", "\ud800", "x" * 5000])
def test_a_wrong_passphrase_opens_nothing(typed: str) -> None:
    """Rule 2.2."""
    with pytest.raises(CannotOpenKeyFile):
        open_with_passphrase(BY_PASSPHRASE, typed)


@pytest.mark.parametrize("key", [b"M" * 32, b"m" * 31, b"m" * 33, b""])
def test_a_wrong_machine_key_opens_nothing(key: bytes) -> None:
    """Rule 2.2."""
    with pytest.raises(CannotOpenKeyFile):
        open_with_machine_key(BY_MACHINE, key)


def test_neither_way_opens_the_files_of_the_other() -> None:
    """Rule 2.2."""
    with pytest.raises(CannotOpenKeyFile):
        open_with_passphrase(BY_MACHINE, PASSPHRASE)
    with pytest.raises(CannotOpenKeyFile):
        open_with_machine_key(BY_PASSPHRASE, MACHINE_KEY)


@both_ways
def test_no_flipped_bit_opens_and_none_costs_more_than_the_bounds(data: bytes, opener: Opener) -> None:
    """Rule 2.2: costs, salt and nonce are authenticated with the secret."""
    started = time.process_time()
    for bit in range(8 * len(data)):
        altered = bytearray(data)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CannotOpenKeyFile):
            opener(bytes(altered))
    assert time.process_time() - started < 20


@both_ways
def test_a_truncated_or_respelled_file_does_not_open(data: bytes, opener: Opener) -> None:
    """Rule 1.2."""
    value = decode(data)
    spellings = [("cut", data[:length]) for length in range(len(data))]
    for name, altered in [*spellings, *respell.longer(value), *respell.mixed(value)]:
        with pytest.raises(CannotOpenKeyFile):
            pytest.fail(f"{name} opened as {opener(altered)!r}")


@given(data=st.binary(max_size=200))
def test_any_bytes_are_no_key_file(data: bytes) -> None:
    """Rule 1.2."""
    for _, opener in WAYS:
        with pytest.raises(CannotOpenKeyFile):
            opener(data)


@pytest.mark.parametrize(
    "way",
    [
        ("argon2id", 10 * 1024 * 1024, 1, 1),
        ("argon2id", MEMORY_KIB_MAX + 1, 1, 1),
        ("argon2id", 2**63 - 1, 1, 1),
        ("argon2id", 8, ITERATIONS_MAX + 1, 1),
        ("argon2id", 8, 2**32, 1),
        ("argon2id", 1024, 1, LANES_MAX + 1),
        ("argon2id", 8, 1, 2),
        ("argon2id", 0, 1, 1),
        ("argon2id", 8, 0, 1),
        ("argon2id", 8, 1, 0),
        ("argon2id", -8, 1, 1),
        ("argon2id", True, 1, 1),
        ("argon2id", b"8", 1, 1),
        ("argon2id", None, 1, 1),
        ("argon2id", 8, 1),
        ("argon2id", 8, 1, 1, 1),
        ("argon2id",),
        ("argon2i", 8, 1, 1),
        ("machine", 8),
        (),
        "argon2id",
    ],
    ids=repr,
)
def test_a_hostile_file_cannot_ask_for_more_than_the_bounds(way: Value) -> None:
    """A file from elsewhere is foreign input: 10 GiB or a day of hashing are not spent on it."""
    data = encode((TAG, way, SALT, NONCE, b"\0" * 48))
    started = time.process_time()

    for _, opener in WAYS:
        with pytest.raises(CannotOpenKeyFile):
            opener(data)
    assert time.process_time() - started < 1


def test_two_salts_give_two_keys() -> None:
    """A machine key seals many files; a salt each keeps their nonces apart."""
    other = seal_with_machine_key(SECRET, MACHINE_KEY, salt=b"t" * 16, nonce=NONCE)

    ciphertext, other_ciphertext = decode(BY_MACHINE)[4][:-16], decode(other)[4][:-16]  # type: ignore[index]
    assert ciphertext != other_ciphertext  # the last 16 bytes authenticate the salt, so they differ anyway
    assert open_with_machine_key(other, MACHINE_KEY) == SECRET


@pytest.mark.parametrize(
    "change",
    [
        {"salt": b"s" * 15},
        {"nonce": b"n" * 11},
        {"passphrase": " "},
        {"secret": b"a" * (SECRET_BYTES_MAX + 1)},
    ],
    ids=repr,
)
def test_a_file_is_not_sealed_carelessly(change: dict[str, object]) -> None:
    """Rule 2.2."""
    options: dict[str, object] = {
        "secret": SECRET,
        "passphrase": PASSPHRASE,
        "salt": SALT,
        "nonce": NONCE,
        "cost": CHEAP,
    }
    with pytest.raises(ValueError):
        seal_with_passphrase(**{**options, **change})  # type: ignore[arg-type]


def test_a_machine_key_has_32_bytes() -> None:
    """Rule 2.2."""
    with pytest.raises(ValueError):
        seal_with_machine_key(SECRET, b"m" * 16, salt=SALT, nonce=NONCE)


def test_the_largest_secret_fits() -> None:
    """All keys of a node in one file."""
    secret = b"a" * SECRET_BYTES_MAX

    assert (
        open_with_machine_key(seal_with_machine_key(secret, MACHINE_KEY, salt=SALT, nonce=NONCE), MACHINE_KEY)
        == secret
    )
