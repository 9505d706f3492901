"""Swaps in the store: as values, how they are found, and how they are written down.

Units and queries only; what members do with them is in `swaps.py`. Source: docs/protocol.md 5.14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, insert, or_, select, update

from node.store import ReadTx, Tx
from node.store.schema import letters as letters_schema
from node.store.schema import swaps as schema
from node.store.statements import Row
from protocol.names import ItemKey, SchemeId
from protocol.swap import Side, Swap, SwapState, Terms, swap_state

LISTED_MAX: Final = 40

_S: Final = schema.swap.c
_COLUMNS: Final = (
    _S.no, _S.item_key, _S.title, _S.owner_no, _S.asker_no, _S.thread_id, _S.state, _S.proposed_by, _S.turn, _S.given,
    _S.given_key, _S.amount, _S.payer, _S.asker_happened, _S.owner_happened, _S.proved_by, _S.trade_no, _S.pay_once,
    _S.created_ms, _S.changed_ms, _S.until_ms,
)  # fmt: skip
_SWAPS: Final = select(*_COLUMNS)
_BY_NO: Final = _SWAPS.where(_S.no == bindparam("no"))
_BY_ONCE: Final = _SWAPS.where(_S.once == bindparam("once"))
_MINE: Final = or_(_S.asker_no == bindparam("account_no"), _S.owner_no == bindparam("account_no"))
_OF: Final = _SWAPS.where(_MINE).order_by(_S.no.desc()).limit(LISTED_MAX)
_IS_OPEN: Final = _S.state.in_([SwapState.PROPOSED.value, SwapState.AGREED.value])
_OPEN_OF: Final = _SWAPS.where(_MINE, _IS_OPEN).order_by(_S.no)
_ABOUT: Final = _SWAPS.where(
    or_(_S.item_key == bindparam("item_key"), _S.given_key == bindparam("item_key")), _IS_OPEN
).order_by(_S.no)
_IN_THREAD: Final = (
    _SWAPS.where(_S.thread_id == bindparam("thread_id"), _MINE).order_by(_S.no.desc()).limit(3)
)
_COUNT_ASKED: Final = (
    select(func.count())
    .select_from(schema.swap)
    .where(
        _S.asker_no == bindparam("account_no"),
        or_(
            _S.state == SwapState.AGREED.value,
            (_S.state == SwapState.PROPOSED.value) & (_S.until_ms > bindparam("now")),
        ),
    )
)
_DUE: Final = _SWAPS.where(_S.remind_ms <= bindparam("now")).order_by(_S.remind_ms, _S.no).limit(200)
_OVER: Final = (
    _SWAPS.where(_S.state == SwapState.PROPOSED.value, _S.until_ms <= bindparam("now"))
    .order_by(_S.no)
    .limit(200)
)
_NEW: Final = insert(schema.swap)
_CHANGED: Final = (
    update(schema.swap)
    .where(_S.no == bindparam("which"))
    .values(
        state=bindparam("new_state"), proposed_by=bindparam("new_by"), turn=bindparam("new_turn"),
        given=bindparam("new_given"), given_key=bindparam("new_given_key"), amount=bindparam("new_amount"),
        payer=bindparam("new_payer"), asker_happened=bindparam("new_asker"), owner_happened=bindparam("new_owner"),
        changed_ms=bindparam("now"), until_ms=bindparam("new_until"), remind_ms=bindparam("new_remind"),
    )
)  # fmt: skip
_PROVED: Final = (
    update(schema.swap).where(_S.no == bindparam("which")).values(proved_by=bindparam("new_proved_by"))
)
_PAID: Final = (
    update(schema.swap).where(_S.no == bindparam("which")).values(trade_no=bindparam("new_trade_no"))
)
_NOT_DUE: Final = update(schema.swap).where(_S.no == bindparam("which")).values(remind_ms=None)
_T: Final = letters_schema.thread.c
_BLOCKED: Final = (
    select(_T.no)
    .where(
        _T.account_no == bindparam("account_no"),
        _T.scheme == bindparam("own"),
        _T.their_account == bindparam("their_account"),
        _T.blocked.is_(True),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swapped:
    """A swap as stored."""

    no: int
    key: ItemKey  # of what somebody asked for
    title: str
    owner_no: int
    asker_no: int
    thread_id: bytes
    swap: Swap
    proved_by: str
    trade_no: int | None
    pay_once: bytes
    created_ms: int
    changed_ms: int
    until_ms: int

    def stands(self, now_ms: int) -> SwapState:
        """Return where it stands now."""
        return swap_state(self.swap.state, self.until_ms, now_ms)

    def concerns(self, account_no: int) -> bool:
        """Tell whether the account is one of the two."""
        return account_no in (self.owner_no, self.asker_no)

    def side_of(self, account_no: int) -> Side:
        """Return which of the two the account is."""
        return Side.ASKER if account_no == self.asker_no else Side.OWNER

    def account_of(self, side: Side) -> int:
        """Return whose account a side is."""
        return self.asker_no if side is Side.ASKER else self.owner_no

    def key_of(self, side: Side) -> ItemKey | None:
        """Return the listing that a side gives, where it is one."""
        return self.key if side is Side.OWNER else self.swap.terms.given_key

    @property
    def waits_for(self) -> frozenset[Side]:
        """Of whom something is wanted: an answer, or a word that it happened after the other said so."""
        match self.swap.state:
            case SwapState.PROPOSED:
                return frozenset({self.swap.by.other})
            case SwapState.AGREED if self.swap.happened:
                return frozenset(Side) - self.swap.happened
            case _:
                return frozenset()


def _swapped(row: Row) -> Swapped:
    (
        no, key, title, owner_no, asker_no, thread_id, state, by, turn, given, given_key, amount, payer, asker_happened,
        owner_happened, proved_by, trade_no, pay_once, created_ms, changed_ms, until_ms,
    ) = row  # fmt: skip
    said = ((Side.ASKER, asker_happened), (Side.OWNER, owner_happened))
    swap = Swap(
        terms=Terms(
            given=given, given_key=None if given_key is None else ItemKey(given_key), amount=amount,
            payer=None if payer is None else Side(payer),
        ),
        by=Side(by), turn=turn, state=SwapState(state), happened=frozenset(side for side, yes in said if yes),
    )  # fmt: skip
    return Swapped(
        no=no, key=ItemKey(key), title=title, owner_no=owner_no, asker_no=asker_no, thread_id=thread_id, swap=swap,
        proved_by=proved_by, trade_no=trade_no, pay_once=pay_once, created_ms=created_ms, changed_ms=changed_ms,
        until_ms=until_ms,
    )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------


def find_swap(tx: ReadTx, no: int, account_no: int) -> Swapped | None:
    """Return a swap this account is one of the two of; None whoever else's it is."""
    row = tx.one(_BY_NO, no=no)
    found = None if row is None else _swapped(row)
    return found if found is not None and found.concerns(account_no) else None


def swap_by_once(tx: ReadTx, once: bytes) -> Swapped | None:
    """Return the swap a form's key proposed."""
    row = tx.one(_BY_ONCE, once=once)
    return None if row is None else _swapped(row)


def swaps_of(tx: ReadTx, account_no: int) -> list[Swapped]:
    """Return a member's newest swaps."""
    return [_swapped(row) for row in tx.all(_OF, account_no=account_no)]


def open_swaps(tx: ReadTx, account_no: int) -> list[Swapped]:
    """Return a member's swaps that are proposed or agreed, the oldest first; also proposals that have run out since."""
    return [_swapped(row) for row in tx.all(_OPEN_OF, account_no=account_no)]


def swaps_waiting(tx: ReadTx, account_no: int, now_ms: int) -> list[Swapped]:
    """Return the swaps of which something is wanted of a member now."""
    found = []
    for each in open_swaps(tx, account_no):
        if each.swap.state is SwapState.PROPOSED and each.stands(now_ms) is SwapState.PROPOSED:
            tx.holds_until(each.until_ms)
        if each.stands(now_ms) is each.swap.state and each.side_of(account_no) in each.waits_for:
            found.append(each)
    return found


def swaps_about(tx: ReadTx, key: ItemKey) -> list[Swapped]:
    """Return the swaps, proposed or agreed, in which a listing would be given by either of the two."""
    return [_swapped(row) for row in tx.all(_ABOUT, item_key=key)]


def swaps_in(tx: ReadTx, thread_id: bytes, account_no: int) -> list[Swapped]:
    """Return the newest swaps of a conversation, the oldest of them first."""
    return [_swapped(row) for row in reversed(tx.all(_IN_THREAD, thread_id=thread_id, account_no=account_no))]


def count_asked(tx: ReadTx, account_no: int, now_ms: int) -> int:
    """Return how many swaps a member asked for are neither answered nor done."""
    return int(tx.scalar(_COUNT_ASKED, account_no=account_no, now=now_ms))


def swaps_to_remind(tx: ReadTx, now_ms: int) -> list[Swapped]:
    """Return the swaps somebody is to be reminded of now, at most 200."""
    return [_swapped(row) for row in tx.all(_DUE, now=now_ms)]


def swaps_run_out(tx: ReadTx, now_ms: int) -> list[Swapped]:
    """Return the proposals nobody answered in time and nobody noted yet, at most 200."""
    return [_swapped(row) for row in tx.all(_OVER, now=now_ms)]


def has_blocked(tx: ReadTx, account_no: int, own: SchemeId, their_account: int) -> bool:
    """Tell whether a member of ours takes no more messages from another in a conversation of theirs."""
    return (
        tx.one(_BLOCKED, account_no=account_no, own=own, their_account=their_account) is not None
    )  # fmt: skip


# --- writing --------------------------------------------------------------------------------------------------


def put_swap(
    tx: Tx, swap: Swap, *, key: ItemKey, title: str, owner_no: int, asker_no: int, thread_id: bytes, pay_once: bytes,
    once: bytes, now_ms: int, until_ms: int, remind_ms: int,
) -> int:  # fmt: skip
    """Unit: write a proposal down; return its number."""
    terms = swap.terms
    return tx.insert(
        _NEW, item_key=key, title=title, owner_no=owner_no, asker_no=asker_no, thread_id=thread_id,
        state=swap.state.value, proposed_by=swap.by.value, turn=swap.turn, given=terms.given, given_key=terms.given_key,
        amount=terms.amount, payer=None if terms.payer is None else terms.payer.value, asker_happened=False,
        owner_happened=False, proved_by="", trade_no=None, pay_once=pay_once, once=once, created_ms=now_ms,
        changed_ms=now_ms, until_ms=until_ms, remind_ms=remind_ms,
    )  # fmt: skip


def change_swap(
    tx: Tx, no: int, after: Swap, *, now_ms: int, until_ms: int, remind_ms: int | None
) -> None:  # fmt: skip
    """Unit: write down where a swap stands now, and when somebody is to be reminded of it."""
    terms = after.terms
    tx.run(
        _CHANGED, which=no, new_state=after.state.value, new_by=after.by.value, new_turn=after.turn,
        new_given=terms.given, new_given_key=terms.given_key, new_amount=terms.amount,
        new_payer=None if terms.payer is None else terms.payer.value, new_asker=Side.ASKER in after.happened,
        new_owner=Side.OWNER in after.happened, now=now_ms, new_until=until_ms, new_remind=remind_ms,
    )  # fmt: skip


def note_proof(tx: Tx, no: int, proved_by: str) -> None:
    """Unit: write down how the payer of a difference proved who they were."""
    tx.run(_PROVED, which=no, new_proved_by=proved_by)


def note_paid(tx: Tx, no: int, trade_no: int) -> None:
    """Unit: write down the trade of a difference."""
    tx.run(_PAID, which=no, new_trade_no=trade_no)


def note_reminded(tx: Tx, no: int) -> None:
    """Unit: write down that somebody was reminded."""
    tx.run(_NOT_DUE, which=no)
