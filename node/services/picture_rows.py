"""Pictures in the store: what is known of them, their bytes, and which belong to a listing. Source: docs/protocol.md 5.7."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import bindparam, case, func, or_, select

from node.store import ReadTx
from node.store.schema import bookings as bookings_schema
from node.store.schema import pictures as schema
from protocol.market import Listing
from protocol.names import ItemKey


class Size(StrEnum):
    """In which size a picture is kept."""

    SMALL = "small"  # a thumbnail, for lists
    PAGE = "page"
    FULL = "full"


class Kept(NamedTuple):
    """A picture that is kept, without its bytes."""

    no: int
    member_no: int
    item_key: bytes | None  # of the listing that shows it; none: not published yet
    name: bytes
    thumbnail_name: bytes
    page_width: int
    page_height: int
    booking_no: int | None  # of what was lent, where it shows how that was
    words: str
    taken_ms: int
    portrait: bool  # of whoever sent it
    request_no: int | None  # of what was borrowed in another scheme
    shared_id: bytes | None  # of the request whose other side sees it too
    sealed_key: bytes | None
    sealed_name: bytes | None


_P: Final = schema.picture.c
_COLUMNS: Final = (
    _P.no, _P.member_no, _P.item_key, _P.name, _P.thumbnail_name, _P.page_width, _P.page_height, _P.booking_no,
    _P.words, _P.taken_ms, _P.portrait, _P.request_no, _P.shared_id, _P.sealed_key, _P.sealed_name,
)  # fmt: skip
_ONE: Final = select(*_COLUMNS).where(_P.no == bindparam("no"))
_PORTRAIT: Final = select(*_COLUMNS).where(_P.member_no == bindparam("member_no"), _P.portrait.is_(True))
_OF_BOOKING: Final = select(*_COLUMNS).where(_P.booking_no == bindparam("booking_no")).order_by(_P.no)
_OF_REQUEST: Final = select(*_COLUMNS).where(_P.request_no == bindparam("request_no")).order_by(_P.no)
_B: Final = bookings_schema.booking.c
_OF_TWO: Final = (
    select(*_COLUMNS)
    .select_from(schema.picture.join(bookings_schema.booking, _P.booking_no == _B.no))
    .where(
        or_(
            (_B.owner_no == bindparam("one_no")) & (_B.borrower_no == bindparam("other_no")),
            (_B.owner_no == bindparam("other_no")) & (_B.borrower_no == bindparam("one_no")),
        )
    )
    .order_by(_P.no)
)
_OF_LISTING: Final = select(*_COLUMNS).where(_P.item_key == bindparam("item_key")).order_by(_P.no)
_BYTES: Final = {
    Size.SMALL: select(_P.thumbnail).where(_P.no == bindparam("no")),
    Size.PAGE: select(_P.page).where(_P.no == bindparam("no")),
    Size.FULL: select(_P.full).where(_P.no == bindparam("no")),
}
_NAMED: Final = select(case((_P.name == bindparam("name"), _P.full), else_=_P.thumbnail)).where(
    _P.item_key == bindparam("item_key"),
    or_(_P.name == bindparam("name"), _P.thumbnail_name == bindparam("name")),
)
_COUNT_OF: Final = (
    select(func.count()).select_from(schema.picture).where(_P.member_no == bindparam("member_no"))
)
_LENGTH: Final = select(func.coalesce(func.sum(_P.length), 0)).where(_P.member_no > 0)


def picture_by_no(tx: ReadTx, no: int) -> Kept | None:
    """Query: one picture."""
    row = tx.one(_ONE, no=no)
    return None if row is None else Kept._make(row)


def portrait_of(tx: ReadTx, member_no: int) -> Kept | None:
    """Query: the picture of a member, if they sent one."""
    row = tx.one(_PORTRAIT, member_no=member_no)
    return None if row is None else Kept._make(row)


def pictures_of_booking(tx: ReadTx, booking_no: int) -> list[Kept]:
    """Query: how something lent was, by either side, oldest first."""
    return [Kept._make(row) for row in tx.all(_OF_BOOKING, booking_no=booking_no)]


def pictures_of_request(tx: ReadTx, request_no: int) -> list[Kept]:
    """Query: how something borrowed in another scheme was, by our side, oldest first."""
    return [Kept._make(row) for row in tx.all(_OF_REQUEST, request_no=request_no)]


def pictures_of_two(tx: ReadTx, one_no: int, other_no: int) -> list[Kept]:
    """Query: how whatever one of two accounts lent the other was, oldest first."""
    return [Kept._make(row) for row in tx.all(_OF_TWO, one_no=one_no, other_no=other_no)]


def pictures_at(tx: ReadTx, key: ItemKey) -> dict[bytes, Kept]:
    """Query: the pictures of a listing of ours, by name."""
    return {each.name: each for each in map(Kept._make, tx.all(_OF_LISTING, item_key=key))}


def pictures_shown(tx: ReadTx, key: ItemKey, content: Listing) -> tuple[tuple[Kept, str], ...]:
    """Query: the pictures of a listing of ours in their order, each with its words; what is not held is left out."""
    held = pictures_at(tx, key)
    return tuple((held[each.full], each.words) for each in content.pictures if each.full in held)


def bytes_of(tx: ReadTx, no: int, size: Size) -> bytes | None:
    """Query: the bytes of a picture, as WebP."""
    found: bytes | None = tx.scalar(_BYTES[size], no=no)
    return found


def bytes_named(tx: ReadTx, key: ItemKey, name: bytes) -> bytes | None:
    """Query: the bytes that a name means among the pictures of a listing of ours, full or thumbnail."""
    found: bytes | None = tx.scalar(_NAMED, item_key=key, name=name)
    return found


def count_of(tx: ReadTx, member_no: int) -> int:
    """Return how many pictures are kept of a member."""
    return int(tx.scalar(_COUNT_OF, member_no=member_no))


def length_of_all(tx: ReadTx) -> int:
    """Return how many bytes all pictures have together."""
    return int(tx.scalar(_LENGTH))
