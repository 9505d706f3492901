"""A group's own account: asked for by a keeper, opened by an organiser, given to by all, let give by its treasurers.

On the ledger it is an account of kind `group`, with limits like a member's; what it gives and gets are ordinary trades.
Source: docs/protocol.md 3.10; docs/pages.md 7.2, 7.3.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, delete, insert, select, update

from node.clock import Chance, Clock
from node.services.acts import Actor, Deed, Hand, clip, note_act
from node.services.books import Books, Refused
from node.services.circle_account_rows import (
    AccountState,
    GroupAccount,
    GroupAccountKey,
    account_of_circle,
    group_account_by_key,
    group_account_by_no,
    treasurers_of,
)
from node.services.circle_account_telling import CircleAccountTelling
from node.services.circle_giving_rows import no_more_givings
from node.services.circle_rows import CircleKey, circle_by_key, circle_by_no, people_of
from node.services.members import Member, State, existing, member_by_no
from node.services.trades import NewTrade, Trade, Trades, trade_by_once
from node.store import ReadTx, Store, Tx
from node.store.schema import circle_accounts as schema
from protocol.circle import INSIDE, Standing
from protocol.ledger import AccountKind, Refusal
from protocol.limits import CIRCLE_TREASURERS_MAX, ENTRY_NAME_BYTES_MAX

_HALF: Final = (ENTRY_NAME_BYTES_MAX - 3) // 2  # of a name, where two treasurers stand in one place
_A: Final = schema.circle_account.c
_T: Final = schema.circle_treasurer.c
_NEW: Final = insert(schema.circle_account)
_OPENED: Final = (
    update(schema.circle_account)
    .where(_A.no == bindparam("which"))
    .values(state=AccountState.OPEN.value, account_no=bindparam("new_account_no"))
)
_CLOSED: Final = (
    update(schema.circle_account).where(_A.no == bindparam("which")).values(state=AccountState.CLOSED.value)
)
_TWO_ABOVE: Final = (
    update(schema.circle_account)
    .where(_A.no == bindparam("which"))
    .values(two_above=bindparam("new_two_above"))
)
_NOT_OPENED: Final = delete(schema.circle_account).where(_A.no == bindparam("which"))
_RENAMED: Final = (
    update(schema.circle_account).where(_A.circle_no == bindparam("which")).values(name=bindparam("new_name"))
)
_OF_NO_GROUP: Final = (
    update(schema.circle_account).where(_A.circle_no == bindparam("which")).values(circle_no=None)
)
_TREASURER: Final = insert(schema.circle_treasurer)
_NO_TREASURERS: Final = delete(schema.circle_treasurer).where(_T.circle_account_no == bindparam("which"))
_TREASURER_NO_MORE: Final = delete(schema.circle_treasurer).where(
    _T.member_no == bindparam("who"),
    _T.circle_account_no.in_(select(_A.no).where(_A.circle_no == bindparam("which"))),
)


class Why(StrEnum):
    """Why something was not done; nothing changed."""

    NOT_YOURS = "not-yours"
    NOT_NOW = "not-now"  # it is open, asked for, closed
    WHO = "who"  # nobody, too many, or somebody who cannot be its treasurer
    OWN = "own"  # an organiser about an account whose treasurer they are, a treasurer for themselves
    SECOND = "second"  # for so much two treasurers say yes, and one did, or there is only one
    SO_MANY = "so-many"  # many wait for a second treasurer already
    NOT_EVEN = "not-even"  # its balance is not zero


class CannotKeepAccount(Exception):
    """An honest no."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


class CircleAccounts:
    """See the head of this file."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        chance: Chance,
        books: Books,
        trades: Trades,
        telling: CircleAccountTelling,
    ):
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._books: Final = books
        self._trades: Final = trades
        self._telling: Final = telling

    # --- asked for, opened, closed ------------------------------------------------------------------------------

    async def ask(self, group: CircleKey, by: Member, treasurers: Collection[int]) -> None:
        """Ask for an account of a group, as its keeper. Raises LookupError, CannotKeepAccount."""
        await self._store.write(self._ask, group, by, frozenset(treasurers))

    def _ask(self, tx: Tx, group: CircleKey, by: Member, treasurers: frozenset[int]) -> None:
        known = circle_by_key(tx, group)
        if known is None:
            raise LookupError("no such group")
        if people_of(tx, known).standing_of(by.no) is not Standing.KEEPER:
            raise CannotKeepAccount(Why.NOT_YOURS)
        if account_of_circle(tx, known.no) is not None:
            raise CannotKeepAccount(Why.NOT_NOW)
        no = tx.insert(
            _NEW, key=self._chance.bytes(16), circle_no=known.no, account_no=None, name=known.name,
            state=AccountState.ASKED.value, two_above=None, created_ms=self._clock.now_ms(),
        )  # fmt: skip
        self._name(tx, self._existing(tx, no), treasurers)

    async def open(self, no: int, by: Actor, credit_limit: int, ceiling: int | None) -> None:
        """Open what was asked for, within limits in minor units. Raises LookupError, NotAllowed, CannotKeepAccount."""
        by.must_organise()
        await self._store.write(self._open, no, by, credit_limit, ceiling)

    def _open(self, tx: Tx, no: int, by: Actor, credit_limit: int, ceiling: int | None) -> None:
        found = self._decided(tx, no, by, AccountState.ASKED)
        if not treasurers_of(tx, no):
            raise CannotKeepAccount(Why.WHO)
        words = by.words("account opened", on_behalf_of=found.name, why=Deed.GROUP.value)
        opened = self._books.open_account(
            tx, words, kind=AccountKind.GROUP, credit_limit=credit_limit, ceiling=ceiling
        )
        tx.run(_OPENED, which=no, new_account_no=opened.no)
        self._note(tx, by, f"account opened: {found.name}")

    async def decline(self, no: int, by: Actor) -> None:
        """Say no to what was asked for; it can be asked for again. Raises LookupError, NotAllowed, CannotKeepAccount."""
        by.must_organise()
        await self._store.write(self._decline, no, by)

    def _decline(self, tx: Tx, no: int, by: Actor) -> None:
        found = self._decided(tx, no, by, AccountState.ASKED)
        tx.run(_NO_TREASURERS, which=no)
        tx.run(_NOT_OPENED, which=no)
        self._note(tx, by, f"account not opened: {found.name}")

    async def close(self, no: int, by: Actor) -> None:
        """Close an account that is at zero. Raises LookupError, NotAllowed, CannotKeepAccount."""
        by.must_organise()
        await self._store.write(self._close, no, by)

    def _close(self, tx: Tx, no: int, by: Actor) -> None:
        found = self._decided(tx, no, by, AccountState.OPEN)
        assert found.account_no is not None, "it is open"
        words = by.words("account closed", on_behalf_of=found.name, why=Deed.GROUP.value)
        try:
            self._books.close(tx, found.account_no, words)
        except Refused:
            raise CannotKeepAccount(Why.NOT_EVEN) from None
        tx.run(_NO_TREASURERS, which=no)
        tx.run(_CLOSED, which=no)
        no_more_givings(tx, no, self._clock.now_ms())
        self._note(tx, by, f"account closed: {found.name}")

    def _decided(self, tx: ReadTx, no: int, by: Actor, state: AccountState) -> GroupAccount:
        found = self._existing(tx, no)
        if found.state is not state:
            raise CannotKeepAccount(Why.NOT_NOW)
        if by.no in treasurers_of(tx, no):
            raise CannotKeepAccount(Why.OWN)
        return found

    def _existing(self, tx: ReadTx, no: int) -> GroupAccount:
        found = group_account_by_no(tx, no)
        if found is None:
            raise LookupError(f"no account {no} of a group")
        return found

    def _note(self, tx: Tx, by: Actor, detail: str) -> None:
        note_act(tx, by, Deed.GROUP, now_ms=self._clock.now_ms(), detail=detail)

    # --- treasurers ---------------------------------------------------------------------------------------------

    async def name_treasurers(self, key: GroupAccountKey, by: Actor, treasurers: Collection[int]) -> None:
        """Say who lets an account give: a keeper of its group, or, where that is gone, an organiser. Raises LookupError, CannotKeepAccount."""
        await self._store.write(self._name_treasurers, key, by, frozenset(treasurers))

    def _name_treasurers(self, tx: Tx, key: GroupAccountKey, by: Actor, treasurers: frozenset[int]) -> None:
        found = group_account_by_key(tx, key)
        if found is None or found.state is AccountState.CLOSED:
            raise LookupError("no such account")
        if not may_name(tx, found, by):
            raise CannotKeepAccount(Why.NOT_YOURS)
        self._name(tx, found, treasurers)
        if found.circle_no is None:
            self._note(tx, by, f"treasurers of {found.name}")

    def two_above_in(self, tx: Tx, found: GroupAccount, amount: int | None) -> None:
        """Unit: two treasurers give more than `amount`, minor units, from now on; None: one alone gives any."""
        tx.run(_TWO_ABOVE, which=found.no, new_two_above=amount)

    def _name(self, tx: Tx, found: GroupAccount, treasurers: frozenset[int]) -> None:
        fit = set(treasurers) <= self._candidates(tx, found, treasurers)
        if not fit or not 1 <= len(treasurers) <= CIRCLE_TREASURERS_MAX:
            raise CannotKeepAccount(Why.WHO)
        tx.run(_NO_TREASURERS, which=found.no)
        tx.many(
            _TREASURER, [{"circle_account_no": found.no, "member_no": each} for each in sorted(treasurers)]
        )

    def _candidates(self, tx: ReadTx, found: GroupAccount, named: frozenset[int]) -> set[int]:
        """Return who can be its treasurer: those in the group; of one that is gone whoever is a member."""
        known = None if found.circle_no is None else circle_by_no(tx, found.circle_no)
        if known is not None:
            return {each.who for each in people_of(tx, known).inside}
        people = (member_by_no(tx, each) for each in named)
        return {each.no for each in people if each is not None and each.state is not State.LEFT}

    # --- giving -------------------------------------------------------------------------------------------------

    async def give(
        self, key: GroupAccountKey, member: Member, amount: int, text: str, hand: Hand, once: bytes
    ) -> Trade:
        """Let a member give to a group; the same `once` again gives what was recorded. Raises LookupError, Refused."""
        return await self._store.write(self._give, key, member, amount, text, hand, once)

    def _give(
        self, tx: Tx, key: GroupAccountKey, member: Member, amount: int, text: str, hand: Hand, once: bytes
    ) -> Trade:
        found = self._open_one(tx, key)
        assert found.account_no is not None, "it is open"
        if not existing(tx, member.no).may_trade:
            raise Refused(Refusal.PAYER_CLOSED)
        new = NewTrade(
            payer_no=member.account_no, payee_no=found.account_no, amount=amount, text=text, entered_by=hand.entered_by,
            proved_by=hand.proved_by, once=once, payer_name=member.name, payee_name=found.name, on_behalf_of=hand.on_behalf_of,
            reason=hand.reason,
        )  # fmt: skip
        return self._record(tx, new, member.no)

    async def pay_out(
        self, key: GroupAccountKey, by: Member, proof: str, payee_no: int, amount: int, text: str, once: bytes
    ) -> Trade:
        """Let a group give to a member, as its treasurer; `proof` says how they signed in. The same `once` gives once.

        Raises:
            LookupError: no such account is open, or no such member. CannotKeepAccount: not its treasurer, or to themselves.
            Refused: an account cannot give or take that much, or somebody may not trade.
        """
        return await self._store.write(self.pay_out_in, key, by.no, proof, payee_no, amount, text, once)

    def pay_out_in(
        self, tx: Tx, key: GroupAccountKey, by_no: int, proof: str, payee_no: int, amount: int, text: str, once: bytes,
        *, first_no: int | None = None,
    ) -> Trade:  # fmt: skip
        """Unit: as `pay_out`; `first_no` is the treasurer who wanted it, where two have to. Source: 3.10."""
        found, payee = self.check_pay_out(tx, key, by_no, payee_no)
        assert found.account_no is not None, "it is open"
        by = existing(tx, by_no).name
        if found.two_above is not None and amount > found.two_above and first_no in (None, by_no):
            raise CannotKeepAccount(Why.SECOND)
        if first_no is not None:
            if first_no not in treasurers_of(tx, found.no):
                raise CannotKeepAccount(Why.NOT_NOW)
            by = f"{clip(existing(tx, first_no).name, _HALF)} + {clip(by, _HALF)}"
        new = NewTrade(
            payer_no=found.account_no, payee_no=payee.account_no, amount=amount, text=text, entered_by=by, proved_by=proof,
            once=once, payer_name=found.name, payee_name=payee.name, on_behalf_of=clip(found.name, ENTRY_NAME_BYTES_MAX),
        )  # fmt: skip
        return self._record(tx, new, by_no)

    def _record(self, tx: Tx, new: NewTrade, by_no: int) -> Trade:
        """Record a trade once, and tell treasurers of it once."""
        known = trade_by_once(tx, new.once)
        if known is not None:
            return known
        trade = self._trades.record_in(tx, new)
        self._telling.moved(tx, trade, by_no)
        return trade

    def check_pay_out(
        self, tx: ReadTx, key: GroupAccountKey, by_no: int, payee_no: int
    ) -> tuple[GroupAccount, Member]:
        """Return the account and who gets it. Raises LookupError, CannotKeepAccount, Refused: this treasurer cannot let it give to them."""
        found, by, payee = self._open_one(tx, key), existing(tx, by_no), member_by_no(tx, payee_no)
        if by_no not in treasurers_of(tx, found.no) or not by.may_trade:
            raise CannotKeepAccount(Why.NOT_YOURS)
        if payee is None or payee.state is State.LEFT:
            raise LookupError("no such member")
        if payee.no == by_no:
            raise CannotKeepAccount(Why.OWN)
        if not payee.may_trade:
            raise Refused(Refusal.PAYEE_CLOSED)
        return found, payee

    def _open_one(self, tx: ReadTx, key: GroupAccountKey) -> GroupAccount:
        found = group_account_by_key(tx, key)
        if found is None or found.state is not AccountState.OPEN:
            raise LookupError("no such account is open")
        return found

    # --- the group ----------------------------------------------------------------------------------------------

    def left_group_in(self, tx: Tx, circle_no: int, member_no: int) -> None:
        """Unit: somebody is not in a group any more, and its treasurer no more. Source: 3.10."""
        tx.run(_TREASURER_NO_MORE, which=circle_no, who=member_no)

    def renamed_in(self, tx: Tx, circle_no: int, name: str) -> None:
        """Unit: a group is called otherwise."""
        tx.run(_RENAMED, which=circle_no, new_name=name)

    def group_gone_in(self, tx: Tx, circle_no: int) -> None:
        """Unit: nobody is left in a group: what it only asked for is gone, what is open stays until it is closed."""
        found = account_of_circle(tx, circle_no)
        tx.run(_OF_NO_GROUP, which=circle_no)
        if found is not None and found.state is AccountState.ASKED:
            tx.run(_NO_TREASURERS, which=found.no)
            tx.run(_NOT_OPENED, which=found.no)


def may_name(tx: ReadTx, found: GroupAccount, by: Actor) -> bool:
    """Tell whether somebody says who lets an account give. Source: 3.10."""
    known = None if found.circle_no is None else circle_by_no(tx, found.circle_no)
    if known is None:
        return by.organises
    return by.no is not None and people_of(tx, known).standing_of(by.no) is Standing.KEEPER


def may_read_account(tx: ReadTx, found: GroupAccount, by: Actor) -> bool:
    """Tell whether somebody reads what moved an account: who is in the group, its treasurers, organisers. Source: 3.10."""
    assert by.no is not None, "nobody at the command line reads pages"
    known = None if found.circle_no is None else circle_by_no(tx, found.circle_no)
    inside = known is not None and people_of(tx, known).standing_of(by.no) in INSIDE
    return by.organises or inside or by.no in treasurers_of(tx, found.no)
