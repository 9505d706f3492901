"""Pay codes: 40 random bits, one use, 24 hours, shown by whoever is to be paid.

A code says whom and perhaps how much; it moves nothing by itself: whoever types it sees a check page and says yes.
Wrong codes are counted, for members each by themselves, so that many people behind one address do not wait for one.
Source: docs/protocol.md 7.9; docs/pages.md 0.7, 8.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from node.clock import Chance, Clock
from node.services.members import Member
from node.services.throttle import NETWORK_TRIES, Counted, Pace, Throttle
from node.services.trades import NewTrade, Trade, Trades, trade_by_no
from node.store import ReadTx, Store, Tx
from node.store.schema import pay_codes as schema
from node.store.statements import Row
from protocol.limits import DAY_MS, MINUTE_MS, PAY_CODE_VALID_MS, PAY_CODES_A_DAY_MAX
from protocol.references import REFERENCE_BYTES

ONCE_BYTES: Final = 16
# Somebody who reads nine letters from a wet card mistypes them; the check character tells that without a try.
CODE_TRIES: Final = Pace(free=10, first_ms=2_000, most_ms=15 * MINUTE_MS)
# A code that was used or ran out is remembered as such for a while, and then forgotten.
KEPT_MS: Final = 30 * DAY_MS

_C: Final = schema.pay_code.c
_COLUMNS: Final = (_C.no, _C.code, _C.account_no, _C.amount, _C.text, _C.pay_once, _C.trade_no, _C.until_ms)
_BY_CODE: Final = select(*_COLUMNS).where(_C.code == bindparam("code"))
_BY_ONCE: Final = select(*_COLUMNS).where(_C.once == bindparam("once"))
_TODAY: Final = (
    select(func.count())
    .select_from(schema.pay_code)
    .where(_C.account_no == bindparam("account_no"), _C.created_ms > bindparam("since"))
)
_NEW: Final = insert(schema.pay_code)
_USED: Final = (
    update(schema.pay_code).where(_C.no == bindparam("which")).values(trade_no=bindparam("new_trade_no"))
)
_FORGET: Final = delete(schema.pay_code).where(_C.until_ms < bindparam("before"))


class TooManyCodes(Exception):
    """An honest no: this member made enough codes today."""


class CodeEnded(Exception):
    """An honest no: the code was used by somebody, or its day is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayCode:
    """A code as stored."""

    no: int
    code: bytes  # its 40 bits
    account_no: int
    amount: int | None
    text: str
    pay_once: bytes
    trade_no: int | None
    until_ms: int

    def is_open(self, now_ms: int) -> bool:
        """Tell whether it can still be paid."""
        return self.trade_no is None and now_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class WaitFirst:
    """Too many wrong codes: how long to wait."""

    ms: int


def _pay_code(row: Row) -> PayCode:
    no, code, account_no, amount, text, pay_once, trade_no, until_ms = row
    return PayCode(
        no=no, code=int(code).to_bytes(REFERENCE_BYTES, "big"), account_no=account_no, amount=amount, text=text,
        pay_once=pay_once, trade_no=trade_no, until_ms=until_ms,
    )  # fmt: skip


def pay_code_of(tx: ReadTx, code: bytes) -> PayCode | None:
    """Return a code, whoever's it is; what its page tells is for the page to decide."""
    row = tx.one(_BY_CODE, code=int.from_bytes(code, "big"))
    return None if row is None else _pay_code(row)


class PayCodes:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, chance: Chance, trades: Trades, secret: bytes):
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._trades: Final = trades
        self._throttle: Final = Throttle(secret)

    async def make(self, member: Member, amount: int | None, text: str, once: bytes) -> PayCode:
        """Return a new code; the same `once` again gives the same. Raises TooManyCodes."""
        return await self._store.write(self._make, member, amount, text, once)

    def _make(self, tx: Tx, member: Member, amount: int | None, text: str, once: bytes) -> PayCode:
        known, now = tx.one(_BY_ONCE, once=once), self._clock.now_ms()
        if known is not None:
            return _pay_code(known)
        if tx.scalar(_TODAY, account_no=member.account_no, since=now - DAY_MS) >= PAY_CODES_A_DAY_MAX:
            raise TooManyCodes
        code = self._chance.bytes(REFERENCE_BYTES)
        while pay_code_of(tx, code) is not None:
            code = self._chance.bytes(REFERENCE_BYTES)
        tx.insert(
            _NEW, code=int.from_bytes(code, "big"), account_no=member.account_no, amount=amount, text=text,
            pay_once=self._chance.bytes(ONCE_BYTES), once=once, trade_no=None, created_ms=now,
            until_ms=now + PAY_CODE_VALID_MS,
        )  # fmt: skip
        made = pay_code_of(tx, code)
        assert made is not None
        return made

    async def look_up(
        self, code: bytes, *, member: Member | None, address: str
    ) -> PayCode | WaitFirst | None:
        """Return the open code that somebody typed; None for any other, which counts as a wrong try.

        Used, over and never made are one answer: nobody learns which codes there were.
        """
        return await self._store.write(self._look_up, code, member, address)

    def _look_up(
        self, tx: Tx, code: bytes, member: Member | None, address: str
    ) -> PayCode | WaitFirst | None:
        if member is None:
            counted = Counted(self._throttle.mark("pay-code-network", address), NETWORK_TRIES)
        else:
            counted = Counted(self._throttle.mark("pay-code", member.number), CODE_TRIES)
        now = self._clock.now_ms()
        wait_ms = self._throttle.charge(tx, [counted], now)
        if wait_ms:
            return WaitFirst(wait_ms)
        found = pay_code_of(tx, code)
        if found is None or not found.is_open(now):
            return None
        self._throttle.refund(tx, counted)
        return found

    async def pay(
        self, code: bytes, payer: Member, payee: Member, amount: int, text: str, *, proved_by: str
    ) -> Trade:  # fmt: skip
        """Pay a code, once; the payer's same form again gives the same trade.

        Raises:
            CodeEnded: somebody used it, or its day is over. Refused: the ledger says no.
        """
        return await self._store.write(self._pay, code, payer, payee, amount, text, proved_by)

    def _pay(
        self, tx: Tx, code: bytes, payer: Member, payee: Member, amount: int, text: str, proved_by: str
    ) -> Trade:  # fmt: skip
        found = pay_code_of(tx, code)
        if found is None or found.account_no != payee.account_no or found.amount not in (None, amount):
            raise CodeEnded
        if found.trade_no is not None:
            trade = trade_by_no(tx, found.trade_no)
            if trade.payer_no == payer.account_no:
                return trade
            raise CodeEnded
        if not found.is_open(self._clock.now_ms()):
            raise CodeEnded
        trade = self._trades.record_told_in(
            tx,
            NewTrade(
                payer_no=payer.account_no, payee_no=payee.account_no, amount=amount, text=text,
                entered_by=payer.name, proved_by=proved_by, once=found.pay_once, payer_name=payer.name,
                payee_name=payee.name,
            ),
        )  # fmt: skip
        tx.run(_USED, which=found.no, new_trade_no=trade.no)
        return trade

    async def forget_old(self) -> None:
        """Drop codes that ended long ago."""
        await self._store.write(_forget, self._clock.now_ms() - KEPT_MS)


def _forget(tx: Tx, before_ms: int) -> None:
    tx.run(_FORGET, before=before_ms)
