"""Trades as members see them: record one within the scheme, find one by its reference.

Statements are in `statement.py`. Trades across schemes are begun in `settlement.py` and ended in `payer_desk.py`; their rows are read here.
Source: docs/protocol.md 3.4, 3.5, 7.9.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, literal_column, select, update

from node.clock import Clock
from node.services.books import Books, Draft, Refused, reference_number
from node.services.circle_account_rows import group_of
from node.services.signed_books import SignedBook
from node.store import Ordered, ReadTx, Store, Tx, upsert
from node.store.schema import books as schema
from node.store.schema import lines as lines_schema
from node.store.schema import payments as payments_schema
from protocol.entry import Committed, ListingRef, Words
from protocol.names import ItemKey, SchemeId

_T: Final = schema.trade.c
TRADE_COLUMNS: Final = (
    _T.no, _T.reference, _T.kind, _T.state, _T.payer_no, _T.payee_no, _T.amount, _T.text, _T.listing, _T.other_scheme,
    _T.other_name, _T.other_amount, _T.other_unit, _T.hours, _T.entry_seq, _T.created_ms, _T.ended_ms, _T.reason,
    _T.late, _T.entered_by, _T.corrects_no, _T.corrected_by_no,
    group_of(_T.payer_no, _T.payee_no),
)  # fmt: skip
# Whatever unique index knows of it: the form's key, or the reference.
_NEW: Final = Ordered(
    upsert(schema.trade, key=()),
    "reference", "kind", "state", "payer_no", "payee_no", "amount", "text", "listing", "entry_seq", "created_ms",
    "ended_ms", "late", "entered_by", "once", "corrects_no",
)  # fmt: skip
_BY_NO: Final = select(*TRADE_COLUMNS).where(_T.no == bindparam("no"))
_BY_ONCE: Final = select(*TRADE_COLUMNS).where(_T.once == bindparam("once"))
_BY_REFERENCE: Final = select(*TRADE_COLUMNS).where(_T.reference == bindparam("reference"))
# Two people's trades within the scheme are found by what they did to their accounts: an index for each side would
# cost every trade two pages more. Those across have such an index: what was set aside, or undone, has no entry. The
# kind is written out, else SQLite does not see that a partial index will do.
_L: Final = schema.leg.c
_E: Final = schema.entry.c
_LOCAL: Final = (
    select(*TRADE_COLUMNS)
    .select_from(schema.leg.join(schema.trade, _T.entry_seq == _L.entry_seq))
    .where(_L.account_no == bindparam("account_no"), _T.kind == literal_column("'local'"))
)
_OUT: Final = select(*TRADE_COLUMNS).where(
    _T.payer_no == bindparam("account_no"), _T.kind == literal_column("'out'")
)
_IN: Final = select(*TRADE_COLUMNS).where(
    _T.payee_no == bindparam("account_no"), _T.kind == literal_column("'in'")
)
_NEWEST: Final = (
    _LOCAL.order_by(_L.entry_seq.desc()).limit(bindparam("most")),
    *[side.order_by(_T.no.desc()).limit(bindparam("most")) for side in (_OUT, _IN)],
)
_SET_ASIDE: Final = _OUT.where(_T.state == "set-aside").order_by(_T.no)
_ALIKE: Final = (
    select(_T.no)
    .select_from(schema.leg.join(schema.trade, _T.entry_seq == _L.entry_seq))
    .where(
        _L.account_no == bindparam("payer_no"),
        _L.entry_seq
        > func.coalesce(
            select(_E.seq)
            .where(_E.time < bindparam("since"))
            .order_by(_E.seq.desc())
            .limit(1)
            .scalar_subquery(),
            -1,
        ),
        _T.kind == literal_column("'local'"),
        _T.payer_no == _L.account_no,
        _T.payee_no == bindparam("payee_no"),
        _T.amount == bindparam("amount"),
        _T.text == bindparam("text"),
    )
    .limit(1)
)
_CORRECTED: Final = update(schema.trade).where(_T.no == bindparam("which")).values(
    corrected_by_no=bindparam("new_corrected_by_no"), state="corrected"
)  # fmt: skip
_CLAIMED: Final = (
    select(payments_schema.promise.c.lock_seq, lines_schema.line.c.peer_ack, lines_schema.line.c.seen)
    .select_from(
        payments_schema.promise.join(
            lines_schema.line, payments_schema.promise.c.line_no == lines_schema.line.c.no
        )
    )
    .where(payments_schema.promise.c.trade_no == bindparam("trade_no"))
)

AGAIN_WITHIN_MS: Final = 10 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trade. `amount` is in this scheme's minor units, `other_amount` in the other scheme's."""

    no: int
    reference: int  # 40 bits; protocol/references.py writes it
    kind: str  # local, out, in
    state: str  # set-aside, done, undone, corrected
    payer_no: int | None
    payee_no: int | None
    amount: int
    text: str
    listing: ItemKey | None
    other_scheme: SchemeId | None
    other_name: str | None
    other_amount: int | None
    other_unit: str | None
    hours: int | None
    entry_seq: int | None
    created_ms: int
    ended_ms: int | None
    reason: str | None
    late: bool
    entered_by: str
    corrects_no: int | None
    corrected_by_no: int | None
    group_name: str = ""  # of the group whose account one side is

    def concerns(self, account_no: int) -> bool:
        """Tell whether the account is a party to it."""
        return account_no in (self.payer_no, self.payee_no)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrade:
    """A trade within the scheme, all of it known."""

    payer_no: int
    payee_no: int
    amount: int
    text: str
    entered_by: str
    proved_by: str
    once: bytes
    payer_name: str
    payee_name: str
    listing: ItemKey | None = None
    on_behalf_of: str | None = None
    reason: str = ""
    beyond_limits: bool = False  # of what exists whatever the limits are: opening balances (3.2)
    signed: SignedBook | None = None  # by the payer's passkey (3.5)


def trade_of(row: tuple[Any, ...]) -> Trade:
    """Return the trade of a row of TRADE_COLUMNS."""
    (
        no, reference, kind, state, payer_no, payee_no, amount, text, listing, other_scheme, other_name, other_amount,
        other_unit, hours, entry_seq, created_ms, ended_ms, reason, late, entered_by, corrects_no, corrected_by_no, group,
    ) = row  # fmt: skip
    return Trade(
        no=no, reference=reference, kind=kind, state=state, payer_no=payer_no, payee_no=payee_no, amount=amount,
        text=text, listing=listing, other_scheme=other_scheme, other_name=other_name, other_amount=other_amount,
        other_unit=other_unit, hours=hours, entry_seq=entry_seq, created_ms=created_ms, ended_ms=ended_ms,
        reason=reason, late=bool(late), entered_by=entered_by, corrects_no=corrects_no, corrected_by_no=corrected_by_no,
        group_name=group or "",
    )  # fmt: skip


class Trades:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, books: Books, clock: Clock, scheme: SchemeId,
        corrected: Callable[[Tx, int], None] = lambda _tx, _no: None, tell: Callable[[Tx, Trade], None] | None = None,
    ):  # fmt: skip
        """`corrected` is told, in the unit that does it, which trade was corrected; `tell` tells whoever got something of it."""
        self._store: Final = store
        self._books: Final = books
        self._clock: Final = clock
        self._scheme: Final = scheme
        self._corrected: Final = corrected
        self._tell: Final = tell

    async def record(self, new: NewTrade, *, also: Callable[[Tx, Trade], None] | None = None) -> Trade:
        """Record a trade within the scheme; the same `once` again gives the trade it recorded.

        `also` is a part of the unit that records it, the first time.

        Raises:
            Refused: the ledger says no; nothing moved.
            NotWhatWasSigned: a passkey signed another trade; nothing moved.
        """
        return await self._store.write(self._record_and, new, self._said(new), also)

    def _record_and(
        self, tx: Tx, new: NewTrade, words: Committed, also: Callable[[Tx, Trade], None] | None = None
    ) -> Trade:
        if self._tell is None and also is None:
            return self._record(tx, new, words)
        known = trade_by_once(tx, new.once)
        if known is not None:
            return known
        trade = self._record(tx, new, words)
        for each in (self._tell, also):
            if each is not None:
                each(tx, trade)
        return trade

    async def record_all(self, new: Sequence[NewTrade]) -> list[Trade]:
        """Record several trades in one unit: all of them, or none. Each is recorded once, by its `once`.

        Raises:
            Refused: the ledger says no to one of them; nothing moved.
        """
        return await self._store.write(self._record_all, [(each, self._said(each)) for each in new])

    def _record_all(self, tx: Tx, new: Sequence[tuple[NewTrade, Committed]]) -> list[Trade]:
        return [self._record_and(tx, each, words) for each, words in new]

    def record_in(self, tx: Tx, new: NewTrade, *, releasing: Mapping[int, int] | None = None) -> Trade:
        """Record a trade, as a part of a unit of work; `releasing` ends holds of these accounts with it. Nobody is told."""
        return self._record(tx, new, self._said(new), releasing)

    def record_told_in(self, tx: Tx, new: NewTrade) -> Trade:
        """As `record`, as a part of a unit of work."""
        return self._record_and(tx, new, self._said(new))

    def _said(self, new: NewTrade) -> Committed:
        """Return the entry's words. Made before the unit gets in line: there, one waits for the other."""
        words = Words(
            text=new.text, done_by=new.entered_by, on_behalf_of=new.on_behalf_of, proved_by=new.proved_by,
            reason=new.reason, parties=(new.payer_name, new.payee_name),
            listing=None if new.listing is None else ListingRef(scheme=self._scheme, key=new.listing),
            proof=b"" if new.signed is None else new.signed.proof,
        )  # fmt: skip
        return self._books.commit(words)

    def _record(
        self, tx: Tx, new: NewTrade, words: Committed, releasing: Mapping[int, int] | None = None
    ) -> Trade:
        amounts = (new.payer_no, -new.amount), (new.payee_no, new.amount)
        try:
            draft = self._books.draft(
                tx, amounts, words, releasing=releasing, beyond_limits=new.beyond_limits, signed=new.signed
            )
        except Refused:
            # The first of two such forms may have spent what the second asks for.
            known = trade_by_once(tx, new.once)
            if known is None:
                raise
            return known
        return self._enter(
            tx, draft, payer_no=new.payer_no, payee_no=new.payee_no, amount=new.amount, text=new.text,
            listing=new.listing, entered_by=new.entered_by, once=new.once, corrects_no=None,
        )  # fmt: skip

    def _enter(
        self, tx: Tx, draft: Draft, *, payer_no: int | None, payee_no: int | None, amount: int, text: str,
        listing: ItemKey | None, entered_by: str, once: bytes, corrects_no: int | None,
    ) -> Trade:  # fmt: skip
        """Write a trade and its entry, or return the trade that this `once` recorded."""
        while True:
            entry, reference = draft.made.signed.body, reference_number(draft.id)
            no = tx.put_new(
                _NEW,
                (
                    reference, "local", "done", payer_no, payee_no, amount, text, listing, entry.seq, entry.time,
                    entry.time, False, entered_by, once, corrects_no,
                ),
            )  # fmt: skip
            if no is not None:
                break
            known = trade_by_once(tx, once)
            if known is not None:
                return known
            draft = self._books.redraft(tx, draft)  # the reference is taken (7.9)
        self._books.enter(tx, draft)
        return Trade(
            no=no, reference=reference, kind="local", state="done", payer_no=payer_no, payee_no=payee_no, amount=amount,
            text=text, listing=listing, other_scheme=None, other_name=None, other_amount=None, other_unit=None, hours=None,
            entry_seq=entry.seq, created_ms=entry.time, ended_ms=entry.time, reason=None, late=False,
            entered_by=entered_by, corrects_no=corrects_no, corrected_by_no=None,
        )  # fmt: skip

    async def correct(self, trade_no: int, *, organiser: str, on_behalf_of: str, reason: str, once: bytes) -> Trade:  # fmt: skip
        """Record the opposite of a trade within the scheme, linked both ways. Source: 3.5.

        Raises:
            Refused: it was corrected before, or it went across schemes.
        """
        return await self._store.write(self._correct, trade_no, organiser, on_behalf_of, reason, once)

    def correct_in(
        self, tx: Tx, trade_no: int, *, organiser: str, on_behalf_of: str, reason: str, once: bytes
    ) -> Trade:  # fmt: skip
        """As `correct`, as a part of a unit of work."""
        return self._correct(tx, trade_no, organiser, on_behalf_of, reason, once)

    def _correct(
        self, tx: Tx, trade_no: int, organiser: str, on_behalf_of: str, reason: str, once: bytes
    ) -> Trade:  # fmt: skip
        known = trade_by_once(tx, once)
        if known is not None:
            return known
        trade = trade_by_no(tx, trade_no)
        assert trade.entry_seq is not None or trade.kind != "local"
        words = Words(
            text=trade.text, done_by=organiser, on_behalf_of=on_behalf_of, proved_by="broker", reason=reason
        )
        already = trade.corrected_by_no is not None
        draft = self._books.draft_correction(
            tx, trade.entry_seq if trade.entry_seq is not None else -1, already, self._books.commit(words)
        )
        made = self._enter(
            tx, draft, payer_no=trade.payee_no, payee_no=trade.payer_no, amount=trade.amount, text=trade.text,
            listing=trade.listing, entered_by=organiser, once=once, corrects_no=trade.no,
        )  # fmt: skip
        tx.run(_CORRECTED, which=trade.no, new_corrected_by_no=made.no)
        self._corrected(tx, trade.no)
        return made

    async def by_reference(self, reference: int) -> list[Trade]:
        """Return the trades that reference names: at most two, and nearly always one. Source: 7.9."""
        return await self._store.read(trades_by_reference, reference)

    async def by_no(self, no: int) -> Trade:
        """Return a trade. Raises LookupError."""
        return await self._store.read(trade_by_no, no)

    async def newest(self, account_no: int, most: int = 20) -> list[Trade]:
        """Return an account's newest trades."""
        return await self._store.read(newest_trades, account_no, most)

    async def waiting(self, account_no: int) -> list[Trade]:
        """Return trades whose amount is set aside."""
        return await self._store.read(trades_waiting, account_no)

    async def recorded_lately(self, payer_no: int, payee_no: int, amount: int, text: str) -> bool:
        """Tell whether the same was recorded within ten minutes, so that a page asks "Again?"."""
        since = self._clock.now_ms() - AGAIN_WITHIN_MS
        return await self._store.read(_alike, payer_no, payee_no, amount, text, since)

    async def is_arriving(self, trade: Trade) -> bool:
        """Tell whether a trade that pays us waits for the other scheme to have stored our answer. Source: 7.4."""
        return await self._store.read(is_arriving, trade)

    async def by_once(self, once: bytes) -> Trade | None:
        """Return the trade that a form's key recorded or began, if it did."""
        return await self._store.read(trade_by_once, once)


def trade_by_no(tx: ReadTx, no: int) -> Trade:
    """Return a trade. Raises LookupError."""
    row = tx.one(_BY_NO, no=no)
    if row is None:
        raise LookupError(f"no trade {no}")
    return trade_of(row)


def trades_by_reference(tx: ReadTx, reference: int) -> list[Trade]:
    """Return the trades that reference names; whose page they open is for the caller to decide. Source: 7.9."""
    return [trade_of(row) for row in tx.all(_BY_REFERENCE, reference=reference)]


def newest_trades(tx: ReadTx, account_no: int, most: int) -> list[Trade]:
    """Return an account's newest trades."""
    rows = [row for statement in _NEWEST for row in tx.all(statement, account_no=account_no, most=most)]
    return [trade_of(row) for row in sorted(rows, reverse=True)[:most]]


def newest_trade(tx: ReadTx, account_no: int) -> Trade | None:
    """Return an account's newest trade."""
    return next(iter(newest_trades(tx, account_no, 1)), None)


def trades_waiting(tx: ReadTx, account_no: int) -> list[Trade]:
    """Return trades of an account whose amount is set aside, oldest first."""
    return [trade_of(row) for row in tx.all(_SET_ASIDE, account_no=account_no)]


def _alike(tx: ReadTx, payer_no: int, payee_no: int, amount: int, text: str, since: int) -> bool:
    found = tx.one(_ALIKE, payer_no=payer_no, payee_no=payee_no, amount=amount, text=text, since=since)
    return found is not None


def trade_by_once(tx: ReadTx, once: bytes) -> Trade | None:
    """Return the trade that a form's key recorded or began, if it did."""
    row = tx.one(_BY_ONCE, once=once)
    return None if row is None else trade_of(row)


def is_arriving(tx: ReadTx, trade: Trade) -> bool:
    """Tell whether a trade that pays us waits for the other scheme to have stored our answer. Source: 7.4."""
    if trade.kind != "in":
        return False
    row = tx.one(_CLAIMED, trade_no=trade.no)
    return row is not None and row[0] > max(row[1], row[2])


__all__ = ["NewTrade", "Refused", "Trade", "Trades"]
