"""A period closed: its figures reckoned from the entries' movements, signed, with who vouches for the book behind them.

Nothing is written by it: whoever asks again for a period gets the same figures. Source: docs/protocol.md 4.5; docs/pages.md 7.4.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, func, select

from node.clock import Clock
from node.keyring import KeyRing
from node.services.line_rows import read_lines
from node.services.receipts import Receipts
from node.store import ReadTx
from node.store.schema import books as schema
from protocol.audit_sheet import Owed, Sheet, SheetFile, SystemBalance, encode_sheet
from protocol.ledger import HOURS, LOCAL, AccountKind, SystemRole, system_account_id
from protocol.message import sign_message
from protocol.names import AccountId, EntryId, SchemeId

_E: Final = schema.entry.c
# With “+ 0” SQLite reads the index of times, which is small, and not the entries in their order.
_FROM: Final = select(func.min(_E.seq + 0)).where(_E.time >= bindparam("moment"))
_COUNT: Final = select(func.count()).select_from(schema.entry)
_ID: Final = select(_E.id).where(_E.seq == bindparam("seq"))
_KINDS: Final = (
    select(_E.kind, func.count())
    .where(_E.seq + 0 >= bindparam("first"), _E.seq + 0 < bindparam("end"))
    .group_by(_E.kind)
)
_L: Final = schema.leg.c
_A: Final = schema.account.c
# Account by account, one step each to its last movement before the end; null where there was none yet.
_LAST: Final = (
    select(_L.balance_after)
    .where(_L.account_no == _A.no, _L.entry_seq < bindparam("end"))
    .order_by(_L.entry_seq.desc())
    .limit(1)
    .correlate(schema.account)
    .scalar_subquery()
)
_BALANCES: Final = select(_A.id, _A.kind, _A.role, _A.unit, _LAST)
# Nearly all entries are postings: what is left out is found without reading them.
_OTHERS: Final = select(_E.seq).where(
    _E.kind != "posting", _E.seq + 0 >= bindparam("first"), _E.seq + 0 < bindparam("end")
)
_TURNOVER: Final = (
    select(func.coalesce(func.sum(_L.amount), 0))
    .join_from(schema.account, schema.leg, _A.no == _L.account_no)
    .where(
        _L.entry_seq >= bindparam("first"), _L.entry_seq < bindparam("end"),
        _L.amount > 0, _A.unit == LOCAL, _L.entry_seq.not_in(_OTHERS),
    )
)  # fmt: skip


class NotOver(Exception):
    """The period is not over, or the book had nothing in it by its end: there is nothing to close."""


class Closing:
    """Makes sheets. Holds no state."""

    def __init__(self, *, keyring: KeyRing, clock: Clock, receipts: Receipts):
        self._keyring: Final = keyring
        self._clock: Final = clock
        self._receipts: Final = receipts

    def read(self, tx: ReadTx, from_ms: int, to_ms: int) -> bytes:
        """Query: the file of the sheet from one moment to another, which is not included. Raises NotOver."""
        sheet = read_sheet(tx, self._keyring.scheme, from_ms, to_ms, self._clock.now_ms())
        key_seq, key = self._keyring.signing["ledger"]
        wire = sign_message(sheet, key, key_seq).wire
        own, proof, witnesses = self._receipts.vouched_for(tx, sheet.entries - 1, [key_seq])
        return encode_sheet(SheetFile(own=own, sheet=wire, proof=proof, witnesses=witnesses))


def read_sheet(tx: ReadTx, scheme: SchemeId, from_ms: int, to_ms: int, now_ms: int) -> Sheet:
    """Return the figures of a period. Raises NotOver."""
    if not from_ms < to_ms <= now_ms:
        raise NotOver
    first, end = _seq_at(tx, from_ms), _seq_at(tx, to_ms)
    if not end:
        raise NotOver
    last: bytes = tx.scalar(_ID, seq=end - 1)
    people: list[int] = []
    system: list[SystemBalance] = []
    lines: dict[AccountId, int] = {}
    for id_, kind, role, unit, balance in tx.all(_BALANCES, end=end):
        if balance is None:
            continue
        if kind != AccountKind.SYSTEM.value:
            people.append(balance)
        elif role == SystemRole.LINE.value:
            lines[AccountId(id_)] = balance
        else:
            system.append(SystemBalance(role=role, unit=unit, balance=balance))
    kinds: dict[str, int] = dict(tx.all(_KINDS, first=first, end=end))
    people.sort()
    return Sheet(
        scheme=scheme, from_ms=from_ms, to_ms=to_ms, made_ms=now_ms, entries=end, last=EntryId(last), people=len(people),
        ahead=sum(each for each in people if each > 0), behind=sum(each for each in people if each < 0), spread=spread_of(people),
        system=tuple(sorted(system, key=lambda each: (each.unit, each.role))), lines=_owed(tx, scheme, lines),
        trades=int(kinds.get("posting", 0)), corrections=int(kinds.get("correction", 0)),
        turnover=int(tx.scalar(_TURNOVER, first=first, end=end)),
    )  # fmt: skip


def _seq_at(tx: ReadTx, moment_ms: int) -> int:
    """Return how many entries the book had at a moment."""
    found: int | None = tx.scalar(_FROM, moment=moment_ms)
    return int(tx.scalar(_COUNT)) if found is None else found


def _owed(tx: ReadTx, scheme: SchemeId, balances: dict[AccountId, int]) -> tuple[Owed, ...]:
    peers = {line.peer for line in read_lines(tx, scheme)}
    by_account = {system_account_id(scheme, SystemRole.LINE, HOURS, peer): peer for peer in peers}
    return tuple(
        sorted(
            (Owed(scheme=by_account[id_], balance=balance) for id_, balance in balances.items()),
            key=lambda each: each.scheme,
        )
    )


def spread_of(rising: list[int]) -> tuple[int, ...]:
    """Return the lowest, the three quartiles by nearest rank, and the highest; nothing of nothing."""
    if not rising:
        return ()
    most = len(rising)
    ranks = (1, -(-most // 4), -(-most // 2), -(-3 * most // 4), most)
    return tuple(rising[rank - 1] for rank in ranks)
