"""A member's receipt: one file that carries what a trade's entry says and everything needed to check it.

The parts as they are spelled; what they prove together is in `receipt_proof.py`. Nothing here is believed because of
who shows it. Source: docs/protocol.md 4.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from crypto.canonical import OBJECT_BYTES_MAX
from crypto.digest import SALT_BYTES, tagged
from crypto.signing import SIGNATURE_BYTES, WIRE_BYTES_MAX, split
from protocol.descriptor import Descriptor
from protocol.entry import Payload
from protocol.errors import InvalidValue
from protocol.limits import (
    IDENTITY_EVENTS_MAX,
    RECEIPT_BYTES_MAX,
    RECEIPT_PROOF_BYTES_MAX,
    RECEIPT_WITNESSES_MAX,
    SEQ_MAX,
)
from protocol.message import (
    Blob,
    Fixed,
    Int,
    Many,
    Maybe,
    Message,
    Nested,
    Part,
    decode_message,
    decode_whole,
    encode_whole,
)  # fmt: skip
from protocol.names import EntryId, KeySeq
from protocol.quote import Quote
from protocol.references import DIGITS

_WIRE: Final = Blob(WIRE_BYTES_MAX)
_CHECK_TAG: Final = "interlets/1/receipt-check"
CHECK_CHARACTERS: Final = 16
_CHECK_BITS: Final = 5 * CHECK_CHARACTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduced(Part):
    """A scheme that signed something here: its identity events from the inception up to the newest needed, its name."""

    identity: Annotated[tuple[bytes, ...], Many(_WIRE, IDENTITY_EVENTS_MAX, 1)]
    descriptor: Annotated[bytes | None, Maybe(_WIRE)]  # its name and unit, by its session key


@dataclass(frozen=True, slots=True, kw_only=True)
class Salted(Part):
    """What a commitment of the entry hides, with its salt."""

    salt: Annotated[bytes, Fixed(SALT_BYTES)]
    data: Annotated[bytes, Blob(OBJECT_BYTES_MAX)]

    @property
    def payload(self) -> Payload:
        """The payload as entries know it."""
        return Payload(salt=self.salt, data=self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByKey(Part):
    """A signature that stands apart from its body."""

    key_seq: Annotated[KeySeq, Int(0, SEQ_MAX)]
    signature: Annotated[bytes, Fixed(SIGNATURE_BYTES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed(Part):
    """What two schemes signed of one payment. Source: 7.1, 7.4."""

    other: Annotated[Introduced, Nested((Introduced,))]  # the scheme at the other end
    quote: Annotated[bytes, _WIRE]  # the body: its id is what acceptance and receipt are over
    # None where a restore brought the terms back from the line and not their signature (6.7 b).
    quote_signed: Annotated[ByKey | None, Maybe(Nested((ByKey,)))]
    acceptance: Annotated[bytes | None, Maybe(_WIRE)]
    receipt: Annotated[bytes, Fixed(SIGNATURE_BYTES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Message):
    """The file. Source: 4.4."""

    TAG: ClassVar[str] = "interlets/1/receipt-file"

    own: Annotated[Introduced, Nested((Introduced,))]  # the scheme whose book the entry is in
    entry: Annotated[bytes, _WIRE]
    book: Annotated[Salted, Nested((Salted,))]
    words: Annotated[Salted | None, Maybe(Nested((Salted,)))]  # None: erased, or not the holder's
    agreed: Annotated[Agreed | None, Maybe(Nested((Agreed,)))]
    proof: Annotated[
        bytes | None, Maybe(Blob(RECEIPT_PROOF_BYTES_MAX))
    ]  # a tlog-proof; None: not in the log yet
    # Whose cosignatures the proof's checkpoint carries, in their order.
    witnesses: Annotated[tuple[Introduced, ...], Many(Nested((Introduced,)), RECEIPT_WITNESSES_MAX)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.proof is None and self.witnesses:
            raise InvalidValue("Receipt: witnesses of nothing")


# --- Bytes ---------------------------------------------------------------------------------------------------


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the bytes of the file. Raises InvalidValue: longer than a receipt may be."""
    return encode_whole(receipt, RECEIPT_BYTES_MAX)


def decode_receipt(data: bytes) -> Receipt:
    """Return the receipt that `data` spells; nothing in it is verified. Raises MalformedMessage."""
    return decode_whole(Receipt, data, RECEIPT_BYTES_MAX)


# --- Making one ----------------------------------------------------------------------------------------------


def introduce(log: Sequence[bytes], key_seqs: Iterable[KeySeq], descriptor: bytes | None) -> Introduced:
    """Return a scheme with as much of its identity log as the keys delegated at `key_seqs` and its descriptor need."""
    needed = [*key_seqs]
    if descriptor is not None:
        body, key_seq, _ = split(descriptor)
        needed += [key_seq, decode_message(Descriptor, body).identity_seq]
    return Introduced(identity=tuple(log[: max(needed, default=0) + 1]), descriptor=descriptor)


def salted(payload: Payload) -> Salted:
    """Return a stored payload as a receipt carries it."""
    return Salted(salt=payload.salt, data=payload.data)


def quote_parts(wire: bytes) -> tuple[bytes, ByKey | None]:
    """Return body and signature of a stored quote; the signature of one that a restore brought back is lost. Source: 6.7 b."""
    body, key_seq, signature = split(wire)
    if not any(signature):
        return body, None
    return body, ByKey(key_seq=key_seq, signature=signature)


def quote_in(agreed: Agreed) -> Quote:
    """Return the terms, nothing verified. Raises MalformedMessage."""
    return decode_message(Quote, agreed.quote)


def check_code(entry_id: EntryId, book_salt: bytes) -> str:
    """Return the 16 letters and digits that a printed receipt carries beside its reference. Source: 7.9.

    Whoever has not seen the entry's salt cannot guess them: 80 bits of a digest over it.
    """
    bits = int.from_bytes(tagged(_CHECK_TAG, entry_id + book_salt)[: _CHECK_BITS // 8], "big")
    return "".join(DIGITS[bits >> shift & 31] for shift in range(_CHECK_BITS - 5, -1, -5))
