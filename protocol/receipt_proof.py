"""What a receipt proves, from its bytes alone: who wrote what into which book, who vouches for it, who agreed.

The answer is a value, for whoever puts it into words: `Proven`, or `Broken` with the first thing that is wrong. Every
bit of a file counts: whatever is in it and cannot be checked makes it broken. Source: docs/protocol.md 4.4, 2.3, 7.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from crypto.canonical import NotCanonical, encode
from crypto.digest import object_id
from crypto.keys import VerifyingKey
from crypto.signing import WIRE_BYTES_MAX, Signed, split
from protocol.checkpoint import cosigned_at, log_keys, number_in, open_checkpoint, witness_keys
from protocol.descriptor import Descriptor, open_descriptor
from protocol.entry import Book, Corrected, Entry, Posted, Words, open_book, open_words
from protocol.errors import NotAuthentic, ProtocolError
from protocol.identity import IdentityState, fold_log
from protocol.identity_events import LEDGER, LINE, RECEIPT
from protocol.ledger import HOURS, LOCAL, SystemRole, system_account_id
from protocol.line import receipt_opens
from protocol.log import parse_log_proof
from protocol.message import decode_message, open_message
from protocol.names import AccountId, EntryId, KeySeq, QuoteId, SchemeId
from protocol.quote import Acceptance, Quote, description_digest
from protocol.receipt_file import Agreed, Introduced, Receipt, decode_receipt
from protocol.references import Reference, reference_of

T = TypeVar("T")

# Accounts that every reader can name, because their ids follow from the scheme's (3.2).
_ROLES: Final = (
    (SystemRole.EXCHANGE, LOCAL),
    (SystemRole.EXCHANGE, HOURS),
    (SystemRole.TRANSIT, HOURS),
    (SystemRole.CHEST, LOCAL),
    (SystemRole.CHEST, HOURS),
    (SystemRole.OPENING, LOCAL),
    (SystemRole.WRITE_OFF, LOCAL),
    (SystemRole.WRITE_OFF, HOURS),
    (SystemRole.TOKENS, LOCAL),
    (SystemRole.SOLD, LOCAL),
)


class Fault(StrEnum):
    """What is wrong with a file, the first thing that was met."""

    UNREADABLE = "unreadable"  # no receipt at all, or not whole
    IDENTITY = "identity"  # the scheme's own events do not hold
    NAME = "name"  # the name was not signed by the scheme
    ENTRY = "entry"  # not signed by the scheme whose book it is said to be in
    BOOK = "book"  # other accounts or amounts than the entry commits to
    WORDS = "words"  # other words
    KEY_WITHDRAWN = "key-withdrawn"  # and no log that shows that it was written before
    LOG = "log"  # not shown to be in the log
    WITNESS = "witness"  # somebody named as a witness did not vouch for it
    TERMS = "terms"  # not the terms of this entry, or not signed by the other scheme
    ACCEPTANCE = "acceptance"  # the payer's scheme did not accept these terms
    ACKNOWLEDGED = "acknowledged"  # the payee's scheme did not acknowledge the payment


@dataclass(frozen=True, slots=True)
class Broken:
    """The file proves nothing. `why` is for whoever looks closely."""

    fault: Fault
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A scheme that signed something. Names are its own word; the six words follow from its id and cannot be chosen."""

    scheme: SchemeId
    words: tuple[str, ...]
    says: Descriptor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What one account gained (above zero) or gave, in minor units of the scheme, or 3 600 000ths of an hour."""

    account: AccountId
    unit: str
    amount: int
    role: SystemRole | None  # None: somebody's account, or the line with a neighbour
    name: str  # of the person, as the entry has it; empty where it says none


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """A scheme that saw the log grow and vouched for its state."""

    by: Signer
    time_ms: int  # by its own clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Included:
    """The entry is one of `size` in the log; `witnesses` vouch for that log."""

    size: int
    root: bytes
    witnesses: tuple[Cosigned, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What two schemes agreed. Signed by the payee's is `quoted`, by the payer's `accepted`."""

    other: Signer
    we_pay: bool  # the entry is in the payer's book
    quote: Quote
    quoted: bool
    accepted: bool
    same_text: bool  # the words of the entry are those both agreed on

    @property
    def both_signed(self) -> bool:
        """Whether both schemes signed the same terms."""
        return self.quoted and self.accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a receipt proves."""

    own: Signer
    entry: EntryId
    reference: Reference
    seq: int
    time_ms: int  # by the scheme's own clock
    kind: str
    book: bytes  # the digest of what it books: what its payer's passkey signed, where one did (3.5)
    key_seq: KeySeq  # which key of the scheme signed the entry
    corrects: EntryId | None
    moved: tuple[Moved, ...]
    words: Words | None
    key_withdrawn: bool  # the scheme ended the key since; the log shows that the entry is older
    included: Included | None  # None: written, and not yet in a published state of the log
    agreed: Terms | None


class Stopped(Exception):
    """Something does not hold; it ends the checking."""

    def __init__(self, fault: Fault, why: str):
        super().__init__(why)
        self.broken: Final = Broken(fault, why)


def or_fault(fault: Fault, ask: Callable[[], T]) -> T:
    """Return what `ask` answers; whatever rule it finds broken is that fault."""
    try:
        return ask()
    except (ProtocolError, NotCanonical) as error:
        raise Stopped(fault, str(error)) from None


def verify_receipt(data: bytes) -> Proven | Broken:
    """Return what the bytes of a file prove. Whatever they are, no exception escapes. Source: 4.4."""
    try:
        return _verified(or_fault(Fault.UNREADABLE, lambda: decode_receipt(data)))
    except Stopped as stop:
        return stop.broken


def _verified(receipt: Receipt) -> Proven:
    identity, own = signer_of(receipt.own)
    entry = or_fault(Fault.ENTRY, lambda: _open_entry(identity, receipt.entry))
    book = or_fault(Fault.BOOK, lambda: open_book(entry.body, receipt.book.payload))
    if not isinstance(book, Posted | Corrected):
        raise Stopped(Fault.BOOK, "an entry that moves nothing")
    salted = receipt.words
    words = None if salted is None else or_fault(Fault.WORDS, lambda: open_words(entry.body, salted.payload))
    if words is not None and words.parties and len(words.parties) != len(book.legs):
        raise Stopped(Fault.WORDS, "other people than accounts")
    included = None
    if receipt.proof is not None:
        place = EntryId(entry.id), entry.body.seq
        included = included_in(receipt.proof, receipt.witnesses, identity, *place)
    withdrawn = is_withdrawn(identity, entry.key_seq)
    if withdrawn and included is None:
        raise Stopped(Fault.KEY_WITHDRAWN, "signed with a key that its scheme ended")
    agreed = None if receipt.agreed is None else _terms(receipt.agreed, identity, book, words)
    entry_id = EntryId(entry.id)
    return Proven(
        own=own,
        entry=entry_id,
        reference=reference_of(entry_id if words is None or words.quote is None else words.quote),
        seq=entry.body.seq,
        time_ms=entry.body.time,
        kind=entry.body.kind,
        book=entry.body.book,
        key_seq=entry.key_seq,
        corrects=book.entry if isinstance(book, Corrected) else None,
        moved=_moved(identity.scheme_id, book, words),
        words=words,
        key_withdrawn=withdrawn,
        included=included,
        agreed=agreed,
    )


# --- Who (2) -------------------------------------------------------------------------------------------------


def signer_of(shown: Introduced) -> tuple[IdentityState, Signer]:
    """Return a scheme that a file introduces. Raises Stopped."""
    identity = or_fault(Fault.IDENTITY, lambda: fold_log(shown.identity))
    says, wire = None, shown.descriptor
    if wire is not None:
        # What it calls itself was true when it said so; whether it still says so is nothing a receipt proves.
        seq = or_fault(Fault.NAME, lambda: decode_message(Descriptor, _body(wire))).identity_seq
        says = or_fault(Fault.NAME, lambda: open_descriptor(wire, identity, seen_at_seq=seq)).body
    scheme = identity.scheme_id
    # The word list is long, and a running node needs it only where somebody looks at a receipt.
    from crypto.words import identity_words

    return identity, Signer(scheme=scheme, words=identity_words(scheme), says=says)


def _body(wire: bytes) -> bytes:
    return split(wire)[0]


def _ever(identity: IdentityState, purpose: str, key_seq: KeySeq) -> VerifyingKey | None:
    """Return a key that counted once: a receipt outlives keys, and the log shows what is older than their end."""
    return identity.key_for(purpose, key_seq, seen_at_seq=key_seq)


def is_withdrawn(identity: IdentityState, key_seq: KeySeq) -> bool:
    """Tell whether the scheme ended a key, as far as the events shown say."""
    delegation = identity.delegation(key_seq)
    return delegation is not None and delegation.revoked_seq is not None


def _open_entry(identity: IdentityState, wire: bytes) -> Signed[Entry]:
    def key_for(body: Entry, key_seq: KeySeq) -> VerifyingKey | None:
        if body.scheme != identity.scheme_id:
            raise NotAuthentic("an entry of another scheme's book")
        return _ever(identity, LEDGER, key_seq)

    return open_message(Entry, wire, key_for)


# --- What (3) ------------------------------------------------------------------------------------------------


def _moved(scheme: SchemeId, book: Posted | Corrected, words: Words | None) -> tuple[Moved, ...]:
    roles = {system_account_id(scheme, role, unit): role for role, unit in _ROLES}
    names = words.parties if words is not None and words.parties else ("",) * len(book.legs)
    return tuple(
        Moved(
            account=leg.account, unit=leg.unit, amount=leg.amount, role=roles.get(leg.account), name=name
        )
        for leg, name in zip(book.legs, names, strict=True)
    )  # fmt: skip


# --- In the log, and who vouches for it (4) ------------------------------------------------------------------


def included_in(
    data: bytes, witnesses: Sequence[Introduced], identity: IdentityState, entry: EntryId, seq: int
) -> Included:
    """Return in which state of its scheme's log an entry is, by a tlog-proof, and who vouches for it. Raises Stopped."""
    proof = or_fault(Fault.LOG, lambda: parse_log_proof(data))
    if proof.data() != data or proof.extra is not None or proof.index != seq:
        raise Stopped(Fault.LOG, "not the proof of this entry, or not as such proofs are written")
    or_fault(Fault.LOG, lambda: proof.check(entry))
    checkpoint, note = or_fault(Fault.LOG, lambda: open_checkpoint(proof.note.data(), identity, ever=True))
    lines, number = note.signatures, number_in(checkpoint, identity.scheme_id)
    if len(lines) != 1 + len(witnesses) or not any(
        lines[0].is_by(key) for key in log_keys(identity, ever=True, number=number)
    ):
        raise Stopped(Fault.WITNESS, "signatures of others than the log and the witnesses shown")
    vouching = []
    for line, shown in zip(lines[1:], witnesses, strict=True):
        theirs, by = signer_of(shown)
        key = next((key for key in witness_keys(theirs, ever=True) if line.is_by(key)), None)
        time_ms = None if key is None else cosigned_at(note, key)
        if time_ms is None:
            raise Stopped(Fault.WITNESS, "a witness did not sign")
        vouching.append(Cosigned(by=by, time_ms=time_ms))
    schemes = {identity.scheme_id, *(each.by.scheme for each in vouching)}
    if len(schemes) != 1 + len(vouching):
        raise Stopped(Fault.WITNESS, "a witness twice, or the scheme for itself")
    return Included(size=checkpoint.size, root=checkpoint.root, witnesses=tuple(vouching))


# --- What two schemes agreed (7) -----------------------------------------------------------------------------


def _terms(agreed: Agreed, identity: IdentityState, book: Book, words: Words | None) -> Terms:
    theirs, other = signer_of(agreed.other)
    quote = or_fault(Fault.TERMS, lambda: decode_message(Quote, agreed.quote))
    quote_id = QuoteId(object_id(agreed.quote))
    ends = {quote.payer_scheme, quote.payee_scheme}
    if ends != {identity.scheme_id, theirs.scheme_id} or len(ends) != 2:
        raise Stopped(Fault.TERMS, "terms between other schemes")
    we_pay = quote.payer_scheme == identity.scheme_id
    payer, payee = (identity, theirs) if we_pay else (theirs, identity)
    if words is None or words.quote != quote_id:
        raise Stopped(Fault.TERMS, "terms of another entry")
    _check_amounts(identity.scheme_id, book, quote, we_pay=we_pay)
    if agreed.quote_signed is not None:
        wire = encode(
            (agreed.quote, agreed.quote_signed.key_seq, agreed.quote_signed.signature),
            bytes_max=WIRE_BYTES_MAX,
        )
        or_fault(Fault.TERMS, lambda: open_message(Quote, wire, lambda _, seq: _ever(payee, LINE, seq)))
    if agreed.acceptance is not None:
        _check_acceptance(agreed.acceptance, payer, quote_id)
    keys = [
        each for each in payee.delegations if each.purpose == RECEIPT and each.public_key == quote.receipt_key
    ]
    if not keys or not receipt_opens(quote.receipt_key, quote_id, agreed.receipt):
        raise Stopped(Fault.ACKNOWLEDGED, "not the payee scheme's receipt for these terms")
    return Terms(
        other=other,
        we_pay=we_pay,
        quote=quote,
        quoted=agreed.quote_signed is not None,
        accepted=agreed.acceptance is not None,
        same_text=description_digest(words.text) == quote.description,
    )


def _check_amounts(scheme: SchemeId, book: Book, quote: Quote, *, we_pay: bool) -> None:
    """See to it that the entry moves what the terms say: hours through `exchange`, and the payee's exact amount. Source: 3.2."""
    assert isinstance(book, Posted | Corrected), "looked at before"
    moved = {(leg.account, leg.unit): leg.amount for leg in book.legs}
    hours = moved.get((system_account_id(scheme, SystemRole.EXCHANGE, HOURS), HOURS), 0)
    local = moved.get((system_account_id(scheme, SystemRole.EXCHANGE, LOCAL), LOCAL), 0)
    if hours != (-quote.hours if we_pay else quote.hours) or (
        local <= 0 if we_pay else local != -quote.amount
    ):
        raise Stopped(Fault.TERMS, "the entry moves other amounts than the terms")


def _check_acceptance(wire: bytes, payer: IdentityState, quote_id: QuoteId) -> None:
    accepted = or_fault(
        Fault.ACCEPTANCE, lambda: open_message(Acceptance, wire, lambda _, seq: _ever(payer, LINE, seq))
    ).body
    if (accepted.quote_id, accepted.payer_scheme) != (quote_id, payer.scheme_id):
        raise Stopped(Fault.ACCEPTANCE, "an acceptance of other terms")
