"""Memos: what the author of a LOCK or CLAIM writes into it for the day its own database is lost.

A memo holds ids, handles and figures, never names or text. All memos have one length: by theirs a neighbour cannot
tell whether a payment begins or ends here or only passes through. The key that seals them is the scheme's own and
comes in as a function. Source: docs/protocol.md 6.4, 6.7 (b).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, TypeAlias

from crypto.digest import object_id
from protocol.errors import InvalidValue, MalformedMessage
from protocol.limits import (
    AMOUNT_MAX,
    MEMO_BYTES_MAX,
    MEMO_SEAL_BYTES,
    QUOTE_VALID_MS,
    RATE_MINOR_PER_HOUR_MAX,
    SEQ_MAX,
    TIME_MS_MAX,
)
from protocol.line_ops import Lock, Terms
from protocol.message import Code, Fixed, Int, Maybe, Message, Nested, Part, decode_message, encode_message
from protocol.names import AccountId, Handle, ItemKey, QuoteId, SchemeId
from protocol.quote import Quote

_MEMO_PLAIN_BYTES: Final = MEMO_BYTES_MAX - MEMO_SEAL_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRest(Part):
    """What of a quote its LOCK does not tell; the quote's id, which stands in the LOCK, vouches for it."""

    nonce: Annotated[bytes, Fixed(16)]
    payee_handle: Annotated[Handle, Fixed(16)]
    listing: Annotated[ItemKey | None, Maybe(Fixed(16))]
    amount: Annotated[int, Int(1, AMOUNT_MAX)]
    unit: Annotated[str, Code()]
    rate: Annotated[int, Int(1, RATE_MINOR_PER_HOUR_MAX)]
    description: Annotated[bytes, Fixed(32)]
    time: Annotated[int, Int(0, TIME_MS_MAX)]
    valid_for: Annotated[int, Int(0, QUOTE_VALID_MS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paying(Part):
    """In my LOCK as the payer: whose account, how much of it, and the quote."""

    TAG: ClassVar[str] = "p"

    account: Annotated[AccountId, Fixed(16)]
    amount: Annotated[int, Int(1, AMOUNT_MAX)]  # set aside, in my own minor units
    handle: Annotated[Handle, Fixed(16)]  # of the member, as the payee's scheme knows it
    quote: Annotated[QuoteRest, Nested((QuoteRest,))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing(Part):
    """In my LOCK as a connector: the incoming lock. The nonce tells which line with `peer` it came over."""

    TAG: ClassVar[str] = "c"

    peer: Annotated[SchemeId, Fixed(32)]
    nonce: Annotated[bytes, Fixed(16)]
    epoch: Annotated[int, Int(0, SEQ_MAX)]
    seq: Annotated[int, Int(1, SEQ_MAX)]

    def terms(self, me: SchemeId) -> Terms:
        """Return the terms of the line the incoming lock came over."""
        low, high = sorted((me, self.peer))
        return Terms(low=low, high=high, nonce=self.nonce)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid(Part):
    """In my CLAIM as the payee: who was credited, and the quote."""

    TAG: ClassVar[str] = "q"

    account: Annotated[AccountId, Fixed(16)]
    payer: Annotated[SchemeId, Fixed(32)]
    quote: Annotated[QuoteRest, Nested((QuoteRest,))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing(Part):
    """In my CLAIM as a connector: the lock it ends and the line's own chains tell everything."""

    TAG: ClassVar[str] = "-"


Memory: TypeAlias = Paying | Passing | Paid | Nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Memo(Message):
    """What is sealed into a memo."""

    TAG: ClassVar[str] = "interlets/1/memo"

    memory: Annotated[Memory, Nested((Paying, Passing, Paid, Nothing))]


def rest_of(quote: Quote) -> QuoteRest:
    """Return what of `quote` a memo has to hold."""
    return QuoteRest(
        nonce=quote.nonce,
        payee_handle=quote.payee_handle,
        listing=quote.listing,
        amount=quote.amount,
        unit=quote.unit,
        rate=quote.rate,
        description=quote.description,
        time=quote.time,
        valid_for=quote.valid_until - quote.time,
    )


def quote_of(rest: QuoteRest, lock: Lock, *, payer: SchemeId, payee: SchemeId) -> Quote:
    """Return the whole quote of a lock.

    Raises:
        InvalidValue: it is not the one the lock names.
    """
    quote = Quote(
        payee_scheme=payee,
        payer_scheme=payer,
        nonce=rest.nonce,
        payee_handle=rest.payee_handle,
        listing=rest.listing,
        amount=rest.amount,
        unit=rest.unit,
        hours=lock.amount,
        rate=rest.rate,
        description=rest.description,
        time=rest.time,
        valid_until=rest.time + rest.valid_for,
        receipt_key=lock.receipt_key,
    )
    if QuoteId(object_id(encode_message(quote))) != lock.quote_id:
        raise InvalidValue("the memo belongs to another quote")
    return quote


def write_memo(memory: Memory, quote_id: QuoteId, seal: Callable[[bytes, bytes], bytes]) -> bytes:
    """Return the memo that says `memory`; `seal(purpose, plaintext)` adds MEMO_SEAL_BYTES."""
    plain = encode_message(Memo(memory=memory))
    # 0x80 and zeros: the padding of ISO 7816-4, which cannot be taken for the end of a message.
    sealed = seal(_purpose(quote_id), (plain + b"\x80").ljust(_MEMO_PLAIN_BYTES, b"\0"))
    assert len(sealed) == MEMO_BYTES_MAX, "a memo does not fit"
    return sealed


def read_memo(memo: bytes, quote_id: QuoteId, unseal: Callable[[bytes, bytes], bytes]) -> Memory:
    """Return what a memo of mine says.

    Raises:
        MalformedMessage: it does not say anything. What `unseal` raises, where the memo is not mine.
    """
    plain, mark, _ = unseal(_purpose(quote_id), memo).rpartition(b"\x80")
    if not mark:
        raise MalformedMessage("not a memo")
    return decode_message(Memo, plain).memory


def _purpose(quote_id: QuoteId) -> bytes:
    # Bound to the quote: else the memos of all claims that only pass on would be the same bytes, and tell so.
    return b"interlets/1/memo" + quote_id
