"""What of single items is stored, and why not the rest. Rules 5.1–5.6, 10; I13, I14."""

from __future__ import annotations

from sqlalchemy import func, select

from node.services.feed_intake import Arrival, Stored, store_listed, store_singles
from node.services.feed_store import (
    Feed,
    drop_feed,
    find_feed,
    keep_head,
    open_feed,
    reckon_head,
    rows,
    wires_above,
    wires_at,
)
from node.store import InlineStore, Memory, ReadTx, Tx
from node.store.schema import feeds as schema
from protocol.feed import Item, peek
from protocol.following import Quota
from protocol.limits import DAY_MS
from protocol.message import sign_message
from tests.protocol.feeds import KEY, NOW, OAKVALE, head_over, item, signed

FREE = Quota()


def arrivals(*items: Item) -> list[Arrival]:
    return [Arrival(peek(wire), wire) for wire in (signed(each).wire for each in items)]


class Shelf:
    """One store, and what was put on it."""

    def __init__(self) -> None:
        self.store = InlineStore(Memory())

    async def take(self, *items: Item, quota: Quota = FREE, now_ms: int = NOW + 1) -> Stored:
        return await self.store.write(store_singles, arrivals(*items), lambda _scheme: quota, now_ms)

    async def held(self) -> list[int]:
        def query(tx: ReadTx) -> list[int]:
            feed = find_feed(tx, OAKVALE)
            return [] if feed is None else [row.feed_seq for row in rows(tx, feed.no, feed.top)]

        return await self.store.read(query)

    async def feed(self) -> Feed:
        found = await self.store.read(find_feed, OAKVALE)
        assert found is not None
        return found


async def test_items_are_stored_in_any_order_and_once() -> None:
    shelf = Shelf()
    stored = await shelf.take(item(3), item(1), item(1))
    assert [each.peek.feed_seq for each in stored.fresh] == [1, 3]
    assert stored.behind == {OAKVALE}, "2 is missing"
    assert (await shelf.feed()).complete == 1
    assert (await shelf.take(item(1), item(3))).refused == {"known": 2}
    await shelf.take(item(2))
    assert await shelf.held() == [1, 2, 3]


async def test_the_higher_revision_takes_the_place_of_the_lower_in_any_order() -> None:
    """Rule 5.1, 5.2."""
    shelf = Shelf()
    await shelf.take(item(1, key=7), item(2, key=7))
    assert await shelf.held() == [2]
    await shelf.take(item(4, key=8))
    await shelf.take(item(3, key=8))
    assert await shelf.held() == [2, 4], "the older one came late"
    assert (await shelf.feed()).live == 2


async def test_a_tombstone_stays_and_is_no_listing() -> None:
    shelf = Shelf()
    await shelf.take(item(1, key=7), item(2, key=7, payload=b""))
    feed = await shelf.feed()
    assert (await shelf.held(), feed.live) == ([2], 0)


async def test_two_items_at_one_revision_are_evidence_and_the_lower_id_stays() -> None:
    """Rules 5.1, 10: whatever came first."""
    one = item(1, key=7, revision=9, payload=b"one")
    other = item(2, key=7, revision=9, payload=b"other")
    lower = min((one, other), key=lambda each: peek(signed(each).wire).id).feed_seq
    for first, second in ((one, other), (other, one)):
        shelf = Shelf()
        await shelf.take(first)
        await shelf.take(second)
        assert await shelf.held() == [lower]
        count = select(func.count()).select_from(schema.feed_evidence)
        assert await shelf.store.read(_scalar, count) == 1


async def test_quotas_hold() -> None:
    """I14: items, writes a day, length; a tombstone gets one below the quota of items."""
    shelf = Shelf()
    small = Quota(live_items_max=2, writes_a_day_max=5, item_bytes_max=300)
    assert not (await shelf.take(item(1), item(2), quota=small)).refused
    assert (await shelf.take(item(3), quota=small)).refused == {"too_many_items": 1}
    assert not (await shelf.take(item(4, key=1, payload=b""), quota=small)).refused
    assert not (await shelf.take(item(5), quota=small)).refused
    assert (await shelf.take(item(6, key=5, payload=b"x" * 300), quota=small)).refused == {"item_too_long": 1}
    assert not (await shelf.take(item(7, key=5), quota=small)).refused
    assert (await shelf.take(item(8, key=5), quota=small)).refused == {"too_many_writes": 1}
    assert not (await shelf.take(item(8, key=5), quota=small, now_ms=NOW + DAY_MS)).refused


async def test_what_is_over_or_from_the_future_is_not_stored() -> None:
    """Rule 5.4."""
    shelf = Shelf()
    assert (await shelf.take(item(1), now_ms=NOW + 101 * DAY_MS)).refused == {"item_over": 1}
    assert (await shelf.take(item(1), now_ms=NOW - DAY_MS)).refused == {"item_not_yet": 1}


async def test_a_head_judges_what_is_at_or_below_it() -> None:
    """I13, 5.3: what it does not count does not come back."""
    shelf = Shelf()
    await shelf.take(item(1), item(3))
    head = head_over([item(1), item(3)])
    found = await shelf.store.read(reckon_head, OAKVALE, head.feed_seq, head.time)
    assert found is not None
    assert found[1:] == (head.live_count, head.live_root)
    wire = sign_message(head, KEY, 2).wire
    assert await shelf.store.write(keep_head, head, wire, found[0], NOW)
    assert (await shelf.take(item(2))).refused == {"known": 1}
    assert await shelf.held() == [1, 3]
    assert (await shelf.feed()).complete == 3


async def test_a_head_reckoned_before_a_change_is_not_kept() -> None:
    shelf = Shelf()
    await shelf.take(item(1))
    head = head_over([item(1)])
    found = await shelf.store.read(reckon_head, OAKVALE, head.feed_seq, head.time)
    assert found is not None
    await shelf.take(item(2, key=1))
    wire = sign_message(head, KEY, 2).wire
    assert not await shelf.store.write(keep_head, head, wire, found[0], NOW)
    assert (await shelf.feed()).head is None


async def test_what_a_head_vouches_for_is_stored_as_it_is() -> None:
    shelf = Shelf()
    await shelf.store.write(store_listed, OAKVALE, arrivals(*(item(seq) for seq in range(1, 1_001))))
    feed = await shelf.feed()
    assert (feed.live, feed.top, feed.indexed) == (1_000, 1_000, 0)
    wires, more = await shelf.store.read(wires_above, feed, 990)
    assert ([peek(wire).feed_seq for wire in wires], more) == (list(range(991, 1_001)), False)
    for wanted in ((5, 6, 8), (1, 500, 1_000), (2_000,)):
        found = await shelf.store.read(wires_at, feed.no, wanted)
        assert [peek(wire).feed_seq for wire in found] == [seq for seq in wanted if seq <= 1_000]
    await shelf.store.write(drop_feed, OAKVALE)
    assert await shelf.held() == []


async def test_a_page_never_outgrows_a_frame() -> None:
    shelf = Shelf()
    await shelf.store.write(
        store_listed, OAKVALE, arrivals(*(item(seq, payload=b"x" * 7_000) for seq in range(1, 60)))
    )
    feed = await shelf.feed()
    wires, more = await shelf.store.read(wires_above, feed, 0)
    assert more
    assert sum(map(len, wires)) <= 240 * 1024
    assert len(wires) > 30


def test_opening_a_feed_twice_gives_the_same_one() -> None:
    def unit(tx: Tx) -> tuple[int, int]:
        return open_feed(tx, OAKVALE).no, open_feed(tx, OAKVALE).no

    async def run() -> None:
        one, other = await InlineStore(Memory()).write(unit)
        assert one == other

    import asyncio

    asyncio.run(run())


def _scalar(tx: ReadTx, statement: object) -> object:
    return tx.scalar(statement)  # type: ignore[arg-type]  # the test's own statement
