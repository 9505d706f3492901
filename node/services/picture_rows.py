"""Pictures in the store: what is known of them, their bytes, and which belong to a listing. Source: docs/protocol.md 5.7."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select

from node.store import ReadTx
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


_P: Final = schema.picture.c
_COLUMNS: Final = (
    _P.no, _P.member_no, _P.item_key, _P.name, _P.thumbnail_name, _P.page_width, _P.page_height,
)  # fmt: skip
_ONE: Final = select(*_COLUMNS).where(_P.no == bindparam("no"))
_OF_LISTING: Final = select(*_COLUMNS).where(_P.item_key == bindparam("item_key")).order_by(_P.no)
_BYTES: Final = {
    Size.SMALL: select(_P.thumbnail).where(_P.no == bindparam("no")),
    Size.PAGE: select(_P.page).where(_P.no == bindparam("no")),
    Size.FULL: select(_P.full).where(_P.no == bindparam("no")),
}
_COUNT_OF: Final = (
    select(func.count()).select_from(schema.picture).where(_P.member_no == bindparam("member_no"))
)
_LENGTH: Final = select(func.coalesce(func.sum(_P.length), 0)).where(_P.member_no > 0)


def picture_by_no(tx: ReadTx, no: int) -> Kept | None:
    """Query: one picture."""
    row = tx.one(_ONE, no=no)
    return None if row is None else Kept._make(row)


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


def count_of(tx: ReadTx, member_no: int) -> int:
    """Return how many pictures are kept of a member."""
    return int(tx.scalar(_COUNT_OF, member_no=member_no))


def length_of_all(tx: ReadTx) -> int:
    """Return how many bytes all pictures have together."""
    return int(tx.scalar(_LENGTH))
