"""Pictures of members: taken in, shown with a listing, and gone with it.

What is sent is made anew in a process of its own (`node/pictures`); of the file itself nothing is kept. A picture that
no listing shows a day later is thrown away. Source: docs/protocol.md 5.7; decision 62.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import bindparam, delete, insert, select, update

from node.clock import Chance, Clock
from node.pictures.limits import (
    CONDITION_KEPT_MS,
    PICTURE_UNUSED_MS,
    PICTURES_HELD_BYTES_MAX,
    PICTURES_OF_ONE_MAX,
)
from node.pictures.maker import MadeAnew, NoPicture, PictureMaker, Why
from node.services.booking_rows import OPEN
from node.services.picture_rows import (
    Kept,
    count_of,
    length_of_all,
    picture_by_no,
    pictures_at,
    pictures_of_booking,
    pictures_of_request,
)
from node.services.request_rows import Request
from node.services.sealed_pictures import KEY_BYTES, seal_picture, sent_of
from node.store import ReadTx, Store, Tx
from node.store.schema import bookings as bookings_schema
from node.store.schema import pictures as schema
from node.store.schema import requests as requests_schema
from protocol.beyond import FINAL
from protocol.limits import CONDITION_PICTURES_MAX
from protocol.market import Listing
from protocol.names import ItemKey
from protocol.pictures import picture_name

_P: Final = schema.picture.c
_B: Final = bookings_schema.booking.c
_NEW: Final = insert(schema.picture)
_SHOW: Final = (
    update(schema.picture)
    .where(
        _P.name == bindparam("which"), _P.member_no == bindparam("whose"), _P.item_key.is_(None), _P.booking_no.is_(None),
        _P.request_no.is_(None), _P.portrait.is_(False),
    )
    .values(item_key=bindparam("new_key"))
)  # fmt: skip
_DROP: Final = delete(schema.picture).where(
    _P.item_key == bindparam("shown_by"), _P.name == bindparam("which")
)
_DROP_OLD: Final = delete(schema.picture).where(
    _P.item_key.is_(None), _P.booking_no.is_(None), _P.request_no.is_(None), _P.portrait.is_(False),
    _P.taken_ms <= bindparam("before"),
)  # fmt: skip
_DROP_PORTRAIT: Final = delete(schema.picture).where(
    _P.member_no == bindparam("whose"), _P.portrait.is_(True)
)
_ENDED: Final = select(_B.no).where(
    _B.state.not_in([state.value for state in OPEN]), _B.changed_ms <= bindparam("before")
)
_DROP_CONDITIONS: Final = delete(schema.picture).where(_P.booking_no.in_(_ENDED))
_R: Final = requests_schema.request.c
_OVER: Final = select(_R.no).where(
    _R.stands.in_(sorted(each.value for each in FINAL)), _R.changed_ms <= bindparam("before")
)
_DROP_ABROAD: Final = (
    delete(schema.picture).where(_P.request_no.in_(_OVER)),
    delete(schema.picture_told).where(schema.picture_told.c.request_no.in_(_OVER)),
)


class Pictures:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, chance: Chance, maker: PictureMaker):
        self._store: Final = store
        self._chance: Final = chance
        self._clock: Final = clock
        self._maker: Final = maker

    async def take(self, member_no: int, data: bytes) -> Kept:
        """Keep a picture that a member sent, made anew, for a listing they have not published yet. Raises NoPicture."""
        await self._store.read(_check_room, member_no)  # before any work is done
        made = await self._maker.make(data)
        return await self._store.write(self._keep, member_no, made)

    async def take_condition(self, member_no: int, booking_no: int, data: bytes, words: str) -> Kept:
        """Keep a picture that one side of a booking sent of how the thing was. Raises NoPicture. Source: 5.9."""
        await self._store.read(_check_conditions, member_no, booking_no)
        made = await self._maker.make(data)
        return await self._store.write(self._keep, member_no, made, booking_no, words)

    async def take_shared(
        self, member_no: int, request: Request, booking_no: int | None, data: bytes, words: str, tell: Callable[[Tx], None]
    ) -> Kept:  # fmt: skip
        """The same of what is borrowed across schemes: `tell` tells the other side in that transaction. Raises NoPicture."""
        await self._store.read(_check_shared, member_no, request.no, booking_no)
        made = await self._maker.make(data)
        key = self._chance.bytes(KEY_BYTES)

        def unit(tx: Tx) -> Kept:
            kept = self._keep(tx, member_no, made, booking_no, words, shared=(request, key))
            tell(tx)
            return kept

        return await self._store.write(unit)

    async def take_portrait(self, member_no: int, data: bytes) -> Kept:
        """Keep a picture of a member in place of the one before. Raises NoPicture."""
        await self._store.read(_check_room, member_no)
        made = await self._maker.make(data)
        return await self._store.write(self._keep, member_no, made, portrait=True)

    async def drop_portrait(self, member_no: int) -> None:
        """Throw away the picture of a member."""
        await self._store.write(_drop_portrait, member_no)

    def _keep(
        self, tx: Tx, member_no: int, made: MadeAnew, booking_no: int | None = None, words: str = "", *,
        portrait: bool = False, shared: tuple[Request, bytes] | None = None,
    ) -> Kept:  # fmt: skip
        if portrait:
            tx.run(_DROP_PORTRAIT, whose=member_no)
        request, key = (None, b"") if shared is None else shared
        sealed = (
            None
            if request is None
            else picture_name(seal_picture(sent_of(made.full.data, made.page.data), request.id, key))
        )
        if request is not None:
            _check_shared(tx, member_no, request.no, booking_no)
        elif booking_no is None:
            _check_room(tx, member_no)
        else:
            _check_conditions(tx, member_no, booking_no)
        no = tx.insert(
            _NEW, member_no=member_no, item_key=None, booking_no=booking_no, portrait=portrait, words=words, name=picture_name(made.full.data),
            thumbnail_name=picture_name(made.thumbnail.data), taken_ms=self._clock.now_ms(),
            length=sum(len(each.data) for each in (made.full, made.page, made.thumbnail)),
            page_width=made.page.width, page_height=made.page.height, thumbnail=made.thumbnail.data,
            page=made.page.data, full=made.full.data,
            request_no=None if request is None or booking_no is not None else request.no,
            shared_id=None if request is None else request.id, sealed_key=key or None, sealed_name=sealed,
        )  # fmt: skip
        kept = picture_by_no(tx, no)
        assert kept is not None, "written a moment ago"
        return kept

    async def drop_unused(self) -> None:
        """Throw away what no listing shows, and how things were that came back long ago; done by a job."""
        await self._store.write(_drop_old, self._clock.now_ms())


def show_in(tx: Tx, member_no: int, key: ItemKey, content: Listing | None) -> None:
    """Unit: give a listing the pictures it names, and throw away those it no longer does; `None` has none."""
    named = set() if content is None else {each.full for each in content.pictures}
    held = pictures_at(tx, key)
    for name in held.keys() - named:
        tx.run(_DROP, shown_by=key, which=name)
    for name in named - held.keys():
        tx.run(_SHOW, which=name, whose=member_no, new_key=key)


def _check_room(tx: ReadTx, member_no: int) -> None:
    """Raises NoPicture: there is no room for one more."""
    if count_of(tx, member_no) >= PICTURES_OF_ONE_MAX:
        raise NoPicture(Why.TOO_MANY)
    if length_of_all(tx) >= PICTURES_HELD_BYTES_MAX:
        raise NoPicture(Why.FULL)


def _check_conditions(tx: ReadTx, member_no: int, booking_no: int) -> None:
    """Raises NoPicture: there is no room for one more, of this booking or at all."""
    held = pictures_of_booking(tx, booking_no)
    if sum(each.member_no == member_no for each in held) >= CONDITION_PICTURES_MAX:
        raise NoPicture(Why.ENOUGH)
    _check_room(tx, member_no)


def _check_shared(tx: ReadTx, member_no: int, request_no: int, booking_no: int | None) -> None:
    """Raises NoPicture: there is no room for one more of our side of what is borrowed across schemes, or at all."""
    held = pictures_of_request(tx, request_no) if booking_no is None else pictures_of_booking(tx, booking_no)
    if len(held) >= CONDITION_PICTURES_MAX:
        raise NoPicture(Why.ENOUGH)
    _check_room(tx, member_no)


def _drop_portrait(tx: Tx, member_no: int) -> None:
    tx.run(_DROP_PORTRAIT, whose=member_no)


def _drop_old(tx: Tx, now_ms: int) -> None:
    tx.run(_DROP_OLD, before=now_ms - PICTURE_UNUSED_MS)
    tx.run(_DROP_CONDITIONS, before=now_ms - CONDITION_KEPT_MS)
    for each in _DROP_ABROAD:
        tx.run(each, before=now_ms - CONDITION_KEPT_MS)
