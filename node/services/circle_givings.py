"""Two treasurers of a group's account: over an amount that a keeper sets, one wants it and another says yes. Source: docs/protocol.md 3.10."""

from __future__ import annotations

from typing import Final

from crypto.digest import tagged
from node.clock import Clock
from node.services.acts import Actor
from node.services.circle_account_rows import (
    AccountState,
    GroupAccountKey,
    group_account_by_key,
    treasurers_of,
)
from node.services.circle_account_telling import CircleAccountTelling
from node.services.circle_accounts import CannotKeepAccount, CircleAccounts, Why, may_name
from node.services.circle_giving_rows import (
    Giving,
    GivingState,
    count_waiting,
    end_giving,
    giving_by_no,
    giving_by_once,
    put_giving,
    run_out,
)
from node.services.members import Member
from node.services.trades import Trade
from node.store import Store, Tx
from protocol.limits import GROUP_GIVINGS_WAITING_MAX

ONCE_BYTES: Final = 16


class CircleGivings:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, accounts: CircleAccounts, telling: CircleAccountTelling
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._accounts: Final = accounts
        self._telling: Final = telling

    async def set_two_above(self, key: GroupAccountKey, by: Actor, amount: int | None) -> None:
        """Say above which amount two treasurers give, as who names them; None: one alone does. Raises LookupError, CannotKeepAccount."""
        await self._store.write(self._set_two_above, key, by, amount)

    def _set_two_above(self, tx: Tx, key: GroupAccountKey, by: Actor, amount: int | None) -> None:
        found = group_account_by_key(tx, key)
        if found is None or found.state is not AccountState.OPEN:
            raise LookupError("no such account is open")
        if not may_name(tx, found, by):
            raise CannotKeepAccount(Why.NOT_YOURS)
        if amount == found.two_above:
            return
        self._accounts.two_above_in(tx, found, amount)
        self._telling.two_above(tx, found, amount, by.no)

    async def pay_out(
        self, key: GroupAccountKey, by: Member, proof: str, payee_no: int, amount: int, text: str, once: bytes
    ) -> Trade | Giving:
        """Let a group give, as its treasurer; what two must want waits for the second. The same `once` asks, or gives, once.

        Raises: as `CircleAccounts.pay_out`.
        """
        return await self._store.write(self._pay_out, key, by.no, proof, payee_no, amount, text, once)

    def _pay_out(
        self, tx: Tx, key: GroupAccountKey, by_no: int, proof: str, payee_no: int, amount: int, text: str, once: bytes
    ) -> Trade | Giving:  # fmt: skip
        known = giving_by_once(tx, once)
        if known is not None:
            return known
        found = group_account_by_key(tx, key)
        if found is None or found.two_above is None or amount <= found.two_above:
            return self._accounts.pay_out_in(tx, key, by_no, proof, payee_no, amount, text, once)
        self._accounts.check_pay_out(tx, key, by_no, payee_no)
        if not any(each not in (by_no, payee_no) for each in treasurers_of(tx, found.no)):
            raise CannotKeepAccount(Why.SECOND)
        if count_waiting(tx, found.no) >= GROUP_GIVINGS_WAITING_MAX:
            raise CannotKeepAccount(Why.SO_MANY)
        made = put_giving(
            tx, account_no=found.no, payee_no=payee_no, amount=amount, text=text, by_no=by_no, once=once,
            now_ms=self._clock.now_ms(),
        )  # fmt: skip
        self._telling.second_wanted(tx, made)
        return made

    async def agree(self, key: GroupAccountKey, no: int, by: Member, proof: str) -> None:
        """Say yes as the second treasurer: then it is given, once. Raises LookupError, CannotKeepAccount, Refused."""
        await self._store.write(self._agree, key, no, by.no, proof)

    def _agree(self, tx: Tx, key: GroupAccountKey, no: int, by_no: int, proof: str) -> None:
        found = self._of(tx, key, no)
        if found.state is GivingState.GIVEN:
            return
        now_ms = self._clock.now_ms()
        if not found.waits(now_ms):
            raise CannotKeepAccount(Why.NOT_NOW)
        once = tagged("interlets/once", b"group-giving" + no.to_bytes(8, "big"))[:ONCE_BYTES]
        trade = self._accounts.pay_out_in(
            tx, key, by_no, proof, found.payee_no, found.amount, found.text, once, first_no=found.by_no
        )
        end_giving(tx, no, GivingState.GIVEN, by_no=by_no, now_ms=now_ms, trade_no=trade.no)

    async def decline(self, key: GroupAccountKey, no: int, by: Member) -> None:
        """Say no as a treasurer, or take back what one wanted. Raises LookupError, CannotKeepAccount."""
        await self._store.write(self._decline, key, no, by.no)

    def _decline(self, tx: Tx, key: GroupAccountKey, no: int, by_no: int) -> None:
        found = self._of(tx, key, no)
        if by_no not in treasurers_of(tx, found.account.no):
            raise CannotKeepAccount(Why.NOT_YOURS)
        if not found.waits(self._clock.now_ms()):
            raise CannotKeepAccount(Why.NOT_NOW)
        end_giving(tx, no, GivingState.DECLINED, by_no=by_no, now_ms=self._clock.now_ms())
        if by_no != found.by_no:
            self._telling.not_given(tx, found, by_no)

    async def look(self) -> int:
        """Note what nobody said yes to in time, and tell who wanted it; a job."""
        return await self._store.write(self._look)

    def _look(self, tx: Tx) -> int:
        now_ms = self._clock.now_ms()
        old = run_out(tx, now_ms)
        for each in old:
            end_giving(tx, each.no, GivingState.LAPSED, by_no=None, now_ms=now_ms)
            self._telling.not_given(tx, each, None)
        return len(old)

    @staticmethod
    def _of(tx: Tx, key: GroupAccountKey, no: int) -> Giving:
        found = giving_by_no(tx, no)
        if found is None or found.account.key != key:
            raise LookupError("no such giving")
        return found
