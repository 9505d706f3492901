"""Fees, charges and what the chest is to give, in the store: as values, how they are found, and how they are written down.

Units and queries only; what the days and organisers do with them is in `chest.py`. Source: docs/protocol.md 3.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, func, insert, or_, select, update

from node.services.members import MEMBER_COLUMNS, Member, State, member_of_row
from node.store import Ordered, ReadTx, Tx
from node.store.schema import books as books_schema
from node.store.schema import fees as schema
from node.store.schema import loans as loans_schema
from node.store.schema import people as people_schema
from node.store.statements import Row
from protocol.fee import Fee, Round, Side
from protocol.ledger import AccountKind

LISTED_MAX: Final = 200


class RuleState(StrEnum):
    """Where a rule stands."""

    ASKED = "asked"  # by one organiser
    RUNNING = "running"
    ENDED = "ended"


class ChargeState(StrEnum):
    """What became of what somebody owes."""

    OWED = "owed"
    PAID = "paid"
    WAIVED = "waived"
    WRITTEN_OFF = "written-off"
    GIVEN_BACK = "given-back"  # the trade that paid it was corrected


class Hindrance(StrEnum):
    """What is in the way of a charge that is owed."""

    NOTHING = ""
    TOO_FAR = "too-far"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as stored."""

    no: int
    id: bytes
    text: str
    fee: Fee
    state: RuleState
    turn: int  # the next one
    next_day: int | None
    created_ms: int
    began_ms: int | None
    ended_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one member owes for one time of a rule, as stored."""

    no: int
    rule_no: int
    turn: int
    account_no: int
    day: int
    base: int
    amount: int
    state: ChargeState
    hindrance: Hindrance
    trade_no: int | None
    reason: str
    changed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChestGift:
    """What organisers want the chest to give a member."""

    no: int
    account_no: int
    amount: int
    text: str
    once: bytes
    trade_no: int | None


_R: Final = schema.fee_rule.c
_RULES: Final = select(
    _R.no, _R.id, _R.text, _R.every, _R.first_day, _R.amount, _R.share, _R.side, _R.state, _R.turn, _R.next_day,
    _R.created_ms, _R.began_ms, _R.ended_ms,
)  # fmt: skip
_RULE: Final = _RULES.where(_R.no == bindparam("no"))
_RULE_BY_ONCE: Final = _RULES.where(_R.once == bindparam("once"))
_BEGUN: Final = _RULES.where(_R.began_ms.is_not(None)).order_by(_R.state.desc(), _R.no).limit(LISTED_MAX)
_RUNNING: Final = _RULES.where(_R.state == RuleState.RUNNING.value).order_by(_R.no)
_DUE: Final = select(_R.no).where(_R.next_day <= bindparam("today")).order_by(_R.next_day, _R.no)
_NEW_RULE: Final = insert(schema.fee_rule)
_STANDS: Final = (
    update(schema.fee_rule)
    .where(_R.no == bindparam("which"))
    .values(
        state=bindparam("new_state"), turn=bindparam("new_turn"), next_day=bindparam("new_next_day"),
        began_ms=bindparam("new_began_ms"), ended_ms=bindparam("new_ended_ms"),
    )
)  # fmt: skip
_C: Final = schema.charge.c
_CHARGES: Final = select(
    _C.no, _C.rule_no, _C.turn, _C.account_no, _C.day, _C.base, _C.amount, _C.state, _C.hindrance, _C.trade_no, _C.reason,
    _C.changed_ms,
)  # fmt: skip
_CHARGE: Final = _CHARGES.where(_C.no == bindparam("no"))
_PAID_BY: Final = _CHARGES.where(_C.trade_no == bindparam("trade_no"))
_OF_ACCOUNT: Final = (
    _CHARGES.where(_C.account_no == bindparam("account_no")).order_by(_C.no.desc()).limit(LISTED_MAX)
)
_OWED: Final = _CHARGES.where(_C.state == ChargeState.OWED.value).order_by(_C.no).limit(bindparam("most"))
_OWED_IN_ALL: Final = select(func.count(), func.coalesce(func.sum(_C.amount), 0)).where(
    _C.state == ChargeState.OWED.value
)
_TO_TRY: Final = (
    select(_C.no)
    .where(_C.state == ChargeState.OWED.value, or_(_C.tried_day.is_(None), _C.tried_day < bindparam("today")))
    .order_by(_C.no)
)
_NEW_CHARGE: Final = Ordered(
    insert(schema.charge),
    "rule_no", "turn", "account_no", "day", "base", "amount", "state", "hindrance", "tried_day", "trade_no", "reason",
    "changed_ms",
)  # fmt: skip
_BECAME: Final = (
    update(schema.charge)
    .where(_C.no == bindparam("which"))
    .values(
        state=bindparam("new_state"), hindrance=bindparam("new_hindrance"), tried_day=bindparam("new_tried_day"),
        trade_no=bindparam("new_trade_no"), reason=bindparam("new_reason"), changed_ms=bindparam("new_ms"),
    )
)  # fmt: skip
_G: Final = schema.chest_gift.c
_GIFTS: Final = select(_G.no, _G.account_no, _G.amount, _G.text, _G.once, _G.trade_no)
_GIFT: Final = _GIFTS.where(_G.no == bindparam("no"))
_GIFT_BY_ONCE: Final = _GIFTS.where(_G.once == bindparam("once"))
_NEW_GIFT: Final = insert(schema.chest_gift)
_GIVEN: Final = (
    update(schema.chest_gift).where(_G.no == bindparam("which")).values(trade_no=bindparam("new_trade_no"))
)
_M: Final = people_schema.member.c
_GOES_TO: Final = (
    select(_M.no)
    .select_from(schema.chest_gift.join(people_schema.member, _M.account_no == _G.account_no))
    .where(_G.no == bindparam("no"))
)
# Whoever joins on the day itself owes from the next time on.
_MEMBERS: Final = (
    select(*MEMBER_COLUMNS)
    .where(_M.state != State.LEFT.value, _M.joined_ms < bindparam("before"))
    .order_by(_M.no)
)
_T: Final = books_schema.trade.c
_PAYER: Final = books_schema.account.alias("payer")
_PAYEE: Final = books_schema.account.alias("payee")
_LOAN: Final = loans_schema.loan.c
# Between two members of ours, as it stands now; loans go and come back, and are no trade in this sense (3.8).
_TRADED: Final = (
    select(_T.payer_no, _T.payee_no, _T.amount)
    .select_from(
        books_schema.trade.join(_PAYER, _PAYER.c.no == _T.payer_no).join(_PAYEE, _PAYEE.c.no == _T.payee_no)
    )
    .where(
        _T.kind == "local",
        _T.state == "done",
        _T.corrects_no.is_(None),
        _T.created_ms >= bindparam("from_ms"),
        _T.created_ms < bindparam("to_ms"),
        _PAYER.c.kind == AccountKind.MEMBER.value,
        _PAYEE.c.kind == AccountKind.MEMBER.value,
        _T.no.not_in(select(_LOAN.trade_no).where(_LOAN.trade_no.is_not(None))),
        _T.no.not_in(select(loans_schema.loan_part.c.trade_no)),
    )
)


def _rule(row: Row) -> Rule:
    no, id_, text, every, first, amount, share, side, state, turn, next_day, created, began, ended = row
    fee = Fee(every=Round(every), first=first, amount=amount, share=share, side=Side(side))
    return Rule(
        no=no, id=id_, text=text, fee=fee, state=RuleState(state), turn=turn, next_day=next_day, created_ms=created,
        began_ms=began, ended_ms=ended,
    )  # fmt: skip


def _charge(row: Row) -> Charge:
    no, rule_no, turn, account_no, day, base, amount, state, hindrance, trade_no, reason, changed_ms = row
    return Charge(
        no=no, rule_no=rule_no, turn=turn, account_no=account_no, day=day, base=base, amount=amount,
        state=ChargeState(state), hindrance=Hindrance(hindrance), trade_no=trade_no, reason=reason, changed_ms=changed_ms,
    )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------


def rule_by_no(tx: ReadTx, no: int) -> Rule | None:
    """Return a rule, whatever became of it."""
    row = tx.one(_RULE, no=no)
    return None if row is None else _rule(row)


def rule_by_once(tx: ReadTx, once: bytes) -> Rule | None:
    """Return the rule a form's key made."""
    row = tx.one(_RULE_BY_ONCE, once=once)
    return None if row is None else _rule(row)


def rules_begun(tx: ReadTx) -> list[Rule]:
    """Return the rules that two organisers wanted: those that run first."""
    return [_rule(row) for row in tx.all(_BEGUN)]


def rules_running(tx: ReadTx) -> list[Rule]:
    """Return the rules that run now."""
    return [_rule(row) for row in tx.all(_RUNNING)]


def rules_due(tx: ReadTx, today: int) -> list[int]:
    """Return the numbers of rules of which a time is due, the one that waits longest first."""
    return [row[0] for row in tx.all(_DUE, today=today)]


def charge_by_no(tx: ReadTx, no: int) -> Charge | None:
    """Return a charge."""
    row = tx.one(_CHARGE, no=no)
    return None if row is None else _charge(row)


def charge_paid_by(tx: ReadTx, trade_no: int) -> Charge | None:
    """Return the charge a trade paid, if it paid one."""
    row = tx.one(_PAID_BY, trade_no=trade_no)
    return None if row is None else _charge(row)


def charges_of(tx: ReadTx, account_no: int) -> list[Charge]:
    """Return what a member owed and owes, the newest first."""
    return [_charge(row) for row in tx.all(_OF_ACCOUNT, account_no=account_no)]


def charges_owed(tx: ReadTx, most: int = LISTED_MAX) -> list[Charge]:
    """Return what is owed by anybody, the oldest first."""
    return [_charge(row) for row in tx.all(_OWED, most=most)]


def owed_in_all(tx: ReadTx) -> tuple[int, int]:
    """Return how many charges are owed, and how much together."""
    count, amount = tx.one(_OWED_IN_ALL) or (0, 0)
    return int(count), int(amount)


def charges_to_try(tx: ReadTx, today: int) -> list[int]:
    """Return the numbers of charges that were not tried today, the oldest first."""
    return [row[0] for row in tx.all(_TO_TRY, today=today)]


def members_owing(tx: ReadTx, before_ms: int) -> list[Member]:
    """Return who has joined before a moment and has not left, by number."""
    return [member_of_row(row) for row in tx.all(_MEMBERS, before=before_ms)]


def traded(tx: ReadTx, from_ms: int, to_ms: int) -> dict[int, tuple[int, int]]:
    """Return what each account gave and got in trades between two members of ours, loans and corrected trades left out."""
    sums: dict[int, list[int]] = {}
    for payer_no, payee_no, amount in tx.all(_TRADED, from_ms=from_ms, to_ms=to_ms):
        sums.setdefault(payer_no, [0, 0])[0] += amount
        sums.setdefault(payee_no, [0, 0])[1] += amount
    return {no: (given, got) for no, (given, got) in sums.items()}


def gift_by_no(tx: ReadTx, no: int) -> ChestGift | None:
    """Return what the chest is to give, or gave."""
    row = tx.one(_GIFT, no=no)
    return None if row is None else _gift(row)


def gift_by_once(tx: ReadTx, once: bytes) -> ChestGift | None:
    """Return what a form's key asked for."""
    row = tx.one(_GIFT_BY_ONCE, once=once)
    return None if row is None else _gift(row)


def goes_to(tx: ReadTx, gift_no: int) -> int | None:
    """Return the number of the member to whom the chest is to give."""
    no = tx.scalar(_GOES_TO, no=gift_no)
    return None if no is None else int(no)


def _gift(row: Row) -> ChestGift:
    no, account_no, amount, text, once, trade_no = row
    return ChestGift(no=no, account_no=account_no, amount=amount, text=text, once=once, trade_no=trade_no)


# --- writing --------------------------------------------------------------------------------------------------


def put_rule(tx: Tx, text: str, fee: Fee, *, id_: bytes, once: bytes, now_ms: int) -> int:
    """Unit: write a rule down that one organiser asks for; return its number."""
    return tx.insert(
        _NEW_RULE, id=id_, text=text, every=fee.every.value, first_day=fee.first, amount=fee.amount, share=fee.share,
        side=fee.side.value, state=RuleState.ASKED.value, turn=0, next_day=None, once=once, created_ms=now_ms, began_ms=None,
        ended_ms=None,
    )  # fmt: skip


def change_rule(
    tx: Tx, rule: Rule, *, state: RuleState, turn: int, began_ms: int | None, ended_ms: int | None
) -> None:
    """Unit: write down where a rule stands now."""
    tx.run(
        _STANDS, which=rule.no, new_state=state.value, new_turn=turn,
        new_next_day=rule.fee.due(turn) if state is RuleState.RUNNING else None, new_began_ms=began_ms,
        new_ended_ms=ended_ms,
    )  # fmt: skip


def put_charges(tx: Tx, rule: Rule, owing: Sequence[tuple[int, int, int]], now_ms: int) -> None:
    """Unit: write down what is owed for a rule's turn, as (account, base, amount); there is one such row for each."""
    day = rule.fee.due(rule.turn)
    tx.put_many(
        _NEW_CHARGE,
        [
            (rule.no, rule.turn, no, day, base, amount, ChargeState.OWED.value, "", None, None, "", now_ms)
            for no, base, amount in owing
        ],
    )


def change_charge(
    tx: Tx, no: int, state: ChargeState, now_ms: int, *, hindrance: Hindrance = Hindrance.NOTHING,
    tried_day: int | None = None, trade_no: int | None = None, reason: str = "",
) -> None:  # fmt: skip
    """Unit: write down what became of a charge."""
    tx.run(
        _BECAME, which=no, new_state=state.value, new_hindrance=hindrance.value, new_tried_day=tried_day,
        new_trade_no=trade_no, new_reason=reason, new_ms=now_ms,
    )  # fmt: skip


def put_gift(tx: Tx, account_no: int, amount: int, text: str, *, once: bytes, now_ms: int) -> int:
    """Unit: write down what the chest is asked to give; return its number."""
    return tx.insert(
        _NEW_GIFT,
        account_no=account_no,
        amount=amount,
        text=text,
        once=once,
        trade_no=None,
        created_ms=now_ms,
    )


def note_gift_given(tx: Tx, no: int, trade_no: int) -> None:
    """Unit: write down the trade by which the chest gave."""
    tx.run(_GIVEN, which=no, new_trade_no=trade_no)
