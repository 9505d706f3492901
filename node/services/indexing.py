"""Letting listings be found: our own at once, neighbours' in small batches behind their admission.

The index goes into no archive and no copy: what is missing of our own is made when the node starts.

Admitting a feed never waits for the index; a mark at each feed says how far it is known. Source: docs/protocol.md 5.5, 5.8.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

import structlog
from sqlalchemy import bindparam, delete, insert, select

from node.services.alert_rows import note_fresh
from node.services.feed_store import Feed, all_feeds, find_feed, note_indexed
from node.services.folding import fold
from node.services.steady import steadily
from node.store import ReadTx, Store, Tx
from node.store.schema import feeds as feeds_schema
from node.store.schema import market as schema
from protocol.errors import ProtocolError
from protocol.feed import Item
from protocol.feed_kinds import LISTING, payload_of
from protocol.listing import State
from protocol.market import Listing
from protocol.message import decode_message, trusted_message
from protocol.names import ItemKey, SchemeId, scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

INDEX_BATCH: Final = 200  # listings in one unit: short enough that a payment beside it does not wait
INDEX_AFTER_S: Final = 0.2
SWEEP_EVERY_S: Final = 3_600.0

_D: Final = schema.search_doc.c
_T: Final = schema.listing_text.c
_I: Final = feeds_schema.item.c
_AT_KEY: Final = (_D.scheme == bindparam("scheme"), _D.item_key == bindparam("item_key"))
_DOC_AT: Final = select(_D.no).where(*_AT_KEY)
_NEW_DOC: Final = insert(schema.search_doc)
_DROP_DOC: Final = delete(schema.search_doc).where(_D.no == bindparam("no"))
_NEW_TEXT: Final = insert(schema.listing_text)
_DROP_TEXT: Final = delete(schema.listing_text).where(_T.rowid == bindparam("no"))
_TO_INDEX: Final = (
    select(_I.feed_seq, _I.item_key, _I.empty, _I.wire)
    .where(_I.kind == LISTING, _I.feed_no == bindparam("feed_no"), _I.feed_seq > bindparam("after"))
    .order_by(_I.feed_seq)
    .limit(INDEX_BATCH)
)
_L: Final = schema.listing.c
_NOT_FOUND: Final = (
    select(_L.item_key, _L.content, _L.shared, _L.created, _L.expires)
    .where(
        _L.state == State.PUBLISHED.value,
        ~select(_D.no).where(_D.scheme == bindparam("scheme"), _D.item_key == _L.item_key).exists(),
    )
    .limit(INDEX_BATCH)
)
_GONE: Final = (
    select(_D.no)
    .where(
        _D.feed_no != 0,
        ~select(_I.feed_seq).where(_I.feed_no == _D.feed_no, _I.feed_seq == _D.feed_seq).exists(),
    )
    .limit(INDEX_BATCH)
)


class Doc(NamedTuple):
    """A listing as the index takes it."""

    scheme: SchemeId
    key: ItemKey
    feed_no: int
    feed_seq: int
    shared: bool
    content: Listing | None  # none: it is gone
    created: int
    expires: int


def index(tx: Tx, doc: Doc, *, anew: bool = False) -> None:
    """Unit: let a listing be found as it is now, or not any more; `anew` if it could be found before and the index is made again."""
    no = tx.scalar(_DOC_AT, scheme=doc.scheme, item_key=doc.key)
    if no is not None:
        _drop(tx, no)
    elif doc.content is not None and not anew:
        note_fresh(tx, doc.scheme, doc.key)
    content = doc.content
    if content is None:
        return
    place = content.place
    no = tx.insert(
        _NEW_DOC, scheme=doc.scheme, item_key=doc.key, feed_no=doc.feed_no, feed_seq=doc.feed_seq, shared=doc.shared,
        kind=content.kind, category=content.category, north=None if place is None else place.north,
        east=None if place is None else place.east, created=doc.created, expires=doc.expires,
    )  # fmt: skip
    tx.run(_NEW_TEXT, rowid=no, title=fold(content.title), body=fold(content.text))


def _drop(tx: Tx, no: int) -> None:
    tx.run(_DROP_DOC, no=no)
    tx.run(_DROP_TEXT, no=no)


def _read_batch(tx: ReadTx, scheme: SchemeId) -> tuple[Feed, list[Doc]] | None:
    feed = find_feed(tx, scheme)
    if feed is None or feed.top <= feed.indexed:
        return None
    docs = []
    for feed_seq, key, empty, wire in tx.all(_TO_INDEX, feed_no=feed.no, after=feed.indexed):
        item = trusted_message(Item, wire).body
        content = None if empty else _content(item)
        docs.append(Doc(scheme, key, feed.no, feed_seq, True, content, item.created, item.expires))
    return feed, docs


def _content(item: Item) -> Listing | None:
    try:
        payload = payload_of(item)
    except ProtocolError as error:
        # Signed by its author, counted by its head, and no listing: kept and relayed, not shown.
        log.info("listing_not_read", scheme=scheme_text(item.scheme), reason=str(error))
        return None
    return payload if isinstance(payload, Listing) else None


def _write_batch(tx: Tx, feed: Feed, docs: Sequence[Doc]) -> None:
    for doc in docs:
        index(tx, doc)
    now = find_feed(tx, feed.scheme)
    if now is None or now.indexed != feed.indexed:
        return  # something came late, below the mark: what is above it is read again
    # Short of a full batch there was no further listing up to `top`.
    note_indexed(tx, feed.no, docs[-1].feed_seq if len(docs) == INDEX_BATCH else feed.top)


def _index_own(tx: Tx, own: SchemeId) -> int:
    missing = tx.all(_NOT_FOUND, scheme=own)
    for key, content, shared, created, expires in missing:
        doc = Doc(own, ItemKey(key), 0, 0, bool(shared), decode_message(Listing, content), created, expires)
        index(tx, doc, anew=True)
    return len(missing)


def _sweep(tx: Tx) -> int:
    gone = tx.all(_GONE)
    for (no,) in gone:
        _drop(tx, no)
    return len(gone)


class Indexer:
    """Takes neighbours' listings into the index, behind their admission. `run` must be running."""

    def __init__(self, *, store: Store, own: SchemeId):
        self._store: Final = store
        self._own: Final = own
        self._changed: Final[dict[SchemeId, None]] = {}
        self._due: Final = asyncio.Event()

    async def load(self) -> None:
        """Let our own listings be found that are published and in no index: of a database built from an archive or a copy."""
        while await self._store.write(_index_own, self._own) == INDEX_BATCH:
            pass

    def changed(self, scheme: SchemeId) -> None:
        """Take in, soon, that items of a feed changed."""
        if scheme != self._own:
            self._changed[scheme] = None
            self._due.set()

    async def run(self) -> None:
        """Index and sweep until cancelled."""
        await steadily(self._keep_indexing, "indexing")

    async def _keep_indexing(self) -> None:
        for feed in await self._store.read(all_feeds):
            self.changed(feed.scheme)
        loop = asyncio.get_running_loop()
        swept = loop.time()
        while True:
            try:
                async with asyncio.timeout(SWEEP_EVERY_S):
                    await self._due.wait()
                await asyncio.sleep(INDEX_AFTER_S)
            except TimeoutError:
                pass
            await self._index_changed()
            if loop.time() - swept >= SWEEP_EVERY_S:
                swept = loop.time()
                await self.sweep()

    async def _index_changed(self) -> None:
        self._due.clear()
        while self._changed:
            scheme = next(iter(self._changed))
            del self._changed[scheme]
            while (batch := await self._store.read(_read_batch, scheme)) is not None:
                await self._store.write(_write_batch, *batch)
            if await self._store.read(find_feed, scheme) is None:
                await self.sweep()

    async def sweep(self) -> None:
        """Forget what is no longer held: over, withdrawn by a repair, or of a feed that was dropped."""
        while await self._store.write(_sweep) == INDEX_BATCH:
            pass
