"""Conversations in the store: what members write and read, here and across schemes.

Units and queries only; letters travel in `letters.py`. Source: docs/protocol.md 7.7; docs/pages.md 8.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, insert, select, update

from node.store import ReadTx, Tx
from node.store.schema import letters as schema
from node.store.statements import Row
from protocol.letter import DELIVERED, LetterText, Sum
from protocol.limits import DAY_MS
from protocol.names import Handle, ItemKey, SchemeId

WAITING: Final = "waiting"
ARRIVED: Final = "arrived"
PAGE_ROWS: Final = 20
MESSAGES_SHOWN: Final = 50

_T: Final = schema.thread.c
_THREAD_COLUMNS: Final = (
    _T.no, _T.id, _T.account_no, _T.scheme, _T.their_handle, _T.their_account, _T.their_name, _T.listing_scheme,
    _T.listing_key, _T.begun_here, _T.blocked, _T.unread, _T.created_ms, _T.last_ms,
)  # fmt: skip
_MINE: Final = _T.account_no.is_not_distinct_from(bindparam("account_no"))
_ONE: Final = select(*_THREAD_COLUMNS).where(_T.no == bindparam("no"), _MINE)
_BY_NO: Final = select(*_THREAD_COLUMNS).where(_T.no == bindparam("no"))
_BY_ID: Final = select(*_THREAD_COLUMNS).where(
    _T.id == bindparam("id"), _T.scheme == bindparam("scheme"), _MINE
)
_READER: Final = select(_T.account_no).where(
    _T.id == bindparam("id"), _T.scheme == bindparam("scheme"), _T.their_handle == bindparam("handle"),
    _T.account_no.is_not(None),
)  # fmt: skip
_PAGE: Final = (
    select(*_THREAD_COLUMNS)
    .where(_MINE)
    .order_by(_T.last_ms.desc(), _T.no.desc())
    .limit(PAGE_ROWS)
    .offset(bindparam("skip"))
)
_COUNT: Final = select(func.count()).select_from(schema.thread).where(_MINE)
_UNREAD: Final = select(func.sum(_T.unread)).where(_MINE)
_BEGUN: Final = (
    select(func.count())
    .select_from(schema.thread)
    .where(_MINE, _T.begun_here.is_(True), _T.scheme != bindparam("own"), _T.created_ms > bindparam("since"))
)
_COME: Final = (
    select(func.count())
    .select_from(schema.thread)
    .where(_T.begun_here.is_(False), _T.scheme == bindparam("scheme"), _T.created_ms > bindparam("since"))
)
_COME_FROM: Final = _COME.where(_T.their_handle == bindparam("their_handle"))
_WITH: Final = (
    select(_T.no)
    .where(_MINE, _T.scheme == bindparam("scheme"), _T.their_handle == bindparam("handle"))
    .order_by(_T.no.desc())
    .limit(1)
)
_NEW_THREAD: Final = insert(schema.thread)
_TOUCH: Final = (
    update(schema.thread)
    .where(_T.no == bindparam("which"))
    .values(last_ms=bindparam("now"), unread=_T.unread + bindparam("more"))
)
_THEIRS: Final = (
    update(schema.thread)
    .where(_T.no == bindparam("which"))
    .values(their_handle=bindparam("handle"), their_name=bindparam("name"))
)
_READ: Final = update(schema.thread).where(_T.no == bindparam("which")).values(unread=0)
_BLOCK: Final = (
    update(schema.thread).where(_T.no == bindparam("which")).values(blocked=bindparam("new_blocked"))
)
_M: Final = schema.message.c
_MESSAGE_COLUMNS: Final = (
    _M.no, _M.mine, _M.author, _M.kind, _M.text, _M.amount_scheme, _M.amount, _M.until_ms, _M.reference, _M.state,
    _M.at_ms, _M.answered_ms,
)  # fmt: skip
_LATEST: Final = (
    select(*_MESSAGE_COLUMNS)
    .where(_M.thread_no == bindparam("thread_no"), _M.no < bindparam("before"))
    .order_by(_M.no.desc())
    .limit(MESSAGES_SHOWN)
)
_NEW_MESSAGE: Final = insert(schema.message)
_ANSWERED: Final = (
    update(schema.message)
    .where(_M.no == bindparam("which"), _M.state == WAITING)
    .values(state=bindparam("answer"), answered_ms=bindparam("now"))
)
_FIRST_PAGE: Final = 2**62  # above every number of a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One side of a conversation."""

    no: int
    id: bytes
    account_no: int | None
    scheme: SchemeId
    their_handle: Handle | None
    their_account: int | None
    their_name: str
    listing: tuple[SchemeId, ItemKey] | None
    begun_here: bool
    blocked: bool
    unread: int
    created_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation."""

    no: int
    mine: bool
    author: str
    kind: str
    text: str
    amount: Sum | None
    until_ms: int | None
    reference: bytes | None
    state: str
    at_ms: int
    answered_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewThread:
    """With whom, and about what."""

    id: bytes
    account_no: int | None
    scheme: SchemeId
    their_handle: Handle | None = None
    their_account: int | None = None
    their_name: str = ""
    listing: tuple[SchemeId, ItemKey] | None = None
    begun_here: bool


# --- reading --------------------------------------------------------------------------------------------------


def _thread(row: Row) -> Thread:
    no, id_, account_no, scheme, handle, account, name, listing_scheme, listing_key, begun, blocked, unread, created, last = row  # fmt: skip
    return Thread(
        no=no, id=id_, account_no=account_no, scheme=SchemeId(scheme),
        their_handle=None if handle is None else Handle(handle), their_account=account, their_name=name,
        listing=None if listing_key is None else (SchemeId(listing_scheme), ItemKey(listing_key)),
        begun_here=bool(begun), blocked=bool(blocked), unread=unread, created_ms=created, last_ms=last,
    )  # fmt: skip


def _message(row: Row) -> Message:
    no, mine, author, kind, text, amount_scheme, amount, until_ms, reference, state, at_ms, answered_ms = row
    asked = None if amount is None else Sum(scheme=SchemeId(amount_scheme), amount=amount)
    return Message(
        no=no, mine=bool(mine), author=author, kind=kind, text=text, amount=asked, until_ms=until_ms,
        reference=reference, state=state, at_ms=at_ms, answered_ms=answered_ms,
    )  # fmt: skip


def find_thread(tx: ReadTx, no: int, account_no: int | None) -> Thread | None:
    """Return a conversation of this account (None: of the desk)."""
    row = tx.one(_ONE, no=no, account_no=account_no)
    return None if row is None else _thread(row)


def thread_by_no(tx: ReadTx, no: int) -> Thread:
    """Return a conversation that is known to be there, whoever's it is."""
    row = tx.one(_BY_NO, no=no)
    assert row is not None, f"conversation {no}"
    return _thread(row)


def thread_by_id(tx: ReadTx, id_: bytes, scheme: SchemeId, account_no: int | None) -> Thread | None:
    """Return the side of a conversation that this account has."""
    row = tx.one(_BY_ID, id=id_, scheme=scheme, account_no=account_no)
    return None if row is None else _thread(row)


def reader_of(tx: ReadTx, id_: bytes, scheme: SchemeId, handle: Handle) -> int | None:
    """Return whose conversation with this person abroad has the id; None if it is nobody's of ours."""
    found = tx.scalar(_READER, id=id_, scheme=scheme, handle=handle)
    return None if found is None else int(found)


def thread_with(tx: ReadTx, account_no: int | None, scheme: SchemeId, handle: Handle | None) -> int | None:
    """Return the number of an account's newest conversation with somebody abroad; None if there is none."""
    return None if handle is None else tx.scalar(_WITH, account_no=account_no, scheme=scheme, handle=handle)


def threads_of(tx: ReadTx, account_no: int | None, page: int = 1) -> tuple[list[tuple[Thread, Message]], int]:
    """Return a page of conversations, each with its latest message, and how many there are in all."""
    threads = [
        _thread(row) for row in tx.all(_PAGE, account_no=account_no, skip=(max(page, 1) - 1) * PAGE_ROWS)
    ]
    with_last = [
        (thread, _message(tx.all(_LATEST, thread_no=thread.no, before=_FIRST_PAGE)[0])) for thread in threads
    ]
    return with_last, int(tx.scalar(_COUNT, account_no=account_no))


def messages_of(tx: ReadTx, thread_no: int, before: int = _FIRST_PAGE) -> list[Message]:
    """Return up to 50 messages before the message `before`, the oldest first."""
    rows = tx.all(_LATEST, thread_no=thread_no, before=before)
    return [_message(row) for row in reversed(rows)]


def unread_of(tx: ReadTx, account_no: int | None) -> int:
    """Return how many messages an account has not read."""
    return int(tx.scalar(_UNREAD, account_no=account_no) or 0)


def begun_today(tx: ReadTx, account_no: int | None, own: SchemeId, now_ms: int) -> int:
    """Return how many conversations with other schemes an account began within a day."""
    return int(tx.scalar(_BEGUN, account_no=account_no, own=own, since=now_ms - DAY_MS))


def come_today(tx: ReadTx, scheme: SchemeId, handle: Handle, now_ms: int) -> tuple[int, int]:
    """Return how many conversations one person abroad, and their whole scheme, began here within a day."""
    since = now_ms - DAY_MS
    of_one = tx.scalar(_COME_FROM, scheme=scheme, their_handle=handle, since=since)
    return int(of_one), int(tx.scalar(_COME, scheme=scheme, since=since))


# --- writing --------------------------------------------------------------------------------------------------


def begin_thread(tx: Tx, new: NewThread, now_ms: int) -> Thread:
    """Unit: begin one side of a conversation."""
    listing = new.listing or (None, None)
    no = tx.insert(
        _NEW_THREAD, id=new.id, account_no=new.account_no, scheme=new.scheme, their_handle=new.their_handle,
        their_account=new.their_account, their_name=new.their_name, listing_scheme=listing[0], listing_key=listing[1],
        begun_here=new.begun_here, blocked=False, unread=0, created_ms=now_ms, last_ms=now_ms,
    )  # fmt: skip
    found = find_thread(tx, no, new.account_no)
    assert found is not None
    return found


def add_message(
    tx: Tx, thread: Thread, author: str, text: LetterText, *, mine: bool, state: str, now_ms: int
) -> int:
    """Unit: add what a letter says to one side of a conversation; return the number of the message."""
    tx.run(_TOUCH, which=thread.no, now=now_ms, more=0 if mine else 1)
    amount = text.amount
    return tx.insert(
        _NEW_MESSAGE, thread_no=thread.no, mine=mine, author=author, kind=text.kind, text=text.text,
        amount_scheme=None if amount is None else amount.scheme, amount=None if amount is None else amount.amount,
        until_ms=text.until, reference=text.reference, state=state, at_ms=now_ms,
        answered_ms=now_ms if state == DELIVERED else None,
    )  # fmt: skip


def name_them(tx: Tx, thread_no: int, handle: Handle, name: str) -> None:
    """Unit: note who answers on the other side."""
    tx.run(_THEIRS, which=thread_no, handle=handle, name=name)


def note_answer(tx: Tx, message_no: int, answer: str, now_ms: int) -> None:
    """Unit: note what became of a message of ours; the first answer stands."""
    tx.run(_ANSWERED, which=message_no, answer=answer, now=now_ms)


def mark_read(tx: Tx, thread_no: int, account_no: int | None) -> None:
    """Unit: everything in a conversation was read."""
    _own(tx, thread_no, account_no)
    tx.run(_READ, which=thread_no)


def block(tx: Tx, thread_no: int, account_no: int | None, blocked: bool) -> None:
    """Unit: take no more notice of what the other side writes here, or do again."""
    _own(tx, thread_no, account_no)
    tx.run(_BLOCK, which=thread_no, new_blocked=blocked)


def _own(tx: ReadTx, thread_no: int, account_no: int | None) -> Any:
    if find_thread(tx, thread_no, account_no) is None:
        raise LookupError("no such conversation")
