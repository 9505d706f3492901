"""Signed entries of the ledger: what is kept for ever, and what can be erased.

The entry itself holds two salted commitments. The book (accounts and amounts) is never erased; the words (texts,
names, how it was proved) may be: deleting payload and salt leaves log and proofs whole. Who may spend is decided
in `ledger.py`; what all entries together make is in `books.py`; trees and checkpoints over them are in `log.py`.
Source: docs/protocol.md 3.1–3.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, TypeAlias

from crypto.canonical import OBJECT_BYTES_MAX
from crypto.digest import SALT_BYTES, commitment
from crypto.keys import SigningKey, VerifyingKey
from crypto.signing import Signed
from protocol.errors import Forked, InvalidValue, MalformedMessage, NotAuthentic, OutOfOrder
from protocol.ledger import AccountKind, Leg, Posting, SystemRole, check_legs, system_account_id
from protocol.limits import (
    AMOUNT_MAX,
    ENTRY_NAME_BYTES_MAX,
    ENTRY_PROOF_BYTES_MAX,
    ENTRY_REASON_BYTES_MAX,
    ENTRY_TEXT_BYTES_MAX,
    POSTING_LEGS_MAX,
    SEQ_MAX,
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
    sign_message,
)
from protocol.names import AccountId, EntryId, ItemKey, QuoteId, SchemeId

_BOOK_TAG: Final = "interlets/1/entry-book"
_WORDS_TAG: Final = "interlets/1/entry-words"

# How a person, or the node itself, proved to be allowed to make an entry (3.5).
PROOFS: Final = ("password", "pin", "link", "broker", "neighbour", "passkey", "system", "silence")

_Legs: TypeAlias = Annotated[tuple[Leg, ...], Many(Nested((Leg,)), POSTING_LEGS_MAX, least=2)]


# --- What an entry says ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(Part):
    """Amounts moved."""

    TAG: ClassVar[str] = "posting"
    legs: _Legs

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        check_legs(self.legs)  # they sum to zero, or there is no such entry (I1)

    @property
    def posting(self) -> Posting:
        """The posting this entry makes."""
        return Posting(legs=self.legs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected(Part):
    """The opposite of an earlier entry, which stays. Source: 3.5."""

    TAG: ClassVar[str] = "correction"
    entry: Annotated[EntryId, Fixed(32)]
    legs: _Legs

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        check_legs(self.legs)

    @property
    def posting(self) -> Posting:
        """The posting this entry makes."""
        return Posting(legs=self.legs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Part):
    """A new account, at zero. System accounts name their role, so that an auditor can compute their ids."""

    TAG: ClassVar[str] = "open"
    account: Annotated[AccountId, Fixed(16)]
    kind: Annotated[str, Code(tuple(AccountKind))]
    unit: Annotated[str, Code()]
    credit_limit: Annotated[int, Int(0, AMOUNT_MAX)]
    ceiling: Annotated[int | None, Maybe(Int(0, AMOUNT_MAX))]
    role: Annotated[str | None, Maybe(Code(tuple(SystemRole)))] = None
    other: Annotated[SchemeId | None, Maybe(Fixed(32))] = None

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if (self.kind == AccountKind.SYSTEM) != (self.role is not None):
            raise InvalidValue("system accounts, and no others, have a role")
        if (self.role == SystemRole.LINE) != (self.other is not None):
            raise InvalidValue("a line account, and no other, names the other scheme")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsSet(Part):
    """New limits of an account; what exists beyond them stays. Source: 3.4."""

    TAG: ClassVar[str] = "limits"
    account: Annotated[AccountId, Fixed(16)]
    credit_limit: Annotated[int, Int(0, AMOUNT_MAX)]
    ceiling: Annotated[int | None, Maybe(Int(0, AMOUNT_MAX))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Part):
    """An account at zero takes no more postings."""

    TAG: ClassVar[str] = "close"
    account: Annotated[AccountId, Fixed(16)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened(Part):
    """A closed account takes postings again, a correction for instance."""

    TAG: ClassVar[str] = "reopen"
    account: Annotated[AccountId, Fixed(16)]


Book: TypeAlias = Posted | Corrected | Opened | LimitsSet | Closed | Reopened
_BOOKS: Final[Mapping[str, type[Book]]] = {
    kind.TAG: kind for kind in (Posted, Corrected, Opened, LimitsSet, Closed, Reopened)
}
ENTRY_KINDS: Final = tuple(_BOOKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRef(Part):
    """A listing, here or in another scheme."""

    scheme: Annotated[SchemeId, Fixed(32)]
    key: Annotated[ItemKey, Fixed(16)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words(Part):
    """The erasable half of an entry: what for, who, and how they proved it. Source: 3.1, 3.5."""

    TAG: ClassVar[str] = "words"
    text: Annotated[str, Text(ENTRY_TEXT_BYTES_MAX)]
    done_by: Annotated[str, Text(ENTRY_NAME_BYTES_MAX, least=1)]  # the person, the other scheme, or the node
    on_behalf_of: Annotated[str | None, Maybe(Text(ENTRY_NAME_BYTES_MAX, least=1))]
    proved_by: Annotated[str, Code(PROOFS)]
    reason: Annotated[str, Text(ENTRY_REASON_BYTES_MAX)] = ""
    # Names as they were, in the order of the legs; empty for entries that move nothing.
    parties: Annotated[tuple[str, ...], Many(Text(ENTRY_NAME_BYTES_MAX), POSTING_LEGS_MAX)] = ()
    listing: Annotated[ListingRef | None, Maybe(Nested((ListingRef,)))] = None
    quote: Annotated[QuoteId | None, Maybe(Fixed(32))] = None  # of a cross-scheme trade
    proof: Annotated[bytes, Blob(ENTRY_PROOF_BYTES_MAX)] = (
        b""  # a passkey's assertion; its challenge is the digest `book`
    )

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.proved_by in ("broker", "silence") and not (self.reason and self.on_behalf_of):
            raise InvalidValue("who did not answer themselves is named, with the reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Message):
    """One leaf of the scheme's log. Source: 3.1."""

    TAG: ClassVar[str] = "interlets/1/entry"
    scheme: Annotated[SchemeId, Fixed(32)]
    seq: Annotated[int, Int(0, SEQ_MAX)]  # from 0, so that it is the index of the leaf
    # None for the first entry of the first log; the id of the `new-log` for the first of a later one (6.7 g).
    prev: Annotated[EntryId | None, Maybe(Fixed(32))]
    time: Annotated[int, Int(0, TIME_MS_MAX)]
    kind: Annotated[str, Code(ENTRY_KINDS)]
    book: Annotated[bytes, Fixed(32)]
    words: Annotated[bytes, Fixed(32)]


# --- The chain ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Where the next entry goes: `Chain(scheme=…)` is an empty log."""

    scheme: SchemeId
    next_seq: int = 0
    prev: EntryId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The bytes behind a commitment, with their salt, kept beside the log."""

    salt: bytes
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A payload, and what an entry says of it."""

    payload: Payload
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedEntry:
    """A verified entry, with as much of its payloads as is still there."""

    signed: Signed[Entry]
    book: Book | None
    words: Words | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What the node stores of an entry it made: the signed entry and both payloads."""

    signed: Signed[Entry]
    book: Payload
    words: Payload


def commit_book(book: Book, salt: bytes) -> Committed:
    """Return what an entry commits to of accounts and amounts. The salt is 16 fresh random bytes."""
    return _commit(_BOOK_TAG, book, salt)


def commit_words(words: Words, salt: bytes) -> Committed:
    """Return what an entry commits to of its words. The salt is 16 fresh random bytes."""
    return _commit(_WORDS_TAG, words, salt)


def _commit(tag: str, part: Part, salt: bytes) -> Committed:
    data = encode_message(part)
    return Committed(payload=Payload(salt=salt, data=data), digest=commitment(tag, salt, data))


def make_entry(
    chain: Chain,
    book: Book,
    words: Words,
    *,
    time_ms: int,
    book_salt: bytes,
    words_salt: bytes,
    key: SigningKey,
    key_seq: int,
) -> NewEntry:
    """Return the next entry of `chain`, signed with the ledger key. Salts are 16 fresh random bytes each.

    Raises:
        InvalidValue: a salt of another size, both salts the same, or a field out of range.
    """
    if len(book_salt) != SALT_BYTES or len(words_salt) != SALT_BYTES:
        raise InvalidValue("each payload needs a salt of its own")
    committed = commit_book(book, book_salt), commit_words(words, words_salt)
    return next_entry(chain, book.TAG, *committed, time_ms=time_ms, key=key, key_seq=key_seq)


def next_entry(
    chain: Chain, kind: str, book: Committed, words: Committed, *, time_ms: int, key: SigningKey, key_seq: int
) -> NewEntry:
    """Return the next entry of `chain`, as `make_entry`, of what was committed to before."""
    if book.payload.salt == words.payload.salt:
        raise InvalidValue("each payload needs a salt of its own")
    entry = Entry(
        scheme=chain.scheme,
        seq=chain.next_seq,
        prev=chain.prev,
        time=time_ms,
        kind=kind,
        book=book.digest,
        words=words.digest,
    )
    return NewEntry(signed=sign_message(entry, key, key_seq), book=book.payload, words=words.payload)


def follow(chain: Chain, signed: Signed[Entry]) -> Chain:
    """Return the chain after `signed`.

    Raises:
        NotAuthentic: an entry of another scheme.
        OutOfOrder: not the next entry.
        Forked: the next seq, on another predecessor; both are evidence.
    """
    entry = signed.body
    if entry.scheme != chain.scheme:
        raise NotAuthentic("an entry of another scheme")
    if entry.seq != chain.next_seq:
        raise OutOfOrder(f"entry {entry.seq} where {chain.next_seq} is next")
    if entry.prev != chain.prev:
        raise Forked(f"entry {entry.seq} follows another entry than the one held")
    return replace(chain, next_seq=entry.seq + 1, prev=EntryId(signed.id))


def open_entry(
    chain: Chain,
    wire: bytes,
    key_for: Callable[[Entry, int], VerifyingKey | None],
    *,
    book: Payload | None = None,
    words: Payload | None = None,
) -> tuple[OpenedEntry, Chain]:
    """Return the verified entry of `wire` and the chain after it; payloads are checked where given.

    Raises:
        MalformedMessage: not an entry, or a payload that is not what its kind says.
        NotAuthentic: of another scheme, not signed by the key that counts, or a payload not committed to.
        OutOfOrder, Forked: not the next entry of `chain`.
    """
    signed = open_message(Entry, wire, key_for)
    after = follow(chain, signed)
    opened = OpenedEntry(
        signed=signed,
        book=None if book is None else open_book(signed.body, book),
        words=None if words is None else open_words(signed.body, words),
    )
    return opened, after


def open_book(entry: Entry, payload: Payload) -> Book:
    """Return what `entry` books. Raises NotAuthentic, MalformedMessage."""
    _check_committed(entry.book, _BOOK_TAG, payload)
    return decode_message(_BOOKS[entry.kind], payload.data)


def open_words(entry: Entry, payload: Payload) -> Words:
    """Return the erasable half of `entry`. Raises NotAuthentic, MalformedMessage."""
    _check_committed(entry.words, _WORDS_TAG, payload)
    return decode_message(Words, payload.data)


def _check_committed(digest: bytes, tag: str, payload: Payload) -> None:
    # Salt and payload come from outside too: a receipt file carries them.
    if len(payload.salt) != SALT_BYTES or len(payload.data) > OBJECT_BYTES_MAX:
        raise MalformedMessage("not a payload with its salt")
    if commitment(tag, payload.salt, payload.data) != digest:
        raise NotAuthentic("the entry does not commit to this payload")


def open_system_account(
    scheme: SchemeId, role: SystemRole, unit: str, other: SchemeId | None = None
) -> Opened:
    """Return what an entry books to open a system account. Source: 3.2."""
    return Opened(
        account=system_account_id(scheme, role, unit, other),
        kind=AccountKind.SYSTEM.value,
        unit=unit,
        credit_limit=0,
        ceiling=None,
        role=role.value,
        other=other,
    )
