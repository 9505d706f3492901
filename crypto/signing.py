"""Signatures over tagged bodies, and `Signed[Body]`, a value that cannot exist unverified. Source: docs/protocol.md 1.3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, NoReturn, TypeVar, final

from crypto.canonical import INT_MAX, OBJECT_BYTES_MAX, NotCanonical, check_shortest, read, write
from crypto.digest import Id32, object_id
from crypto.keys import SigningKey, VerifyingKey

Body = TypeVar("Body")

SIGNATURE_BYTES: Final = 64
# A wire form is its body plus at most this: array and bin headers, key_seq, signature.
WIRE_OVERHEAD_BYTES: Final = 96
WIRE_BYTES_MAX: Final = OBJECT_BYTES_MAX + WIRE_OVERHEAD_BYTES

_SEAL: Final = object()


class BadSignature(ValueError):
    """The bytes are not signed by the key that should have signed them."""


@final
class Signed(Generic[Body]):
    """A body whose signature was verified, with the bytes it came in. Source: 1.2, 1.3.

    Only `sign` and `open_signed` make one: code that holds a `Signed` never asks again.
    """

    __slots__ = ("body", "body_bytes", "id", "key_seq", "signature", "wire")

    body: Body
    body_bytes: bytes
    id: Id32
    key_seq: int
    signature: bytes
    wire: bytes  # [body, key_seq, signature], as received

    def __init__(
        self, seal: object, body: Body, body_bytes: bytes, key_seq: int, signature: bytes, wire: bytes
    ):
        if seal is not _SEAL:
            raise TypeError("Signed values come from sign() or open_signed()")
        put = object.__setattr__
        put(self, "body", body)
        put(self, "body_bytes", body_bytes)
        put(self, "id", object_id(body_bytes))
        put(self, "key_seq", key_seq)
        put(self, "signature", signature)
        put(self, "wire", wire)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        # A verified value whose body could be exchanged afterwards would be worth nothing.
        raise AttributeError(f"Signed is frozen: {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"Signed is frozen: {name}")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Signed has no subclasses")

    def __reduce__(self) -> NoReturn:
        raise TypeError("keep the wire form; copies and pickles would not be verified")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Signed) and self.wire == other.wire

    def __hash__(self) -> int:
        return hash(self.wire)

    def __repr__(self) -> str:
        return f"Signed({self.body!r})"


def signed_bytes(tag: str, body: bytes) -> bytes:
    """Return what the signature covers: tag ‖ 0x00 ‖ body."""
    return tag.encode("ascii") + b"\x00" + body


def sign(tag: str, body: Body, body_bytes: bytes, key: SigningKey, key_seq: int) -> Signed[Body]:
    """Return `body` signed. `body_bytes` must be its canonical bytes, and `key_seq` a number of an identity log."""
    assert type(key_seq) is int
    assert 0 <= key_seq <= INT_MAX
    signature = key.sign(signed_bytes(tag, body_bytes))
    wire = write((body_bytes, key_seq, signature), bytes_max=WIRE_BYTES_MAX)
    return Signed(_SEAL, body, body_bytes, key_seq, signature, wire)


def split(wire: bytes) -> tuple[bytes, int, bytes]:
    """Return (body, key_seq, signature) of a wire form, nothing verified.

    Raises:
        NotCanonical: not LC1, or not of that shape.
    """
    value = read(wire, bytes_max=WIRE_BYTES_MAX)
    if type(value) is not tuple or len(value) != 3:
        raise NotCanonical("not [body, key_seq, signature]")
    body, key_seq, signature = value
    if type(body) is not bytes or type(key_seq) is not int or type(signature) is not bytes:
        raise NotCanonical("not [body, key_seq, signature]")
    if not 0 <= key_seq <= INT_MAX or len(signature) != SIGNATURE_BYTES or len(body) > OBJECT_BYTES_MAX:
        raise NotCanonical("not [body, key_seq, signature]")
    check_shortest(value, wire, bytes_max=WIRE_BYTES_MAX)
    return body, key_seq, signature


def open_signed(
    tag: str,
    wire: bytes,
    parse: Callable[[bytes], Body],
    key_for: Callable[[Body, int], VerifyingKey | None],
) -> Signed[Body]:
    """Return the verified value of `wire`.

    `parse` turns the body bytes into a body or raises; `key_for(body, key_seq)` names the one key that
    counts, or None when there is none.

    Raises:
        NotCanonical: `wire` is not a wire form.
        BadSignature: no such key, or not its signature.
        whatever `parse` raises.
    """
    body_bytes, key_seq, signature = split(wire)
    body = parse(body_bytes)
    key = key_for(body, key_seq)
    if key is None:
        raise BadSignature("no key counts for this body")
    if not key.verifies(signature, signed_bytes(tag, body_bytes)):
        raise BadSignature("the signature does not verify")
    return Signed(_SEAL, body, body_bytes, key_seq, signature, wire)


def trusted(tag: str, wire: bytes, parse: Callable[[bytes], Body]) -> Signed[Body]:
    """Return the value of a wire form that this node verified before and kept in its own store.

    For rows of the node's own database only; never for bytes from outside.
    """
    del tag  # part of the signature so that call sites name what they read
    body_bytes, key_seq, signature = split(wire)
    return Signed(_SEAL, parse(body_bytes), body_bytes, key_seq, signature, wire)
