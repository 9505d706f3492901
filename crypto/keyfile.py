"""Key files: a secret sealed under a passphrase or under a machine key. Source: docs/protocol.md 2.2.

The file is one LC1 value, `[tag, way, salt16, nonce12, sealed]`, where `way` is `["argon2id", memory in KiB,
iterations, lanes]` or `["machine"]`. Everything before `sealed` is authenticated with it. Bytes in, bytes
out: reading, writing, file modes and fresh salts belong to the caller.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.canonical import NotCanonical, Value, decode, encode

TAG: Final = "interlets/1/key-file"
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12
MACHINE_KEY_BYTES: Final = 32
# Room for every key of a node in one file.
SECRET_BYTES_MAX: Final = 8 * 1024

# The most that opening a file may cost, so that a hostile one cannot ask for 10 GiB or a day.
MEMORY_KIB_MAX: Final = 256 * 1024
ITERATIONS_MAX: Final = 10
LANES_MAX: Final = 8


class CannotOpenKeyFile(ValueError):
    """Wrong passphrase or machine key, or a damaged file. Which of them cannot be told."""

    def __init__(self) -> None:
        super().__init__("the passphrase or key is wrong, or the key file is damaged")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one try of a passphrase costs, with Argon2id. The default takes about 0.2 s and 64 MiB."""

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4

    def __post_init__(self) -> None:
        for number, most in (
            (self.memory_kib, MEMORY_KIB_MAX),
            (self.iterations, ITERATIONS_MAX),
            (self.lanes, LANES_MAX),
        ):
            if type(number) is not int or not 1 <= number <= most:
                raise ValueError(f"a cost of {number} is not in 1..{most}")
        if self.memory_kib < 8 * self.lanes:
            raise ValueError("Argon2 needs 8 KiB for each lane")


# For machines of 256 MiB: 19 MiB and about 30 ms.
SMALL_COST: Final = Cost(memory_kib=19 * 1024, iterations=2, lanes=1)


def _passphrase_key(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    # NFKC, and ends stripped: the same passphrase typed on another keyboard, or pasted with a line end.
    material = unicodedata.normalize("NFKC", passphrase).strip().encode("utf-8", "surrogatepass")
    argon = Argon2id(
        salt=salt, length=32, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib
    )
    return argon.derive(material)


def _machine_key(machine_key: bytes, salt: bytes) -> bytes:
    if len(machine_key) != MACHINE_KEY_BYTES:
        raise ValueError(f"a machine key has {MACHINE_KEY_BYTES} bytes")
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=TAG.encode()).derive(machine_key)


def _seal(secret: bytes, way: Value, key: bytes, salt: bytes, nonce: bytes) -> bytes:
    if len(secret) > SECRET_BYTES_MAX:
        raise ValueError(f"a key file holds at most {SECRET_BYTES_MAX} bytes")
    if len(salt) != SALT_BYTES or len(nonce) != NONCE_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, a nonce {NONCE_BYTES}")
    sealed = ChaCha20Poly1305(key).encrypt(nonce, secret, encode((TAG, way, salt, nonce)))
    return encode((TAG, way, salt, nonce, sealed))


def _read(data: bytes) -> tuple[tuple[Value, ...], bytes, bytes, bytes]:
    """Return way, salt, nonce and sealed bytes, nothing verified. Raises CannotOpenKeyFile."""
    try:
        value = decode(data)
    except NotCanonical:
        raise CannotOpenKeyFile from None
    if type(value) is not tuple or len(value) != 5 or value[0] != TAG:
        raise CannotOpenKeyFile
    _, way, salt, nonce, sealed = value
    if (
        type(way) is not tuple
        or type(salt) is not bytes
        or type(nonce) is not bytes
        or type(sealed) is not bytes
    ):
        raise CannotOpenKeyFile
    if not way or len(salt) != SALT_BYTES or len(nonce) != NONCE_BYTES:
        raise CannotOpenKeyFile
    return way, salt, nonce, sealed


def _open(way: Value, key: bytes, salt: bytes, nonce: bytes, sealed: bytes) -> bytes:
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed, encode((TAG, way, salt, nonce)))
    except InvalidTag:
        raise CannotOpenKeyFile from None


def seal_with_passphrase(
    secret: bytes, passphrase: str, *, salt: bytes, nonce: bytes, cost: Cost = Cost()
) -> bytes:
    """Return the key file of `secret`. `salt` (16) and `nonce` (12) are fresh random bytes.

    Takes as long as `cost` says; call it off the event loop.
    """
    if not passphrase.strip():
        raise ValueError("the passphrase is empty")
    way = ("argon2id", cost.memory_kib, cost.iterations, cost.lanes)
    return _seal(secret, way, _passphrase_key(passphrase, salt, cost), salt, nonce)


def open_with_passphrase(data: bytes, passphrase: str) -> bytes:
    """Return the secret of a key file.

    Raises:
        CannotOpenKeyFile: wrong passphrase, not such a file, altered, or asking for more than the bounds.
    """
    way, salt, nonce, sealed = _read(data)
    name, *numbers = way
    if name != "argon2id" or len(numbers) != 3:
        raise CannotOpenKeyFile
    memory_kib, iterations, lanes = numbers
    try:
        cost = Cost(memory_kib, iterations, lanes)  # type: ignore[arg-type]  # Cost checks the types
    except ValueError:
        raise CannotOpenKeyFile from None
    return _open(way, _passphrase_key(passphrase, salt, cost), salt, nonce, sealed)


def seal_with_machine_key(secret: bytes, machine_key: bytes, *, salt: bytes, nonce: bytes) -> bytes:
    """Return the key file of `secret`, for keys a node must have when it starts unattended."""
    return _seal(secret, ("machine",), _machine_key(machine_key, salt), salt, nonce)


def open_with_machine_key(data: bytes, machine_key: bytes) -> bytes:
    """Return the secret of a key file.

    Raises:
        CannotOpenKeyFile: another machine key, not such a file, or altered.
    """
    way, salt, nonce, sealed = _read(data)
    if way != ("machine",) or len(machine_key) != MACHINE_KEY_BYTES:
        raise CannotOpenKeyFile
    return _open(way, _machine_key(machine_key, salt), salt, nonce, sealed)
