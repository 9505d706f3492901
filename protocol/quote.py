"""The price of one purchase between two schemes, asked along the route before anything is set aside.

The ask and the reply are session messages; the quote and the acceptance are signed with the two schemes' line
keys, so that both have signed the same terms. Source: docs/protocol.md 7.1, 7.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, ClassVar, Final, TypeAlias

from crypto.digest import tagged
from crypto.keys import SigningKey
from crypto.signing import Signed, signed_bytes
from protocol.errors import InvalidValue, MalformedMessage
from protocol.limits import (
    AMOUNT_MAX,
    LOCK_DEADLINE_MS,
    MEMBER_NUMBER_MAX,
    NOTE_BYTES_MAX,
    QUOTE_NAME_BYTES_MAX,
    QUOTE_SEALED_BYTES_MAX,
    QUOTE_TEXT_BYTES_MAX,
    QUOTE_VALID_MS,
    RATE_MINOR_PER_HOUR_MAX,
    ROUTE_HOPS_MAX,
    TIME_MS_MAX,
)
from protocol.line_ops import RECEIPT_TAG, receipt_bytes
from protocol.message import (
    Blob,
    Code,
    Fixed,
    Int,
    Many,
    Maybe,
    Message,
    Nested,
    Part,
    Text,
    decode_message,
    encode_message,
)
from protocol.names import Handle, ItemKey, QuoteId, SchemeId
from protocol.units import Rate, hours_of

# The only refusals that cross the wire: limits and the state of members do not leak. Source: 7.1.
REFUSALS: Final = ("gone", "price-changed", "no-way", "cannot-now")
READY: Final = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteAsk(Message):
    """What the payer's node sends along the route; only the payee can read the request. Source: 7.1."""

    TAG: ClassVar[str] = "interlets/1/quote-ask"

    nonce: Annotated[bytes, Fixed(16)]
    route: Annotated[tuple[SchemeId, ...], Many(Fixed(32), ROUTE_HOPS_MAX + 1, 2)]  # payer first, payee last
    sealed: Annotated[bytes, Blob(QUOTE_SEALED_BYTES_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRequest(Message):
    """What the payer wants a price for, readable by the payee only."""

    TAG: ClassVar[str] = "interlets/1/quote-request"

    listing: Annotated[ItemKey | None, Maybe(Fixed(16))]
    payee_handle: Annotated[Handle | None, Maybe(Fixed(16))]
    payer_handle: Annotated[Handle, Fixed(16)]
    payer_name: Annotated[str, Text(QUOTE_NAME_BYTES_MAX)]
    amount: Annotated[int, Int(1, AMOUNT_MAX)]  # in the payee's minor units
    # The listing's price as the payer saw it; where it stands otherwise now, the answer is `price-changed`.
    price_seen: Annotated[int | None, Maybe(Int(1, AMOUNT_MAX))]
    text: Annotated[str, Text(QUOTE_TEXT_BYTES_MAX)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.listing is None and self.payee_handle is None:
            raise InvalidValue("QuoteRequest: it names neither a listing nor a person")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChequeRequest(QuoteRequest):
    """A request for whoever is named on a cheque or slip, by number and name as they stand there. Source: 7.11."""

    TAG: ClassVar[str] = "interlets/1/quote-request-cheque"

    number: Annotated[int, Int(1, MEMBER_NUMBER_MAX)]
    name: Annotated[str, Text(QUOTE_NAME_BYTES_MAX, least=1)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.listing is not None or self.payee_handle is not None:
            raise InvalidValue("ChequeRequest: it names somebody in two ways")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote(Message):
    """The payee scheme's promise: this much, in these units, for these hours, opened by this key. Source: 7.1."""

    TAG: ClassVar[str] = "interlets/1/quote"

    payee_scheme: Annotated[SchemeId, Fixed(32)]
    payer_scheme: Annotated[SchemeId, Fixed(32)]
    nonce: Annotated[bytes, Fixed(16)]
    payee_handle: Annotated[Handle, Fixed(16)]
    listing: Annotated[ItemKey | None, Maybe(Fixed(16))]
    amount: Annotated[int, Int(1, AMOUNT_MAX)]  # the payee's minor units, exact
    unit: Annotated[str, Code()]
    hours: Annotated[int, Int(1, AMOUNT_MAX)]  # 3 600 000ths
    rate: Annotated[int, Int(1, RATE_MINOR_PER_HOUR_MAX)]  # the payee's minor units an hour
    description: Annotated[bytes, Fixed(32)]  # digest of the text both sides keep
    time: Annotated[int, Int(0, TIME_MS_MAX)]  # the payee's clock
    valid_until: Annotated[int, Int(0, TIME_MS_MAX)]  # the payee's clock
    receipt_key: Annotated[bytes, Fixed(32)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered(Part):
    """The signed quote, in a reply."""

    TAG: ClassVar[str] = "quote"

    wire: Annotated[bytes, Blob(1024)]
    payee_name: Annotated[str, Text(QUOTE_NAME_BYTES_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Part):
    """An honest no, in a reply; `amount` is the new price where it changed."""

    TAG: ClassVar[str] = "refused"

    reason: Annotated[str, Code(REFUSALS)]
    amount: Annotated[int | None, Maybe(Int(1, AMOUNT_MAX))] = None


Outcome: TypeAlias = Offered | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteAnswer(Message):
    """What the payee says, readable by the payer only."""

    TAG: ClassVar[str] = "interlets/1/quote-answer"

    outcome: Annotated[Outcome, Nested((Offered, Refused))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Part):
    """What one scheme on the way back says of itself: `ready`, or one of the refusals."""

    scheme: Annotated[SchemeId, Fixed(32)]
    word: Annotated[str, Code((READY, *REFUSALS))]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteReply(Message):
    """The reply on its way back; each connector adds whether it could carry the hours. Source: 7.1."""

    TAG: ClassVar[str] = "interlets/1/quote-reply"

    nonce: Annotated[bytes, Fixed(16)]
    hours: Annotated[int, Int(0, AMOUNT_MAX)]  # 0: the payee refused
    sealed: Annotated[bytes, Blob(QUOTE_SEALED_BYTES_MAX)]
    answers: Annotated[tuple[Answer, ...], Many(Nested((Answer,)), ROUTE_HOPS_MAX + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance(Message):
    """The payer scheme's signature under the same terms; travels to the payee inside the sealed note. Source: 7.1."""

    TAG: ClassVar[str] = "interlets/1/acceptance"

    quote_id: Annotated[QuoteId, Fixed(32)]
    payer_scheme: Annotated[SchemeId, Fixed(32)]
    payer_handle: Annotated[Handle, Fixed(16)]


def binding(nonce: bytes, payer: SchemeId, payee: SchemeId) -> bytes:
    """Return what the sealed parts of one ask are bound to, so that none can be moved to another ask or scheme."""
    return tagged("interlets/1/quote-binding", nonce + payer + payee)


def note_binding(quote_id: QuoteId) -> bytes:
    """Return what a LOCK's sealed note is bound to."""
    return tagged("interlets/1/note-binding", quote_id)


def description_digest(text: str) -> bytes:
    """Return the digest of a trade's text, by which both sides can show they mean the same words."""
    return tagged("interlets/1/description", text.encode())


def make_quote(
    request: QuoteRequest,
    *,
    payee_scheme: SchemeId,
    payer_scheme: SchemeId,
    nonce: bytes,
    payee_handle: Handle,
    unit: str,
    rate: Rate,
    receipt_key: bytes,
    now_ms: int,
) -> Quote:
    """Return the quote for a request the payee's node is willing to serve.

    Raises:
        InvalidValue: the price is more hours than an amount may hold.
    """
    return Quote(
        payee_scheme=payee_scheme,
        payer_scheme=payer_scheme,
        nonce=nonce,
        payee_handle=payee_handle,
        listing=request.listing,
        amount=request.amount,
        unit=unit,
        hours=hours_of(request.amount, rate),
        rate=rate.minor_per_hour,
        description=description_digest(request.text),
        time=now_ms,
        valid_until=now_ms + QUOTE_VALID_MS,
        receipt_key=receipt_key,
    )


class QuoteFault(Enum):
    """Why a payer does not take a quote that came back."""

    NOT_MINE = "not mine"
    OTHER_TERMS = "other terms"
    WRONG_HOURS = "wrong hours"
    TOO_OLD = "too old"
    KEY_UNKNOWN = "key unknown"


def check_quote(
    quote: Quote,
    request: QuoteRequest,
    *,
    payer: SchemeId,
    payee: SchemeId,
    nonce: bytes,
    receipt_key_known: bool,
) -> QuoteFault | None:
    """Return why the payer must not take `quote` for `request`, or None. Source: 7.1."""
    if (quote.payer_scheme, quote.payee_scheme, quote.nonce) != (payer, payee, nonce):
        return QuoteFault.NOT_MINE
    asked = (request.listing, request.amount, description_digest(request.text))
    if (quote.listing, quote.amount, quote.description) != asked:
        return QuoteFault.OTHER_TERMS
    if request.payee_handle is not None and quote.payee_handle != request.payee_handle:
        return QuoteFault.OTHER_TERMS
    if not _hours_are_right(quote):
        return QuoteFault.WRONG_HOURS
    if not quote.time < quote.valid_until <= quote.time + QUOTE_VALID_MS:
        return QuoteFault.TOO_OLD
    return None if receipt_key_known else QuoteFault.KEY_UNKNOWN


def _hours_are_right(quote: Quote) -> bool:
    try:
        return quote.hours == hours_of(quote.amount, Rate(minor_per_hour=quote.rate))
    except InvalidValue:  # more hours than an amount may hold: nothing the quote says could be right
        return False


def payee_now(quote: Quote, received_ms: int, now_ms: int) -> int:
    """Return the payee's clock, as far as the payer can tell: the quote's time plus what passed here since. Source: 7.1."""
    return quote.time + max(0, now_ms - received_ms)


def deadline(quote: Quote, received_ms: int, now_ms: int) -> int:
    """Return the deadline of a lock begun now, on the payee's clock. Source: 7.1."""
    return min(payee_now(quote, received_ms, now_ms) + LOCK_DEADLINE_MS, quote.valid_until)


def is_fresh(quote: Quote, received_ms: int, now_ms: int) -> bool:
    """Tell whether a payment on `quote` may still begin."""
    return payee_now(quote, received_ms, now_ms) < quote.valid_until


def make_receipt(quote_id: QuoteId, key: SigningKey) -> bytes:
    """Return the receipt: it opens every lock of the quote and proves the whole payment. Source: 7.4."""
    return key.sign(signed_bytes(RECEIPT_TAG, receipt_bytes(quote_id)))


def quote_id_of(quote: Signed[Quote]) -> QuoteId:
    """Return the id by which locks, acceptance and receipt name a quote."""
    return QuoteId(quote.id)


def fits_note(acceptance_wire: bytes, overhead: int) -> bool:
    """Tell whether a sealed acceptance fits a LOCK's note; `overhead` is what sealing adds, in bytes."""
    return len(acceptance_wire) + overhead <= NOTE_BYTES_MAX


def read_request(data: bytes) -> QuoteRequest:
    """Return what was sealed for the payee, of either form. Raises MalformedMessage."""
    try:
        return decode_message(QuoteRequest, data)
    except MalformedMessage:
        return decode_message(ChequeRequest, data)


def request_bytes(request: QuoteRequest) -> bytes:
    """Return the bytes to seal for the payee."""
    return encode_message(request)
