"""Shorthand for tests of what spreads through a town: whole nodes in virtual time, and what each of them holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from crypto.signing import Signed
from node.services.feed_store import all_feeds, find_feed, rows
from node.services.settings import SchemeSettings
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident, Town
from node.store import ReadTx, Tx
from protocol.feed import Head, Item, Row, check_head
from protocol.feed_kinds import LISTING, payload_bytes
from protocol.limits import DAY_MS
from protocol.line_ops import Limit
from protocol.market import AskingPrice, Listing
from protocol.message import trusted_message
from protocol.names import ItemKey, SchemeId
from protocol.units import HOUR

WIDE = Limit(owed_max=1000 * HOUR, pending_max=1000 * HOUR, open_max=100)
Edges = Sequence[tuple[str, str]]


def ring(names: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(names, (*names[1:], names[0]), strict=True))


def listing(title: str, **given: object) -> Listing:
    usual: dict[str, object] = {
        "kind": "offer",
        "title": title,
        "text": "",
        "category": "food-preserves",
        "price": AskingPrice(amount=30, per="item"),
        "language": "en",
    }
    return Listing(**(usual | given))  # type: ignore[arg-type]


async def build(
    network: SimulatedNetwork, names: Iterable[str], edges: Edges, *, seed: int = 0, open_lines: bool = True
) -> Town:
    """Return a town whose lines are open."""
    town = Town(network, seed=seed)
    for name in names:
        await town.add(SchemeSettings(name=name))
    if open_lines:
        await town.connect(edges, WIDE)
    return town


async def put(resident: Resident, number: int, title: str, *, days: int = 100) -> int:
    """Put a listing into a scheme's own feed."""
    node = resident.node

    def unit(tx: Tx) -> int:
        expires = node.clock.now_ms() + days * DAY_MS
        return node.own_feed.put(
            tx, LISTING, item_key(number), payload_bytes(listing(title)), expires=expires
        )

    return await node.store.write(unit)


async def withdraw(resident: Resident, number: int) -> bool:
    node = resident.node
    return await node.store.write(lambda tx: node.own_feed.withdraw(tx, LISTING, item_key(number)))


def item_key(number: int) -> ItemKey:
    return ItemKey(number.to_bytes(16, "big"))


async def held(resident: Resident, author: SchemeId) -> list[Row]:
    """Return the rows of `author`'s feed that this node holds."""

    def query(tx: ReadTx) -> list[Row]:
        feed = find_feed(tx, author)
        return [] if feed is None else list(rows(tx, feed.no, feed.top))

    return await resident.node.store.read(query)


async def followed(resident: Resident) -> set[SchemeId]:
    """Return whose feeds this node keeps, its own left out."""
    feeds = await resident.node.store.read(all_feeds)
    return {feed.scheme for feed in feeds if feed.head is not None} - {resident.scheme}


async def head_of(resident: Resident, author: SchemeId) -> Head | None:
    feed = await resident.node.store.read(find_feed, author)
    return None if feed is None or feed.head is None else trusted_message(Head, feed.head).body


async def titles(resident: Resident, author: SchemeId) -> list[str]:
    """Return the titles of the listings of `author` held here that are no tombstones."""
    from node.services.feed_store import items_of_kind

    wires = await resident.node.store.read(items_of_kind, LISTING, resident.node.clock.now_ms(), author)
    items: list[Signed[Item]] = [trusted_message(Item, wire) for _, wire in wires]
    return sorted(_listing(item.body).title for item in items)


def _listing(item: Item) -> Listing:
    from protocol.message import decode_message

    return decode_message(Listing, item.payload)


async def agrees(resident: Resident, author: Resident) -> bool:
    """Tell whether this node holds exactly what the author's own head counts, which counts all it has."""
    own = await author.node.store.read(find_feed, author.scheme)
    if own is None or own.head_seq != own.top:
        return False
    head, mine = await head_of(author, author.scheme), await head_of(resident, author.scheme)
    if head is None or mine is None or (mine.feed_seq, mine.live_root) != (head.feed_seq, head.live_root):
        return False
    return check_head(mine, await held(resident, author.scheme))


async def converged(town: Town, *, pairs: Iterable[tuple[str, str]] | None = None) -> bool:
    """I13: every node holds exactly what every author counts (or the given followers what theirs count)."""
    names = [resident.name for resident in town.residents if resident.is_up]
    for follower, author in pairs or [(a, b) for a in names for b in names if a != b]:
        if not await agrees(town[follower], town[author]):
            return False
    return True


async def until(
    town: Town, ready: Callable[[], Awaitable[bool]], within_s: float = 300, what: str = ""
) -> None:
    await town.until(ready, within_s, what)


async def pause(seconds: float) -> None:
    """Let virtual time pass."""
    await asyncio.sleep(seconds)
