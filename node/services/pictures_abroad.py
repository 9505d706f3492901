"""Pictures of other schemes' listings: asked for along peerings when somebody looks, checked by name, made anew, kept while there is room.

Gossip carries names only. What a neighbour sends is bytes from anybody: it goes on to other schemes as it came, checked
against its name, and into a browser of ours only after `node/pictures` made it anew. Source: docs/protocol.md 5.7; decision 62.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace
from typing import Final, NamedTuple

import structlog
from sqlalchemy import bindparam, delete, func, select

from node.clock import Clock
from node.federation.dispatch import Dispatch, NoAnswer
from node.federation.links import Links
from node.federation.session import Session
from node.pictures.limits import (
    CACHED_MS,
    FETCHED_AT_ONCE,
    MISSING_MAX,
    MISSING_MS,
    PICTURES_CACHED_BYTES_MAX,
)
from node.pictures.maker import NoPicture, PictureMaker
from node.services.feed_store import find_feed, held_at_key
from node.services.own_listings import find_own
from node.services.picture_rows import Size, bytes_named
from node.services.routes import Routes
from node.services.sealed_pictures import open_picture, sealed_bytes
from node.services.turns import Turns
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import pictures as schema
from node.supervisor import Supervisor
from protocol.errors import ProtocolError, TooMuch
from protocol.feed import Item
from protocol.feed_kinds import payload_of
from protocol.frame import Frame, FrameType
from protocol.limits import FEED_PEERINGS_MAX, PICTURE_BYTES_MAX
from protocol.market import Listing
from protocol.message import trusted_message
from protocol.names import ItemKey, SchemeId
from protocol.pictures import PictureAsk, picture_name, read_picture_ask

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

SERVED_AT_ONCE: Final = 8  # questions of one peer
ASKED_MAX: Final = 2  # neighbours, one after the other: somebody waits for it

_F: Final = schema.picture_abroad.c
_COLUMNS: Final = {Size.SMALL: _F.small, Size.PAGE: _F.page, Size.FULL: _F.full}
_SENT: Final = select(_F.sent).where(_F.name == bindparam("name"))
_MADE: Final = {
    size: select(column, _F.page_width, _F.page_height).where(_F.name == bindparam("name"))
    for size, column in _COLUMNS.items()
}
_SIDES: Final = select(_F.page_width, _F.page_height).where(_F.name == bindparam("name"))
_KEEP: Final = upsert(
    schema.picture_abroad, key=("name",),
    update=("sent", "small", "page", "full", "page_width", "page_height", "length", "kept_ms"),
)  # fmt: skip
_DROP_OLD: Final = delete(schema.picture_abroad).where(_F.kept_ms <= bindparam("before"))
_LENGTH: Final = select(func.coalesce(func.sum(_F.length), 0)).where(_F.kept_ms >= 0)
_OLDEST: Final = select(_F.name, _F.length).order_by(_F.kept_ms).limit(64)
_DROP: Final = delete(schema.picture_abroad).where(_F.name == bindparam("which"))


class Sides(NamedTuple):
    """The sides of a picture on a page, in dots."""

    width: int
    height: int


class PicturesAbroad:
    """See the head of this file. `tasks` must be running."""

    def __init__(
        self, *, store: Store, clock: Clock, links: Links, dispatch: Dispatch, routes: Routes, own: SchemeId, maker: PictureMaker
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._links: Final = links
        self._routes: Final = routes
        self._own: Final = own
        self._maker: Final = maker
        self._serving: Final = Turns(SERVED_AT_ONCE)
        self._fetching: Final = asyncio.Semaphore(FETCHED_AT_ONCE)
        self._missing: Final[OrderedDict[bytes, int]] = OrderedDict()  # until when nobody is asked again
        self.tasks: Final = Supervisor("pictures")
        dispatch.register(self, FrameType.BLOB_ASK)

    # --- for our own members ----------------------------------------------------------------------------------

    async def picture(
        self, scheme: SchemeId, key: ItemKey, name: bytes, size: Size, sealed_key: bytes | None = None
    ) -> bytes | None:
        """Return a picture of another scheme's listing, made anew; None where nobody gives it, or it is none.

        With `sealed_key` it is one of how a thing was, of the request named `key`, and opened before. Source: 5.9.
        """
        found = await self._store.read(_made, name, size)
        if found is not None:
            return found
        now_ms = self._clock.now_ms()
        if self._missing.get(name, 0) > now_ms:
            return None
        async with self._fetching:
            found = await self._store.read(_made, name, size)  # somebody else looked at it meanwhile
            if found is None and await self._fetch(scheme, key, name, sealed_key):
                found = await self._store.read(_made, name, size)
        if found is None:
            self._missing[name] = now_ms + MISSING_MS
            while len(self._missing) > MISSING_MAX:
                self._missing.popitem(last=False)
        return found

    async def _fetch(self, scheme: SchemeId, key: ItemKey, name: bytes, sealed_key: bytes | None) -> bool:
        """Ask for a picture and make it anew; tell whether it is here now."""
        sealed = sealed_key is not None
        ask = PictureAsk(scheme=scheme, key=key, name=name, hops=FEED_PEERINGS_MAX, sealed=sealed)
        sent = await self._store.read(_sent, name) or await self._ask(ask, but=None)
        if sent is None:
            return False
        data = sent if sealed_key is None else open_picture(sent, key, sealed_key)
        if data is None:
            log.info("picture_abroad_refused", reason="sealed otherwise", bytes=len(sent))
            return False
        try:
            made = await self._maker.make(data)
        except NoPicture as no_picture:
            log.info("picture_abroad_refused", reason=no_picture.why.value, bytes=len(sent))
            return False
        length = len(sent) + sum(len(each.data) for each in (made.thumbnail, made.page, made.full))
        await self._store.write(
            _keep, name=name, sent=sent, small=made.thumbnail.data, page=made.page.data, full=made.full.data,
            page_width=made.page.width, page_height=made.page.height, length=length, kept_ms=self._clock.now_ms(),
        )  # fmt: skip
        return True

    async def _ask(self, ask: PictureAsk, *, but: SchemeId | None) -> bytes | None:
        """Return the bytes of a picture from a neighbour on the way to whose it is; checked against its name."""
        # What nobody on the way can look at is passed on one way only: a question for nothing stays one question.
        most = 1 if ask.sealed and but is not None else ASKED_MAX
        for peer in self._routes.next_hops(ask.scheme)[:most]:
            if peer == but:
                continue
            try:
                answer = await self._links.request(peer, FrameType.BLOB_ASK, ask.value())
            except NoAnswer:
                continue
            data = answer.payload
            if type(data) is bytes and 0 < len(data) <= PICTURE_BYTES_MAX and picture_name(data) == ask.name:
                return data
        return None

    async def drop_old(self) -> None:
        """Let go of what came long ago; done by a job. What is still looked at is asked for again."""
        await self._store.write(_drop_old, self._clock.now_ms() - CACHED_MS)

    # --- for other nodes --------------------------------------------------------------------------------------

    async def on_frame(self, session: Session, frame: Frame) -> None:
        """Take a question. Raises ProtocolError."""
        ask = read_picture_ask(frame.payload)
        if not self._serving.are_left(session.peer):
            raise TooMuch("too many pictures at once")
        self.tasks.spawn(self._answer(session, frame, ask), "picture")

    async def _answer(self, session: Session, frame: Frame, ask: PictureAsk) -> None:
        with self._serving.one(session.peer):
            data = b""
            if session.peer in self._routes.neighbours:
                data = await self._found(ask, session.peer) or b""
            await session.answer(frame, data)

    async def _found(self, ask: PictureAsk, peer: SchemeId) -> bytes | None:
        """Return what was asked for: of our own, of what is kept here, or from the next on the way."""
        if ask.scheme == self._own and ask.sealed:
            return await self._store.read(sealed_bytes, ask.key, ask.name)
        if ask.scheme == self._own:
            return await self._store.read(_of_ours, ask, self._clock.now_ms())
        if ask.sealed:  # for two others: neither kept nor looked at
            return await self._ask(replace(ask, hops=ask.hops - 1), but=peer) if ask.hops > 1 else None
        if not await self._store.read(_is_shown, ask, self._clock.now_ms()):
            return None
        sent = await self._store.read(_sent, ask.name)
        if sent is not None or ask.hops <= 1 or self._missing.get(ask.name, 0) > self._clock.now_ms():
            return sent
        sent = await self._ask(
            PictureAsk(scheme=ask.scheme, key=ask.key, name=ask.name, hops=ask.hops - 1), but=peer
        )
        if sent is not None:
            await self._store.write(
                _keep, name=ask.name, sent=sent, small=None, page=None, full=None, page_width=0, page_height=0,
                length=len(sent), kept_ms=self._clock.now_ms(),
            )  # fmt: skip
        return sent


def sides_of(tx: ReadTx, name: bytes) -> Sides | None:
    """Query: the sides of a picture that was made anew here; None as long as nobody looked at it."""
    row = tx.one(_SIDES, name=name)
    return None if row is None or not row[0] else Sides(*row)


def _made(tx: ReadTx, name: bytes, size: Size) -> bytes | None:
    row = tx.one(_MADE[size], name=name)
    return None if row is None else row[0]


def _sent(tx: ReadTx, name: bytes) -> bytes | None:
    found: bytes | None = tx.scalar(_SENT, name=name)
    return found


def _names(content: Listing) -> set[bytes]:
    return {name for each in content.pictures for name in (each.full, each.thumbnail)}


def _of_ours(tx: ReadTx, ask: PictureAsk, now_ms: int) -> bytes | None:
    """Query: a picture of a listing of ours that is in the feed now."""
    owned = find_own(tx, ask.key)
    if owned is None or not owned.listing.on_feed or owned.listing.expires <= now_ms:
        return None
    if ask.name not in _names(owned.listing.content):
        return None
    return bytes_named(tx, ask.key, ask.name)


def _is_shown(tx: ReadTx, ask: PictureAsk, now_ms: int) -> bool:
    """Query: whether a listing that we hold of that scheme shows it: nothing else is fetched for anybody."""
    feed = find_feed(tx, ask.scheme)
    held = None if feed is None else held_at_key(tx, feed.no, ask.key)
    if held is None or held[2] or held[4] <= now_ms:
        return False
    try:
        content = payload_of(trusted_message(Item, held[3]).body)
    except ProtocolError:
        return False
    return isinstance(content, Listing) and ask.name in _names(content)


def _keep(tx: Tx, /, **row: object) -> None:
    """Unit: keep a picture, and let go of what came first where there is no room."""
    tx.run(_KEEP, **row)
    over = int(tx.scalar(_LENGTH)) - PICTURES_CACHED_BYTES_MAX
    while over > 0:
        oldest = tx.all(_OLDEST)
        for name, length in oldest:
            if over > 0:
                tx.run(_DROP, which=name)
                over -= length
        if not oldest:
            break


def _drop_old(tx: Tx, before: int) -> None:
    tx.run(_DROP_OLD, before=before)
