"""Receipts: the file of a trade from what is kept, for its parties; and what any scheme's file proves.

Nothing that somebody uploads is kept or logged. What a file proves is decided in `protocol/receipt_proof.py`.
Source: docs/protocol.md 4.4, 7.9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from sqlalchemy import bindparam, select

from crypto.keys import VerifyingKey
from crypto.signing import split
from node.keyring import KeyRing
from node.services.catching_up import Offload
from node.services.directory import Directory
from node.services.trades import Trade
from node.store import ReadTx
from node.store.schema import books as books_schema
from node.store.schema import payments as payments_schema
from node.store.schema import peers as peers_schema
from protocol.checkpoint import log_key, number_in, parse_checkpoint, scheme_of_witness, witness_key
from protocol.entry import Payload
from protocol.errors import InvalidValue
from protocol.identity import IdentityState
from protocol.identity_events import CHECKPOINT, RECEIPT, WITNESS
from protocol.limits import RECEIPT_BYTES_MAX, RECEIPT_WITNESSES_MAX
from protocol.log import LogProof
from protocol.message import decode_message
from protocol.names import EntryId, KeySeq, SchemeId
from protocol.note import NoteKey, NoteSignature
from protocol.quote import Quote
from protocol.receipt_file import (
    Agreed,
    Introduced,
    Receipt,
    check_code,
    encode_receipt,
    introduce,
    quote_parts,
    salted,
)
from protocol.receipt_proof import Broken, Proven, verify_receipt

_E: Final = books_schema.entry.c
_ENTRY: Final = select(_E.id, _E.time, _E.wire, _E.book, _E.book_salt, _E.words, _E.words_salt).where(
    _E.seq == bindparam("seq")
)
_P: Final = payments_schema.payment.c
_PAID: Final = select(_P.quote, _P.acceptance, _P.receipt).where(_P.trade_no == bindparam("trade_no"))
_Q: Final = payments_schema.promise.c
_WAS_PAID: Final = select(_Q.quote, _Q.acceptance, _Q.receipt).where(_Q.trade_no == bindparam("trade_no"))
# Witnesses beyond this many bytes of identity events are left out: one with a very long log must not cost the receipt.
WITNESSES_BYTES_MAX: Final = RECEIPT_BYTES_MAX // 2
_SAYS: Final = select(peers_schema.peer.c.descriptor).where(peers_schema.peer.c.scheme == bindparam("scheme"))


@dataclass(frozen=True, slots=True)
class Written:
    """What the book has of a trade, for whoever holds a printed receipt."""

    time_ms: int
    check: str


def written(tx: ReadTx, trade: Trade) -> Written | None:
    """Return when a trade was entered and the check code of its receipts; None if nothing moved. A part of a query."""
    row = None if trade.entry_seq is None else tx.one(_ENTRY, seq=trade.entry_seq)
    return None if row is None else Written(row[1], check_code(EntryId(row[0]), row[4]))


class Receipts:
    """Makes and reads receipts. Holds no state."""

    def __init__(
        self, *, keyring: KeyRing, directory: Directory, descriptor: Callable[[], bytes],
        prove: Callable[[ReadTx, int], LogProof | None], offload: Offload,
    ):  # fmt: skip
        """`prove` gives the proof that the entry of a seq is in our published log; None: it is not published so far."""
        self._keyring: Final = keyring
        self._directory: Final = directory
        self._descriptor: Final = descriptor
        self._prove: Final = prove
        self._offload: Final = offload

    async def verify(self, data: bytes) -> Proven | Broken:
        """Return what a file proves, of whichever scheme. Some dozen signatures: off the loop."""
        found: Proven | Broken = await self._offload(verify_receipt, data)
        return found

    def read(self, tx: ReadTx, trade: Trade) -> bytes | None:
        """Return the file of a trade; None if nothing moved. A query: who may have it is for the caller to decide."""
        row = None if trade.entry_seq is None else tx.one(_ENTRY, seq=trade.entry_seq)
        if row is None:
            return None
        _, _, wire, book, book_salt, words, words_salt = row
        has_words = words is not None and words_salt is not None
        own_seqs = [split(wire)[1]]
        # Without its words, which name the quote, an entry is bound to no terms (4.4).
        agreed = self._agreed(tx, trade, own_seqs) if has_words and trade.other_scheme is not None else None
        assert trade.entry_seq is not None, "it has an entry"
        own, shown, witnesses = self.vouched_for(tx, trade.entry_seq, own_seqs)
        receipt = Receipt(
            own=own,
            entry=wire,
            book=salted(Payload(salt=book_salt, data=book)),
            words=salted(Payload(salt=words_salt, data=words)) if has_words else None,
            agreed=agreed,
            proof=shown,
            witnesses=witnesses,
        )
        return encode_receipt(receipt)

    def _agreed(self, tx: ReadTx, trade: Trade, own_seqs: list[KeySeq]) -> Agreed | None:
        """Return what both schemes signed of a payment; what of our own keys it needs is added to `own_seqs`."""
        we_pay = trade.kind == "out"
        row = tx.one(_PAID if we_pay else _WAS_PAID, trade_no=trade.no)
        if row is None or row[2] is None:
            return None
        wire, acceptance, receipt = row
        quote, signed = quote_parts(wire)
        body = decode_message(Quote, quote)
        quoting, accepting = (
            [] if signed is None else [signed.key_seq],
            [] if acceptance is None else [split(acceptance)[1]],
        )
        quoting += self._receipt_key_seqs(body)
        own_seqs += accepting if we_pay else quoting
        other = body.payee_scheme if we_pay else body.payer_scheme
        return Agreed(
            other=self._introduced(tx, other, quoting if we_pay else accepting),
            quote=quote,
            quote_signed=signed,
            acceptance=acceptance,
            receipt=receipt,
        )

    def vouched_for(
        self, tx: ReadTx, seq: int, own_seqs: list[KeySeq]
    ) -> tuple[Introduced, bytes | None, tuple[Introduced, ...]]:
        """Query: introduce us with the keys at `own_seqs`, and return the proof of an entry with who vouches for it."""
        proof = self._prove(tx, seq)
        shown, witnesses = (None, ()) if proof is None else self._vouched(tx, proof, own_seqs)
        own = introduce(self._directory.log(self._keyring.scheme), own_seqs, self._descriptor())
        return own, shown, witnesses

    def _vouched(
        self, tx: ReadTx, proof: LogProof, own_seqs: list[KeySeq]
    ) -> tuple[bytes | None, tuple[Introduced, ...]]:
        """Return the proof with the signatures that a receipt can show, and whose they are. Source: 4.4."""
        own = self._directory.state(self._keyring.scheme)
        assert own is not None, "our own identity is known"
        number = number_in(parse_checkpoint(proof.note), own.scheme_id)
        if number is None or number > own.log_number:
            return None, ()
        named = partial(log_key, number=number)
        by_log = next(
            (
                (line, seq)
                for line in proof.note.signatures
                if (seq := _key_seq(own, CHECKPOINT, named, line)) is not None
            ),
            None,
        )
        if by_log is None:
            return None, ()
        own_seqs += [by_log[1], KeySeq(own.log_begun_at(number))]
        witnesses: list[Introduced] = []
        lines, room = [by_log[0]], WITNESSES_BYTES_MAX
        for line in proof.note.signatures:
            shown = self._witness(tx, line)
            size = 0 if shown is None else sum(map(len, shown.identity))
            if shown is not None and size <= room and len(witnesses) < RECEIPT_WITNESSES_MAX:
                lines.append(line)
                witnesses.append(shown)
                room -= size
        note = replace(proof.note, signatures=tuple(lines))
        return replace(proof, note=note).data(), tuple(witnesses)

    def _witness(self, tx: ReadTx, line: NoteSignature) -> Introduced | None:
        try:
            scheme = scheme_of_witness(line.name)
        except InvalidValue:
            return None  # the log's own line, or of a tool of somebody else's
        state = self._directory.state(scheme)
        seq = None if state is None else _key_seq(state, WITNESS, witness_key, line)
        return None if seq is None else self._introduced(tx, scheme, [seq])

    def _receipt_key_seqs(self, quote: Quote) -> list[KeySeq]:
        state = self._directory.state(quote.payee_scheme)
        known = () if state is None else state.delegations
        return [
            each.seq for each in known if each.purpose == RECEIPT and each.public_key == quote.receipt_key
        ]

    def _introduced(self, tx: ReadTx, scheme: SchemeId, key_seqs: list[KeySeq]) -> Introduced:
        says = tx.scalar(_SAYS, scheme=scheme)
        return introduce(self._directory.log(scheme), key_seqs, says)


def _key_seq(
    identity: IdentityState,
    purpose: str,
    named: Callable[[SchemeId, VerifyingKey], NoteKey],
    line: NoteSignature,
) -> KeySeq | None:
    """Return which of a scheme's keys a line claims to be by; nothing is verified."""
    return next(
        (
            each.seq
            for each in identity.delegations
            if each.purpose == purpose
            and each.verifying is not None
            and line.is_by(named(identity.scheme_id, each.verifying))
        ),
        None,
    )
