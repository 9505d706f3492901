"""Receipts: the file of a trade from what is kept, for its parties; and what any scheme's file proves.

Nothing that somebody uploads is kept or logged. What a file proves is decided in `protocol/receipt_proof.py`.
Source: docs/protocol.md 4.4, 7.9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from crypto.signing import split
from node.keyring import KeyRing
from node.services.catching_up import Offload
from node.services.directory import Directory
from node.services.trades import Trade
from node.store import ReadTx
from node.store.schema import books as books_schema
from node.store.schema import payments as payments_schema
from node.store.schema import peers as peers_schema
from protocol.entry import Payload
from protocol.identity_events import RECEIPT
from protocol.message import decode_message
from protocol.names import EntryId, KeySeq, SchemeId
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
        self, *, keyring: KeyRing, directory: Directory, descriptor: Callable[[], bytes], offload: Offload
    ):
        self._keyring: Final = keyring
        self._directory: Final = directory
        self._descriptor: Final = descriptor
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
        receipt = Receipt(
            own=introduce(self._directory.log(self._keyring.scheme), own_seqs, self._descriptor()),
            entry=wire,
            book=salted(Payload(salt=book_salt, data=book)),
            words=salted(Payload(salt=words_salt, data=words)) if has_words else None,
            agreed=agreed,
            proof=None,
            witnesses=(),
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

    def _receipt_key_seqs(self, quote: Quote) -> list[KeySeq]:
        state = self._directory.state(quote.payee_scheme)
        known = () if state is None else state.delegations
        return [
            each.seq for each in known if each.purpose == RECEIPT and each.public_key == quote.receipt_key
        ]

    def _introduced(self, tx: ReadTx, scheme: SchemeId, key_seqs: list[KeySeq]) -> Introduced:
        says = tx.scalar(_SAYS, scheme=scheme)
        return introduce(self._directory.log(scheme), key_seqs, says)
