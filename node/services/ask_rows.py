"""Requests for payment in the store: as values, how they are found, and how they are written down.

Units and queries only; what members do with them is in `asks.py`. Source: docs/protocol.md 3.11, 7.7; docs/pages.md 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import and_, bindparam, func, insert, literal_column, or_, select, update

from node.store import ReadTx, Tx
from node.store.schema import asks as schema
from node.store.schema import books as books_schema
from node.store.statements import Row
from protocol.asking import AskState, ask_state
from protocol.limits import ASKS_A_DAY_MAX, ASKS_OPEN_MAX, ASKS_OPEN_OF_TWO_MAX, DAY_MS
from protocol.names import Handle, SchemeId

LISTED_MAX: Final = 40

_A: Final = schema.ask.c
_T: Final = books_schema.trade.c
_COLUMNS: Final = (
    _A.no, _A.id, _A.kind, _A.state, _A.payee_no, _A.payer_no, _A.other_scheme, _A.their_handle, _A.their_name,
    _A.thread_no, _A.amount, _A.text, _A.reason, _A.said, _A.answer_once, _A.trade_no, _A.created_ms, _A.until_ms,
    _A.ended_ms, _A.reminded_ms, _A.counts, _A.warned, _A.warning_no, _A.cheque, _A.dated, _A.written, _T.no, _T.state,
)  # fmt: skip
_ASKS: Final = select(*_COLUMNS).select_from(
    schema.ask.outerjoin(books_schema.trade, _T.once == _A.answer_once)
)
_BY_NO: Final = _ASKS.where(_A.no == bindparam("no"))
_BY_ID: Final = _ASKS.where(_A.id == bindparam("id"))
_BY_ONCE: Final = _ASKS.where(_A.payee_no == bindparam("account_no"), _A.once == bindparam("once"))
_OF_PAYEE: Final = (
    _ASKS.where(_A.payee_no == bindparam("account_no")).order_by(_A.no.desc()).limit(LISTED_MAX)
)
_OF_PAYER: Final = (
    _ASKS.where(_A.payer_no == bindparam("account_no")).order_by(_A.no.desc()).limit(LISTED_MAX)
)
# Where silence counts, a request waits until somebody looks (3.11).
OPEN_ASK: Final = (
    _A.state == literal_column("'asked'"),
    or_(_A.until_ms > bindparam("now"), _A.counts.is_(True)),
)
_WAITING: Final = (
    _ASKS.where(_A.payer_no == bindparam("account_no"), *OPEN_ASK, or_(_T.no.is_(None), _T.state == "undone"))
    .order_by(_A.no)
    .limit(LISTED_MAX)
)
_COUNT_OPEN: Final = (
    select(func.count()).select_from(schema.ask).where(_A.payee_no == bindparam("account_no"), *OPEN_ASK)
)
_COUNT_TODAY: Final = (
    select(func.count())
    .select_from(schema.ask)
    .where(_A.payee_no == bindparam("account_no"), _A.created_ms > bindparam("since"))
)
_COUNT_BETWEEN: Final = (
    select(func.count())
    .select_from(schema.ask)
    .where(_A.payee_no == bindparam("account_no"), _A.payer_no == bindparam("payer_no"), *OPEN_ASK)
)
_COUNT_FROM: Final = (
    select(func.count())
    .select_from(schema.ask)
    .where(
        _A.payee_no.is_not_distinct_from(bindparam("payee_no")),
        _A.payer_no.is_not_distinct_from(bindparam("payer_no")),
        _A.their_handle == bindparam("their_handle"),
        *OPEN_ASK,
    )
)
# Of requests alike, the one that waits; else the newest, taken back or run out while its payment was under way.
_PAID_ABROAD: Final = (
    select(_A.no)
    .where(
        _A.payee_no == bindparam("account_no"),
        _A.kind == literal_column("'out'"),
        _A.state != literal_column("'paid'"),
        _A.other_scheme == bindparam("other_scheme"),
        # Whoever gave a cheque is known by number and name until they pay (7.11).
        or_(
            _A.their_handle == bindparam("their_handle"),
            and_(_A.their_handle.is_(None), _A.cheque.is_not(None)),
        ),
        _A.amount == bindparam("amount"),
        _A.text == bindparam("text"),
    )
    .order_by((_A.state == literal_column("'asked'")).desc(), _A.no.desc())
    .limit(1)
)
_PAID: Final = (
    update(schema.ask)
    .where(_A.no == bindparam("which"))
    .values(state=literal_column("'paid'"), trade_no=bindparam("new_trade_no"), ended_ms=bindparam("now"))
)
_ANSWER_ANEW: Final = (
    update(schema.ask)
    .where(_A.no == bindparam("which"), _A.answer_once == bindparam("old_once"))
    .values(answer_once=bindparam("new_once"))
)
_SAME: Final = (
    select(_A.no)
    .where(
        _A.payee_no == bindparam("account_no"),
        _A.payer_no.is_not_distinct_from(bindparam("payer_no")),
        _A.their_handle.is_not_distinct_from(bindparam("their_handle")),
        _A.amount == bindparam("amount"),
        _A.text == bindparam("text"),
        *OPEN_ASK,
    )
    .limit(1)
)
_NEW: Final = insert(schema.ask)
_END: Final = (
    update(schema.ask)
    .where(_A.no == bindparam("which"))
    .values(
        state=bindparam("new_state"), reason=bindparam("new_reason"), said=bindparam("new_said"),
        trade_no=bindparam("new_trade_no"), ended_ms=bindparam("now"),
    )
)  # fmt: skip
_REMINDED: Final = update(schema.ask).where(_A.no == bindparam("which")).values(reminded_ms=bindparam("now"))


class Kind(StrEnum):
    """Between whom."""

    LOCAL = "local"
    OUT = "out"  # a member of ours asks somebody abroad
    IN = "in"  # somebody abroad asks a member of ours


class Reason(StrEnum):
    """Why somebody says no. Source: docs/pages.md 8.6."""

    NOT_ME = "not-me"
    AMOUNT = "amount"
    NOT_HAPPENED = "not-happened"
    OTHER = "other"


class Why(StrEnum):
    """Why something is not done; nothing changed."""

    OPEN = "open"  # too many of yours wait for an answer
    TODAY = "today"  # too many within a day
    PESTERING = "pestering"  # too many of yours wait with this person
    SAME = "same"  # exactly this is asked already
    ENDED = "ended"  # it was answered, taken back, or ran out
    UNDER_WAY = "under-way"  # a payment of it is under way
    SOON = "soon"  # a reminder went within a day
    UNREACHABLE = "unreachable"  # nobody there could read it


class CannotAsk(Exception):
    """An honest no: nothing was changed. `name`: of whoever cannot be asked, where that is one of several."""

    def __init__(self, why: Why, name: str = ""):
        super().__init__(why.value)
        self.why: Final = why
        self.name: Final = name


@dataclass(frozen=True, slots=True)
class Cheque:
    """The cheque or slip that a request across schemes is from. Source: docs/protocol.md 7.11."""

    number: str  # "" for a slip
    dated: str  # 2026-03-04
    written: int  # in the payer's minor units


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request as stored, with the trade that answers it."""

    no: int
    id: bytes
    kind: Kind
    state: AskState  # as written; `stands` says where it is now
    payee_no: int | None
    payer_no: int | None
    other_scheme: SchemeId | None
    their_handle: Handle | None
    their_name: str
    thread_no: int | None
    amount: int  # in the payee's minor units
    text: str
    reason: str
    said: str
    answer_once: bytes | None
    created_ms: int
    until_ms: int
    ended_ms: int | None
    reminded_ms: int
    counts: bool  # whether silence is a yes when its time is over (3.11)
    warned: int
    warning_no: int | None  # the mail of the newest warning
    trade_no: int | None
    trade_state: str | None
    cheque: Cheque | None = None

    @property
    def under_way(self) -> bool:
        """Whether a payment across schemes was begun and has not ended."""
        return self.trade_state == "set-aside"

    def stands(self, now_ms: int) -> AskState:
        """Return where it stands: a payment that came about counts, whatever was said meanwhile."""
        if self.trade_state in ("done", "corrected"):
            return AskState.PAID
        return ask_state(self.state, self.until_ms, now_ms, counts=self.counts)

    def concerns(self, account_no: int) -> bool:
        """Tell whether the account is a party to it."""
        return account_no in (self.payee_no, self.payer_no)


def _ask(row: Row) -> Ask:
    (
        no, id_, kind, state, payee_no, payer_no, other_scheme, their_handle, their_name, thread_no, amount, text,
        reason, said, answer_once, trade_no, created_ms, until_ms, ended_ms, reminded_ms, counts, warned, warning_no, cheque,
        dated, written, found_no, found_state,
    ) = row  # fmt: skip
    return Ask(
        no=no, id=id_, kind=Kind(kind), state=AskState(state), payee_no=payee_no, payer_no=payer_no,
        other_scheme=None if other_scheme is None else SchemeId(other_scheme),
        their_handle=None if their_handle is None else Handle(their_handle), their_name=their_name,
        thread_no=thread_no, amount=amount, text=text, reason=reason, said=said, answer_once=answer_once,
        created_ms=created_ms, until_ms=until_ms, ended_ms=ended_ms, reminded_ms=reminded_ms,
        counts=bool(counts), warned=warned, warning_no=warning_no,
        trade_no=found_no if found_no is not None else trade_no, trade_state=found_state,
        cheque=None if cheque is None else Cheque(str(cheque), str(dated), written),
    )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------


def find_ask(tx: ReadTx, no: int, account_no: int) -> Ask | None:
    """Return a request this account is a party to; None whoever else's it is."""
    row = tx.one(_BY_NO, no=no)
    found = None if row is None else _ask(row)
    return found if found is not None and found.concerns(account_no) else None


def ask_by_id(tx: ReadTx, id_: bytes) -> Ask | None:
    """Return a request by the name both schemes know it by."""
    row = tx.one(_BY_ID, id=id_)
    return None if row is None else _ask(row)


def asks_waiting(tx: ReadTx, account_no: int, now_ms: int) -> list[Ask]:
    """Return what an account is asked for and has not answered, oldest first."""
    found = [_ask(row) for row in tx.all(_WAITING, account_no=account_no, now=now_ms)]
    for each in found:
        if not each.counts:
            tx.holds_until(each.until_ms)
    return found


def asks_of(tx: ReadTx, account_no: int) -> tuple[list[Ask], list[Ask]]:
    """Return the newest requests an account was asked and made, newest first in each."""
    asked = [_ask(row) for row in tx.all(_OF_PAYER, account_no=account_no)]
    return asked, [_ask(row) for row in tx.all(_OF_PAYEE, account_no=account_no)]


def ask_by_no(tx: ReadTx, no: int) -> Ask | None:
    """Return a request, whoever's it is; for units that know it is theirs."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _ask(row)


def ask_by_once(tx: ReadTx, once: bytes, account_no: int) -> Ask | None:
    """Return the request that this account's form with that key made."""
    row = tx.one(_BY_ONCE, once=once, account_no=account_no)
    return None if row is None else _ask(row)


# --- writing --------------------------------------------------------------------------------------------------


def check_room(tx: ReadTx, account_no: int, now_ms: int) -> None:
    """Raises CannotAsk: this member has asked often enough for now."""
    if tx.scalar(_COUNT_OPEN, account_no=account_no, now=now_ms) >= ASKS_OPEN_MAX:
        raise CannotAsk(Why.OPEN)
    if tx.scalar(_COUNT_TODAY, account_no=account_no, since=now_ms - DAY_MS) >= ASKS_A_DAY_MAX:
        raise CannotAsk(Why.TODAY)


def check_pestering(tx: ReadTx, account_no: int, payer_no: int, now_ms: int) -> None:
    """Raises CannotAsk: enough requests of this member wait with that one."""
    if (
        tx.scalar(_COUNT_BETWEEN, account_no=account_no, payer_no=payer_no, now=now_ms)
        >= ASKS_OPEN_OF_TWO_MAX
    ):
        raise CannotAsk(Why.PESTERING)


def check_pestering_abroad(
    tx: ReadTx, payee_no: int | None, payer_no: int | None, handle: Handle, now_ms: int
) -> None:
    """Raises CannotAsk: enough requests wait between one of us and somebody abroad; the one abroad is None."""
    count = tx.scalar(_COUNT_FROM, payee_no=payee_no, payer_no=payer_no, their_handle=handle, now=now_ms)
    if count >= ASKS_OPEN_OF_TWO_MAX:
        raise CannotAsk(Why.PESTERING)


def check_new(
    tx: ReadTx, account_no: int, payer_no: int | None, handle: Handle | None, amount: int, text: str, now_ms: int
) -> None:  # fmt: skip
    """Raises CannotAsk: exactly this waits for an answer; two alike could not be told apart when one is paid."""
    same = tx.one(
        _SAME,
        account_no=account_no,
        payer_no=payer_no,
        their_handle=handle,
        amount=amount,
        text=text,
        now=now_ms,
    )
    if same is not None:
        raise CannotAsk(Why.SAME)


def put_ask(tx: Tx, *, now_ms: int, cheque: Cheque | None = None, **values: Any) -> Ask:
    """Unit: write a new request down."""
    unsaid = {
        "payee_no": None, "payer_no": None, "other_scheme": None, "their_handle": None, "their_name": "",
        "thread_no": None, "answer_once": None, "once": None, "counts": False,
    }  # fmt: skip
    values["kind"] = values["kind"].value
    no = tx.insert(
        _NEW, **{**unsaid, **values}, state=AskState.ASKED.value, reason="", said="", trade_no=None, created_ms=now_ms,
        ended_ms=None, reminded_ms=now_ms, warned=0, warning_no=None,
        cheque=None if cheque is None else cheque.number, dated=None if cheque is None else cheque.dated,
        written=None if cheque is None else cheque.written,
    )  # fmt: skip
    made = ask_by_no(tx, no)
    assert made is not None
    return made


def end_ask(
    tx: Tx, ask: Ask, after: AskState, now_ms: int, *, reason: str = "", said: str = "", trade_no: int | None = None
) -> None:  # fmt: skip
    """Unit: write down how a request ended."""
    tx.run(
        _END,
        which=ask.no,
        new_state=after.value,
        new_reason=reason,
        new_said=said,
        new_trade_no=trade_no,
        now=now_ms,
    )


def note_paid_abroad(
    tx: Tx,
    account_no: int,
    scheme: SchemeId,
    handle: Handle,
    amount: int,
    text: str,
    trade_no: int,
    now_ms: int,
) -> None:
    """Unit: a payment from abroad came; if a member of ours asked for it, the request is paid. Source: 7.7."""
    no = tx.scalar(
        _PAID_ABROAD,
        account_no=account_no,
        other_scheme=scheme,
        their_handle=handle,
        amount=amount,
        text=text,
    )
    if no is not None:
        tx.run(_PAID, which=no, new_trade_no=trade_no, now=now_ms)


def answer_anew(tx: Tx, ask: Ask, once: bytes) -> None:
    """Unit: give a request another key for its payment, because that of the one before came to nothing."""
    tx.run(_ANSWER_ANEW, which=ask.no, old_once=ask.answer_once, new_once=once)


def note_reminded(tx: Tx, no: int, now_ms: int) -> None:
    """Unit: note that the payer was told once more."""
    tx.run(_REMINDED, which=no, now=now_ms)
