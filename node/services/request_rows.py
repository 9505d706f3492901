"""Requests about listings across schemes, in the store: as values, how they are found, and how they are written down.

Queries and units only; how they go to and fro is in `requests_abroad.py`. Source: docs/protocol.md 7.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BindParameter, Update, bindparam, func, insert, select, update

from node.store import ReadTx, Tx
from node.store.schema import letters as letters_schema
from node.store.schema import requests as schema
from node.store.statements import Row
from protocol.beyond import FINAL, Mirror, Stands, Wants
from protocol.letter import EXPIRED, NOBODY, NOT_UNDERSTOOD, TOO_MANY
from protocol.limits import DAY_MS
from protocol.names import Handle, ItemKey, SchemeId

LISTED_MAX: Final = 60


class Role(StrEnum):
    """On which side of it we are."""

    OUT = "out"  # a member of ours asks abroad
    IN = "in"  # somebody abroad asks one of ours


_R: Final = schema.request.c
_M: Final = letters_schema.message.c
_COLUMNS: Final = (
    _R.no, _R.id, _R.role, _R.account_no, _R.scheme, _R.their_name, _R.thread_no, _R.kind, _R.item_key, _R.title, _R.word,
    _R.wanted, _R.places, _R.start, _R.end, _R.price, _R.given, _R.given_key, _R.confirmed, _R.offered, _R.offered_key, _R.offered_price, _R.their_heard, _R.proposal,
    _R.proposed_turn, _R.proposed_ms, _R.stands, _R.said, _R.my_turn, _R.their_turn, _R.heard, _R.about_no,
    _R.created_ms, _R.changed_ms, _M.state,
)  # fmt: skip
_ALL: Final = select(*_COLUMNS).select_from(
    schema.request.outerjoin(letters_schema.message, _M.no == _R.message_no)
)
_BY_NO: Final = _ALL.where(_R.no == bindparam("no"), _R.role == bindparam("role"))
_BY_ID: Final = _ALL.where(
    _R.id == bindparam("id"), _R.scheme == bindparam("scheme"), _R.role == bindparam("role")
)
_ABOUT: Final = (
    _ALL.where(
        _R.role == Role.IN.value, _R.kind == bindparam("kind"), _R.about_no == bindparam("about_no")
    )
    .order_by(_R.no.desc())
    .limit(1)
)  # fmt: skip
_MINE: Final = _ALL.where(_R.role == Role.OUT.value, _R.account_no == bindparam("account_no"))
_NEWEST_OUT: Final = _MINE.order_by(_R.no.desc()).limit(LISTED_MAX)
_FOR: Final = (
    _MINE.where(_R.scheme == bindparam("scheme"), _R.item_key == bindparam("item_key"))
    .order_by(_R.no.desc())
    .limit(1)
)
_IN: Final = _ALL.where(_R.role == Role.IN.value, _R.kind == bindparam("kind"))
_IN_OF: Final = _IN.where(_R.account_no == bindparam("account_no")).order_by(_R.no.desc()).limit(LISTED_MAX)
_IN_ABOUT: Final = _IN.where(
    _R.item_key == bindparam("item_key"),
    _R.stands.in_([Stands.ASKED.value, Stands.COUNTERED.value, Stands.AGREED.value]),
).order_by(_R.no)
_IN_BEFORE: Final = (
    _IN.where(
        _R.stands.in_([Stands.ASKED.value, Stands.COUNTERED.value]), _R.proposed_ms <= bindparam("since")
    )
    .order_by(_R.no)
    .limit(LISTED_MAX)
)
_IS_OPEN: Final = _R.stands.is_(None) | _R.stands.not_in(sorted(each.value for each in FINAL))
_OPEN_OUT: Final = _MINE.where(_IS_OPEN).order_by(_R.no).limit(LISTED_MAX)
_COUNT: Final = select(func.count()).select_from(schema.request)
_OPEN_OF_HANDLE: Final = _COUNT.where(
    _R.role == Role.IN.value, _R.scheme == bindparam("scheme"), _R.their_handle == bindparam("handle"), _IS_OPEN
)  # fmt: skip
_COME: Final = _COUNT.where(
    _R.role == Role.IN.value, _R.scheme == bindparam("scheme"), _R.created_ms > bindparam("since")
)
_T: Final = letters_schema.thread.c
_THREAD: Final = (
    select(_T.no)
    .where(
        _T.account_no == bindparam("account_no"), _T.listing_scheme == bindparam("scheme"),
        _T.listing_key == bindparam("item_key"), _T.scheme == bindparam("scheme"), _T.blocked.is_(False),
    )
    .order_by(_T.no.desc())
    .limit(1)
)  # fmt: skip
_NEWEST: Final = select(func.max(_M.no)).where(_M.thread_no == bindparam("thread_no"))
_SEAT: Final = (
    select(_R.about_no)
    .where(
        _R.role == Role.IN.value, _R.scheme == bindparam("scheme"), _R.item_key == bindparam("item_key"),
        _R.their_handle == select(_R.their_handle).where(_R.no == bindparam("no")).scalar_subquery(),
        _R.about_no.is_not(None),
    )
    .limit(1)
)  # fmt: skip
_PERSON: Final = select(func.min(_R.no)).where(
    _R.role == Role.IN.value, _R.scheme == bindparam("scheme"), _R.their_handle == bindparam("handle")
)
_GUEST: Final = select(_R.their_name, _R.scheme).where(_R.no == bindparam("no"))
_OF_HANDLE: Final = select(_R.their_handle).where(_R.no == bindparam("no"))
_OVER: Final = (
    _ALL.where(
        _R.role == Role.IN.value, _R.end <= bindparam("hour"), _R.about_no.is_not(None),
        _R.stands.in_([Stands.ASKED.value, Stands.WAITING.value]),
    )
    .order_by(_R.no)
    .limit(LISTED_MAX)
)  # fmt: skip
_NEW: Final = insert(schema.request)


def _change(**values: BindParameter[Any]) -> Update:
    """Return the statement that changes one row."""
    return update(schema.request).where(_R.no == bindparam("which")).values(**values)


_SAID: Final = _change(
    word=bindparam("new_word"), my_turn=bindparam("new_turn"), thread_no=bindparam("new_thread"),
    message_no=bindparam("new_message"), changed_ms=bindparam("now"),
)  # fmt: skip
_ASKED: Final = _change(
    word=bindparam("new_word"), their_turn=bindparam("new_turn"), their_name=bindparam("new_name"), changed_ms=bindparam("now")
)  # fmt: skip
_ANSWERED: Final = _change(
    stands=bindparam("new_stands"), said=bindparam("new_said"), my_turn=bindparam("new_turn"), heard=bindparam("new_heard"),
    about_no=bindparam("new_about"), changed_ms=bindparam("now"),
)  # fmt: skip
_CONFIRMED: Final = _change(confirmed=bindparam("yes"))
_HEARD: Final = _change(
    stands=bindparam("new_stands"), said=bindparam("new_said"), their_turn=bindparam("new_turn"), heard=bindparam("new_heard"),
    their_name=bindparam("new_name"), changed_ms=bindparam("now"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offered:
    """The terms of a swap as one side said them: what whoever asks gives, and what is added, as in `Request.price`."""

    given: str
    given_key: ItemKey | None
    price: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as stored."""

    no: int
    id: bytes
    role: Role
    account_no: int  # of ours
    scheme: SchemeId  # of the other side
    their_name: str
    thread_no: int | None
    kind: str
    key: ItemKey
    title: str
    wants: Wants
    wanted: str
    places: int
    start: int | None
    end: int | None
    price: int | None
    given: str
    given_key: ItemKey | None
    confirmed: bool
    offered: Offered  # of a swap: what the other side said last
    their_heard: int
    proposal: int
    proposed_turn: int
    proposed_ms: int
    stands: Stands | None
    said: str
    my_turn: int
    their_turn: int
    heard: int
    about_no: int | None
    created_ms: int
    changed_ms: int
    letter: str | None  # of ours abroad: what became of the newest letter

    @property
    def terms(self) -> Offered:
        """Of a swap: the terms as they stand on our side."""
        return Offered(self.given, self.given_key, self.price)

    @property
    def mirror(self) -> Mirror:
        """How one of ours abroad stands, as far as it was heard."""
        return Mirror(
            wants=self.wants, turn=self.my_turn, stands=self.stands, heard=self.heard, lost=self.letter == EXPIRED,
            refused=self.letter in (NOBODY, NOT_UNDERSTOOD, TOO_MANY),
        )  # fmt: skip


def _request(row: Row) -> Request:
    (
        no, id_, role, account_no, scheme, name, thread_no, kind, key, title, word, wanted, places, start, end, price, given, given_key,
        confirmed, offered, offered_key, offered_price, their_heard, proposal, proposed_turn, proposed_ms, stands, said, my_turn, their_turn, heard, about_no, created_ms, changed_ms, letter,
    ) = row  # fmt: skip
    return Request(
        no=no, id=id_, role=Role(role), account_no=account_no, scheme=SchemeId(scheme), their_name=name,
        thread_no=thread_no, kind=kind, key=ItemKey(key), title=title, wants=Wants(word), wanted=wanted, places=places,
        start=start, end=end, price=price, given=given, given_key=None if given_key is None else ItemKey(given_key),
        confirmed=bool(confirmed), offered=Offered(offered, None if offered_key is None else ItemKey(offered_key), offered_price),
        their_heard=their_heard, proposal=proposal, proposed_turn=proposed_turn, proposed_ms=proposed_ms, stands=None if stands is None else Stands(stands), said=said, my_turn=my_turn,
        their_turn=their_turn, heard=heard, about_no=about_no, created_ms=created_ms, changed_ms=changed_ms, letter=letter,
    )  # fmt: skip


def find_out(tx: ReadTx, no: int, account_no: int) -> Request | None:
    """Return what this account asked for abroad; None whoever else did."""
    return _find(tx, no, account_no, Role.OUT)


def find_in(tx: ReadTx, no: int, account_no: int) -> Request | None:
    """Return what somebody abroad asks this account for; None whoever else is asked."""
    return _find(tx, no, account_no, Role.IN)


def _find(tx: ReadTx, no: int, account_no: int, role: Role) -> Request | None:
    row = tx.one(_BY_NO, no=no, role=role.value)
    found = None if row is None else _request(row)
    return found if found is not None and found.account_no == account_no else None


def handle_of(tx: ReadTx, request: Request) -> bytes | None:
    """Return the handle of whoever asks from abroad; None where they were erased."""
    found = tx.scalar(_OF_HANDLE, no=request.no)
    return None if found is None else bytes(found)


def request_by_no(tx: ReadTx, no: int, role: Role) -> Request:
    """Return a request that is known to be there."""
    row = tx.one(_BY_NO, no=no, role=role.value)
    assert row is not None, f"request {no}"
    return _request(row)


def request_by_id(tx: ReadTx, id_: bytes, scheme: SchemeId, role: Role) -> Request | None:
    """Return a request by the name both schemes know it by."""
    row = tx.one(_BY_ID, id=id_, scheme=scheme, role=role.value)
    return None if row is None else _request(row)


def request_about(tx: ReadTx, kind: str, about_no: int) -> Request | None:
    """Return the request from abroad that stands in the table of its kind under this number."""
    row = tx.one(_ABOUT, kind=kind, about_no=about_no)
    return None if row is None else _request(row)


def requests_in(tx: ReadTx, kind: str, account_no: int) -> list[Request]:
    """Return the newest of a kind that people abroad asked a member for."""
    return [_request(row) for row in tx.all(_IN_OF, kind=kind, account_no=account_no)]


def requests_about(tx: ReadTx, kind: str, key: ItemKey) -> list[Request]:
    """Return what people abroad ask for of a listing that is asked or agreed, the oldest first."""
    return [_request(row) for row in tx.all(_IN_ABOUT, kind=kind, item_key=key)]


def requests_before(tx: ReadTx, kind: str, since_ms: int) -> list[Request]:
    """Return what was proposed, by either side, up to a moment and nobody has answered."""
    return [_request(row) for row in tx.all(_IN_BEFORE, kind=kind, since=since_ms)]


def newest_requests(tx: ReadTx, account_no: int) -> list[Request]:
    """Return the newest that a member asked for abroad."""
    return [_request(row) for row in tx.all(_NEWEST_OUT, account_no=account_no)]


def open_requests(tx: ReadTx, account_no: int) -> list[Request]:
    """Return what a member asked for abroad and may still become something, the oldest first."""
    found = [_request(row) for row in tx.all(_OPEN_OUT, account_no=account_no)]
    return [each for each in found if not each.mirror.over]


def seat_of(tx: ReadTx, request: Request) -> int | None:
    """Return under which number whoever asks from abroad is known for this thing, by whichever request of theirs."""
    found = tx.scalar(_SEAT, scheme=request.scheme, item_key=request.key, no=request.no)
    return None if found is None else int(found)


def person_of(tx: ReadTx, request: Request) -> int:
    """Return the number of the first request of whoever asks from abroad: by minus that they are known in bookings."""
    return int(tx.scalar(_PERSON, scheme=request.scheme, handle=handle_of(tx, request)))


def guest_of(tx: ReadTx, no: int) -> tuple[str, SchemeId] | None:
    """Return how whoever made a request from abroad is called, and whose member they are."""
    row = tx.one(_GUEST, no=no)
    return None if row is None else (row[0], SchemeId(row[1]))


def over_unanswered(tx: ReadTx, hour: int) -> list[Request]:
    """Return what people abroad asked for until a wall hour that is over, and nobody has said yes or no to."""
    return [_request(row) for row in tx.all(_OVER, hour=hour)]


def request_for(tx: ReadTx, account_no: int, scheme: SchemeId, key: ItemKey) -> Request | None:
    """Return the newest request of a member for a listing of another scheme."""
    row = tx.one(_FOR, account_no=account_no, scheme=scheme, item_key=key)
    return None if row is None else _request(row)


def thread_about(tx: ReadTx, account_no: int, scheme: SchemeId, key: ItemKey) -> int | None:
    """Return the number of a member's conversation about a listing of another scheme."""
    found = tx.scalar(_THREAD, account_no=account_no, scheme=scheme, item_key=key)
    return None if found is None else int(found)


def open_of_handle(tx: ReadTx, scheme: SchemeId, handle: Handle) -> int:
    """Return how many requests of one handle are open here."""
    return int(tx.scalar(_OPEN_OF_HANDLE, scheme=scheme, handle=handle))


def come_today(tx: ReadTx, scheme: SchemeId, now_ms: int) -> int:
    """Return how many new requests a scheme sent within a day."""
    return int(tx.scalar(_COME, scheme=scheme, since=now_ms - DAY_MS))


def put_request(tx: Tx, role: Role, values: Mapping[str, Any], now_ms: int) -> Request:
    """Unit: write a new request down."""
    unsaid: dict[str, Any] = {
        "their_handle": None, "stands": None, "said": "", "my_turn": 0, "their_turn": 0, "heard": 0, "about_no": None,
        "message_no": None, "places": 0, "start": None, "end": None, "price": None, "title": "", "their_name": "",
        "given": "", "given_key": None, "confirmed": False, "offered": "", "offered_key": None, "offered_price": None,
        "their_heard": 0, "proposal": 1, "proposed_turn": 0, "proposed_ms": now_ms,
    }  # fmt: skip
    no = tx.insert(
        _NEW, **{**unsaid, **values}, role=role.value, created_ms=now_ms, changed_ms=now_ms
    )  # fmt: skip
    return request_by_no(tx, no, role)


def note_said(tx: Tx, no: int, wants: Wants, turn: int, thread_no: int, now_ms: int) -> None:
    """Unit: one of ours abroad said something, by the newest message of a conversation."""
    message_no = tx.scalar(_NEWEST, thread_no=thread_no)
    tx.run(
        _SAID, which=no, new_word=wants.value, new_turn=turn, new_thread=thread_no, new_message=message_no, now=now_ms
    )  # fmt: skip


def note_asked(tx: Tx, no: int, wants: Wants, turn: int, name: str, now_ms: int) -> None:
    """Unit: somebody abroad said something."""
    tx.run(_ASKED, which=no, new_word=wants.value, new_turn=turn, new_name=name, now=now_ms)


def note_answered(
    tx: Tx, no: int, stands: Stands, said: str, *, turn: int, heard: int, about_no: int | None, now_ms: int
) -> None:
    """Unit: what we told somebody abroad."""
    tx.run(
        _ANSWERED, which=no, new_stands=stands.value, new_said=said, new_turn=turn, new_heard=heard, new_about=about_no,
        now=now_ms,
    )  # fmt: skip


def note_confirmed(tx: Tx, no: int) -> None:
    """Unit: the owner says that a swap happened."""
    tx.run(_CONFIRMED, which=no, yes=True)


def note_heard(tx: Tx, no: int, stands: Stands, said: str, *, now_ms: int, **heard: Any) -> None:
    """Unit: what another scheme told us: `turn`, `heard` and `name`."""
    tx.run(
        _HEARD, which=no, new_stands=stands.value, new_said=said, now=now_ms,
        **{f"new_{name}": value for name, value in heard.items()},
    )  # fmt: skip
