"""Requests for help and helpers' answers in the store: as values, how they are found, and how they are written down.

Queries and units only; who may do what is in `helping.py`. Source: docs/pages.md 7.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, insert, select, update

from node.store import ReadTx, Tx, upsert
from node.store.schema import care as schema
from node.store.statements import Row
from protocol.helping import OPEN, AnswerState, Help, HelpState

LISTED_MAX: Final = 100

_R: Final = schema.help_request.c
_A: Final = schema.help_answer.c
_COLUMNS: Final = (
    _R.no, _R.member_no, _R.what, _R.when_said, _R.place, _R.category, _R.checked_only, _R.named, _R.state, _R.outcome,
    _R.created_ms, _R.changed_ms,
)  # fmt: skip
_IS_OPEN: Final = _R.state.in_(sorted(state.value for state in OPEN))
_BY_NO: Final = select(*_COLUMNS).where(_R.no == bindparam("no"))
_BY_ONCE: Final = select(*_COLUMNS).where(_R.once == bindparam("once"))
_OF_MEMBER: Final = (
    select(*_COLUMNS).where(_R.member_no == bindparam("member_no")).order_by(_R.no.desc()).limit(LISTED_MAX)
)
_OPEN: Final = select(*_COLUMNS).where(_IS_OPEN).order_by(_R.state.desc(), _R.no).limit(LISTED_MAX)
_ENDED: Final = select(*_COLUMNS).where(~_IS_OPEN).order_by(_R.changed_ms.desc(), _R.no).limit(LISTED_MAX)
_WAITING: Final = (
    select(func.count()).select_from(schema.help_request).where(_R.state == HelpState.WAITING.value)
)
_OPEN_OF: Final = (
    select(func.count())
    .select_from(schema.help_request)
    .where(_R.member_no == bindparam("member_no"), _IS_OPEN)
)
_BROUGHT: Final = (
    select(*_COLUMNS, _A.state)
    .select_from(schema.help_request.join(schema.help_answer, _A.request_no == _R.no))
    .where(_A.helper_no == bindparam("member_no"))
    .order_by(_R.no.desc())
    .limit(LISTED_MAX)
)
_ANSWERS: Final = (
    select(_A.helper_no, _A.state, _A.said, _A.changed_ms)
    .where(_A.request_no == bindparam("no"))
    .order_by(_A.asked_ms, _A.helper_no)
)
_NEW: Final = insert(schema.help_request)
_BECAME: Final = (
    update(schema.help_request)
    .where(_R.no == bindparam("which"))
    .values(state=bindparam("new_state"), changed_ms=bindparam("now"))
)
_OUTCOME: Final = (
    update(schema.help_request).where(_R.no == bindparam("which")).values(outcome=bindparam("words"))
)
_PUT_ANSWER: Final = upsert(
    schema.help_answer, key=("request_no", "helper_no"), update=("state", "said", "asked_ms", "changed_ms")
)
_ANSWERED: Final = (
    update(schema.help_answer)
    .where(_A.request_no == bindparam("which"), _A.helper_no == bindparam("whose"))
    .values(state=bindparam("new_state"), said=bindparam("words"), changed_ms=bindparam("now"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request for help as stored."""

    no: int
    member_no: int
    what: str
    when: str
    place: str
    category: str
    checked_only: bool
    named: bool
    state: HelpState
    outcome: str
    created_ms: int
    changed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Where a request stands with one helper."""

    helper_no: int
    state: AnswerState
    said: str
    changed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """What somebody asks for."""

    what: str
    when: str
    place: str
    category: str = ""
    checked_only: bool = True
    named: bool = False


def _request(row: Row) -> Request:
    (
        no,
        member_no,
        what,
        when,
        place,
        category,
        checked_only,
        named,
        state,
        outcome,
        created_ms,
        changed_ms,
    ) = row
    return Request(
        no=no, member_no=member_no, what=what, when=when, place=place, category=category, checked_only=bool(checked_only),
        named=bool(named), state=HelpState(state), outcome=outcome, created_ms=created_ms, changed_ms=changed_ms,
    )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------


def request_by_no(tx: ReadTx, no: int) -> Request | None:
    """Return a request, whoever's it is; who may read it is for the caller to ask."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _request(row)


def request_by_once(tx: ReadTx, once: bytes) -> Request | None:
    """Return the request that a form made, if it did."""
    row = tx.one(_BY_ONCE, once=once)
    return None if row is None else _request(row)


def requests_of(tx: ReadTx, member_no: int) -> list[Request]:
    """Return what a member asked for, newest first."""
    return [_request(row) for row in tx.all(_OF_MEMBER, member_no=member_no)]


def brought_to(tx: ReadTx, member_no: int) -> list[tuple[Request, AnswerState]]:
    """Return what a member was asked to help with, newest first, and how their answer stands."""
    return [(_request(row[:-1]), AnswerState(row[-1])) for row in tx.all(_BROUGHT, member_no=member_no)]


def open_requests(tx: ReadTx) -> list[Request]:
    """Return the requests that have not ended, those without a helper in front, the oldest first."""
    return [_request(row) for row in tx.all(_OPEN)]


def ended_requests(tx: ReadTx) -> list[Request]:
    """Return the requests that ended last."""
    return [_request(row) for row in tx.all(_ENDED)]


def count_waiting(tx: ReadTx) -> int:
    """Return how many requests have no helper yet."""
    return int(tx.scalar(_WAITING))


def count_open_of(tx: ReadTx, member_no: int) -> int:
    """Return how many requests of a member have not ended."""
    return int(tx.scalar(_OPEN_OF, member_no=member_no))


def answers_to(tx: ReadTx, no: int) -> dict[int, Answer]:
    """Return everybody who was asked, by number, in the order in which they were."""
    return {
        helper_no: Answer(helper_no=helper_no, state=AnswerState(state), said=said, changed_ms=changed_ms)
        for helper_no, state, said, changed_ms in tx.all(_ANSWERS, no=no)
    }


def help_in(tx: ReadTx, request: Request) -> Help:
    """Return a request as its rules see it."""
    answers = answers_to(tx, request.no)
    return Help(state=request.state, answers={no: answer.state for no, answer in answers.items()})


# --- writing --------------------------------------------------------------------------------------------------


def put_request(tx: Tx, member_no: int, new: NewRequest, once: bytes, now_ms: int) -> int:
    """Unit: write a new request down; return its number."""
    return tx.insert(
        _NEW, member_no=member_no, what=new.what, when_said=new.when, place=new.place, category=new.category,
        checked_only=new.checked_only, named=new.named, state=HelpState.WAITING.value, outcome="", once=once,
        created_ms=now_ms, changed_ms=now_ms,
    )  # fmt: skip


def note_help(
    tx: Tx, request: Request, after: Help, changed: Mapping[int, AnswerState], now_ms: int, *, said: str = ""
) -> None:  # fmt: skip
    """Unit: a request and some answers stand differently now; `said` are the words of whoever answers."""
    tx.run(_BECAME, which=request.no, new_state=after.state.value, now=now_ms)
    # Whoever does not come any more first: never two, not even within the unit.
    for no, answer in sorted(changed.items(), key=lambda each: each[1] is AnswerState.YES):
        if answer is AnswerState.ASKED:
            tx.run(
                _PUT_ANSWER, request_no=request.no, helper_no=no, state=answer.value, said="", asked_ms=now_ms,
                changed_ms=now_ms,
            )  # fmt: skip
        else:
            words = "" if answer is AnswerState.OVER else said
            tx.run(_ANSWERED, which=request.no, whose=no, new_state=answer.value, words=words, now=now_ms)


def note_outcome(tx: Tx, no: int, words: str) -> None:
    """Unit: write down why an organiser closed a request."""
    tx.run(_OUTCOME, which=no, words=words)
