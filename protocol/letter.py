"""Letters: what people of different schemes write to each other, sealed for the reader's scheme.

Signed by the sender's session key: a letter moves no value, and the node that carries it is the one that speaks.
Whom a letter passes on its way, quotas and blocking are the node's. Source: docs/protocol.md 7.7, 7.8, 7.10.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Annotated, ClassVar, Final

from crypto.canonical import encode
from crypto.keys import BadKey
from crypto.sealing import CannotOpen, SealingKey, open_sealed, seal
from crypto.signing import Signed
from protocol.beyond import Stands, Wants
from protocol.deposit import DepositState
from protocol.entry import ListingRef
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic
from protocol.identity import IdentityState
from protocol.identity_events import SESSION
from protocol.limits import (
    AMOUNT_MAX,
    CHEQUE_NUMBER_BYTES_MAX,
    CLOCK_TOLERANCE_MS,
    CONDITION_PICTURES_MAX,
    CONDITION_WORDS_BYTES_MAX,
    DAYS_MAX,
    EVENT_GUESTS_MAX,
    LETTER_NAME_BYTES_MAX,
    LETTER_SEALED_BYTES_MAX,
    LETTER_TEXT_BYTES_MAX,
    LETTER_VALID_MS_MAX,
    LISTING_TITLE_BYTES_MAX,
    MEMBER_NUMBER_MAX,
    TIME_MS_MAX,
)
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
    open_message,
)
from protocol.names import Handle, ItemKey, SchemeId

MESSAGE: Final = "message"
PROPOSAL: Final = "proposal"
AGREEMENT: Final = "agreement"
PAYMENT_REQUEST: Final = "payment-request"
REQUEST_DECLINED: Final = "request-declined"
REQUEST_WITHDRAWN: Final = "request-withdrawn"
THANKS: Final = "thanks"
DISPUTE: Final = "dispute"
STATEMENT: Final = "statement"
LISTING_REQUEST: Final = "listing-request"
LISTING_ANSWER: Final = "listing-answer"
CHEQUE: Final = "cheque"

# What each kind must say besides its words. Any kind may say more. Source: 7.7, 7.8.
KINDS: Final[dict[str, tuple[str, ...]]] = {
    MESSAGE: (),
    PROPOSAL: (),
    AGREEMENT: (),
    PAYMENT_REQUEST: ("amount",),
    REQUEST_DECLINED: ("reference",),
    REQUEST_WITHDRAWN: ("reference",),
    THANKS: (),
    DISPUTE: (),
    STATEMENT: (),
    LISTING_REQUEST: ("listing", "reference"),
    LISTING_ANSWER: ("listing", "reference"),
    CHEQUE: ("amount", "until", "reference"),
}

DELIVERED: Final = "delivered"
NOT_UNDERSTOOD: Final = "not-understood"  # a kind this version does not know
NOBODY: Final = "nobody"  # no such handle, or not any more
EXPIRED: Final = "expired"
TOO_MANY: Final = "too-many"  # the reader's scheme takes no more from there for now
ANSWERS: Final = (DELIVERED, NOT_UNDERSTOOD, NOBODY, EXPIRED, TOO_MANY)

_INFO: Final = b"interlets/1/letter"
REQUEST_ID_BYTES: Final = 16
_WORDS_OF: Final = {LISTING_REQUEST: frozenset(Wants), LISTING_ANSWER: frozenset(Stands)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Message):
    """The envelope: from which scheme, to which, until when. Source: 7.7."""

    TAG: ClassVar[str] = "interlets/1/letter"

    sender: Annotated[SchemeId, Fixed(32)]
    recipient: Annotated[SchemeId, Fixed(32)]
    letter: Annotated[bytes, Fixed(16)]  # random: by it a letter that comes twice is known
    expires: Annotated[int, Int(0, TIME_MS_MAX)]
    sealed: Annotated[bytes, Blob(LETTER_SEALED_BYTES_MAX)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.sender == self.recipient:
            raise InvalidValue("Letter: a scheme writes none to itself")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum(Part):
    """So many minor units of that scheme's unit."""

    scheme: Annotated[SchemeId, Fixed(32)]
    amount: Annotated[int, Int(1, AMOUNT_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterText(Message):
    """What only the reader's scheme can read. Never signed by itself: the letter around it is. Source: 7.7."""

    TAG: ClassVar[str] = "interlets/1/letter-text"

    thread: Annotated[bytes, Fixed(16)]  # random, drawn by whoever begins it
    kind: Annotated[str, Code()]  # one of KINDS, or of a later version
    from_handle: Annotated[Handle, Fixed(16)]
    from_name: Annotated[str, Text(LETTER_NAME_BYTES_MAX)]  # a first name, or empty (5.8)
    to_handle: Annotated[Handle | None, Maybe(Fixed(16))]  # nil: whoever placed the listing, else the desk
    listing: Annotated[ListingRef | None, Maybe(Nested((ListingRef,)))]
    amount: Annotated[Sum | None, Maybe(Nested((Sum,)))]  # asked or proposed
    until: Annotated[int | None, Maybe(Int(0, TIME_MS_MAX))]  # of a request, a day
    reference: Annotated[bytes | None, Maybe(Blob(32))]  # of a booking, quote or entry
    text: Annotated[str, Text(LETTER_TEXT_BYTES_MAX)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        for needed in KINDS.get(self.kind, ()):
            if getattr(self, needed) is None:
                raise InvalidValue(f"LetterText.{needed}: a {self.kind} says it")

    @property
    def understood(self) -> bool:
        """Whether this version knows the kind; if not, it is answered `not-understood`. Source: 7.7."""
        return self.kind in KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Part):
    """What whoever asks for a swap would give: the title of a listing of theirs, or words. Source: 7.10."""

    text: Annotated[str, Text(LISTING_TITLE_BYTES_MAX, least=1)]
    key: Annotated[ItemKey | None, Maybe(Fixed(16))]


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositSaid(Part):
    """What a side knows of the deposit for what is booked, in minor units of the listing's scheme. Source: 7.8."""

    amount: Annotated[int, Int(1, AMOUNT_MAX)]  # all of it
    word: Annotated[str, Code(tuple(DepositState))]
    keep: Annotated[int, Int(0, AMOUNT_MAX)] = 0  # what the owner asks to keep of it, or was given

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        asks = self.word in (DepositState.ASKED, DepositState.KEPT)
        if self.keep > self.amount or (self.keep > 0) is not asks:
            raise InvalidValue("DepositSaid.keep: more than all of it, or not said by whoever asks for some")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPicture(Part):
    """How the thing was, in a picture that only the two sides can open. Source: 5.9."""

    name: Annotated[bytes, Fixed(32)]  # of the sealed bytes
    key: Annotated[bytes, Fixed(32)]
    time: Annotated[int, Int(0, TIME_MS_MAX)]
    words: Annotated[str, Text(CONDITION_WORDS_BYTES_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestText(LetterText):
    """A letter that moves a request about a listing: all that its writer's side of it says now. Source: 7.10."""

    TAG: ClassVar[str] = "interlets/1/letter-request"

    turn: Annotated[int, Int(1, TIME_MS_MAX)]  # rises with each letter of this side about this request
    heard: Annotated[int, Int(0, TIME_MS_MAX)]  # the newest turn of the other side that this side has read
    word: Annotated[str, Code()]  # a `Wants` of whoever asks, a `Stands` of whoever answers
    places: Annotated[int, Int(0, EVENT_GUESTS_MAX)]  # guests, seats; 0 where there are none to count
    start: Annotated[int | None, Maybe(Int(0, TIME_MS_MAX))]  # wall hours of the owner's scheme (5.9)
    end: Annotated[int | None, Maybe(Int(0, TIME_MS_MAX))]
    given: Annotated[Given | None, Maybe(Nested((Given,)))] = None  # of a swap: what whoever asks gives
    # Of what is booked: against a deposit, and how it was.
    deposit: Annotated[DepositSaid | None, Maybe(Nested((DepositSaid,)))] = None
    pictures: Annotated[
        tuple[SealedPicture, ...], Many(Nested((SealedPicture,)), CONDITION_PICTURES_MAX)
    ] = ()

    def __post_init__(self) -> None:
        LetterText.__post_init__(self)
        words = _WORDS_OF.get(self.kind)
        if words is None or self.word not in words:
            raise InvalidValue(f"RequestText: {self.word} in a {self.kind}")
        if self.reference is None or len(self.reference) != REQUEST_ID_BYTES:
            raise InvalidValue("RequestText.reference: not the name of a request")
        if (self.start is None) is not (self.end is None):
            raise InvalidValue("RequestText: a time with one end")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise InvalidValue("RequestText: a time that ends before it starts")
        if self.given is not None and self.start is not None:
            raise InvalidValue("RequestText: a swap with a time")
        if self.given is None and self.word == Stands.COUNTERED:
            raise InvalidValue("RequestText: other terms, and none of them")
        if (self.deposit is not None or self.pictures) and self.start is None:
            raise InvalidValue("RequestText: a deposit or pictures of what is not booked")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChequeText(LetterText):
    """A request to be paid from a cheque or slip, to whoever is named there as its giver. Source: 7.11."""

    TAG: ClassVar[str] = "interlets/1/letter-cheque"

    number: Annotated[int, Int(1, MEMBER_NUMBER_MAX)]  # of the giver, as it is written
    name: Annotated[str, Text(LETTER_NAME_BYTES_MAX, least=1)]
    cheque: Annotated[str, Text(CHEQUE_NUMBER_BYTES_MAX)]  # empty on a slip
    day: Annotated[int, Int(0, DAYS_MAX)]  # since 1970
    written: Annotated[int, Int(1, AMOUNT_MAX)]  # in minor units of the giver's scheme

    def __post_init__(self) -> None:
        LetterText.__post_init__(self)
        if self.kind != CHEQUE or self.to_handle is not None or self.listing is not None:
            raise InvalidValue("ChequeText: not a cheque, or for somebody else than its giver")
        if self.reference is None or len(self.reference) != REQUEST_ID_BYTES:
            raise InvalidValue("ChequeText.reference: not the name of a request")


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterAck(Message):
    """What became of a letter, signed by the session key of the scheme it was for. Source: 7.7."""

    TAG: ClassVar[str] = "interlets/1/letter-ack"

    sender: Annotated[SchemeId, Fixed(32)]  # of this answer: the letter's recipient
    recipient: Annotated[SchemeId, Fixed(32)]
    letter: Annotated[bytes, Fixed(16)]
    time: Annotated[int, Int(0, TIME_MS_MAX)]
    answer: Annotated[str, Code(ANSWERS)]


def with_request(
    text: LetterText, *, turn: int, heard: int, word: str, places: int, start: int | None, end: int | None,
    given: Given | None = None, deposit: DepositSaid | None = None,
    pictures: tuple[SealedPicture, ...] = (),
) -> RequestText:  # fmt: skip
    """Return `text` as what moves a request about a listing. Raises InvalidValue: a word or time that is none."""
    said = {field.name: getattr(text, field.name) for field in fields(LetterText)}
    return RequestText(
        **said, turn=turn, heard=heard, word=word, places=places, start=start, end=end, given=given, deposit=deposit,
        pictures=pictures,
    )  # fmt: skip


def with_cheque(
    text: LetterText, *, number: int, name: str, cheque: str, day: int, written: int
) -> ChequeText:
    """Return `text` as a request to be paid from a cheque. Raises InvalidValue."""
    said = {field.name: getattr(text, field.name) for field in fields(LetterText)}
    return ChequeText(**said, number=number, name=name, cheque=cheque, day=day, written=written)


def make_letter(
    text: LetterText,
    *,
    sender: SchemeId,
    recipient: SchemeId,
    letter: bytes,
    expires: int,
    recipient_key: bytes,
    ephemeral: bytes,
) -> Letter:
    """Return `text` sealed to the recipient's seal key, ready to be signed.

    `letter` is 16 and `ephemeral` 32 fresh random bytes.

    Raises:
        InvalidValue: a name or amount of a third scheme, or a key that cannot be sealed to.
    """
    _check_schemes(text, (sender, recipient))
    try:
        sealed = seal(
            recipient_key,
            _INFO,
            _binding(sender, recipient, letter),
            encode_message(text),
            ephemeral=ephemeral,
        )
    except BadKey as error:
        raise InvalidValue(str(error)) from None
    return Letter(sender=sender, recipient=recipient, letter=letter, expires=expires, sealed=sealed)


def open_letter(wire: bytes, sender: IdentityState, *, seen_at_seq: int | None = None) -> Signed[Letter]:
    """Return the verified envelope of a letter that `sender`'s scheme sent.

    Raises:
        MalformedMessage: not a letter. NotAuthentic: another scheme's, or not signed by its session key.
    """
    return open_message(
        Letter,
        wire,
        lambda body, key_seq: (
            sender.key_for(SESSION, key_seq, seen_at_seq=seen_at_seq)
            if body.sender == sender.scheme_id
            else None
        ),
    )


def open_ack(wire: bytes, sender: IdentityState, *, seen_at_seq: int | None = None) -> Signed[LetterAck]:
    """Return the verified answer of the scheme a letter was for. Raises as `open_letter`."""
    return open_message(
        LetterAck,
        wire,
        lambda body, key_seq: (
            sender.key_for(SESSION, key_seq, seen_at_seq=seen_at_seq)
            if body.sender == sender.scheme_id
            else None
        ),
    )


def read_letter(letter: Letter, keys: Iterable[SealingKey]) -> LetterText:
    """Return what a letter says, with whichever of the recipient's seal keys it was sealed to.

    Raises:
        NotAuthentic: sealed to none of `keys`, or for another sender, recipient or letter.
        MalformedMessage: what was sealed is no letter text.
        InvalidValue: it speaks of a listing or amount of a third scheme.
    """
    binding = _binding(letter.sender, letter.recipient, letter.letter)
    for key in keys:
        try:
            plain = open_sealed(key, _INFO, binding, letter.sealed)
        except CannotOpen:
            continue
        text = _read_text(plain)
        _check_schemes(text, (letter.sender, letter.recipient))
        return text
    raise NotAuthentic("the letter is sealed to another key, or was re-addressed")


def is_current(letter: Letter, now_ms: int) -> bool:
    """Tell whether a letter is still to be carried: not expired, and not made to last too long. Source: 7.7."""
    return now_ms < letter.expires <= now_ms + LETTER_VALID_MS_MAX + CLOCK_TOLERANCE_MS


def _binding(sender: SchemeId, recipient: SchemeId, letter: bytes) -> bytes:
    # A relay that puts the sealed part into another envelope makes it unreadable.
    return encode((Letter.TAG, sender, recipient, letter))


def _read_text(plain: bytes) -> LetterText:
    for form in (LetterText, RequestText):
        try:
            return decode_message(form, plain)
        except MalformedMessage:
            continue
    return decode_message(ChequeText, plain)


def _check_schemes(text: LetterText, parties: tuple[SchemeId, SchemeId]) -> None:
    for named in (text.listing, text.amount):
        if named is not None and named.scheme not in parties:
            raise InvalidValue("LetterText: a listing or amount of a third scheme")
    if isinstance(text, RequestText) and text.listing is not None:
        sender, recipient = parties
        if text.listing.scheme != (recipient if text.kind == LISTING_REQUEST else sender):
            raise InvalidValue("RequestText: the scheme of a listing is asked, and it answers")
