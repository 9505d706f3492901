"""The first page of a search over 100,000 listings, beside a bare query of the same index.

The bare query fetches the nearest twenty that a word fits, by SQLite alone: nothing is counted, no thread is between. Beside it
every kind of first page is held against fifty milliseconds.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any, Final

from node.services.indexing import INDEX_BATCH, Doc, index
from node.services.search import FindQuery, Order, find
from node.services.slips import near
from node.store import ReadTx, ThreadStore, Tx
from protocol.market import AskingPrice, Listing, round_place
from protocol.names import ItemKey, SchemeId
from scripts.bench.harness import Comparison, Figure, Options, Result, Sample, scratch

LISTINGS: Final = 100_000
WORDS: Final = 30_000
SCHEMES: Final = 50
REPEATS: Final = 15
MOST_MS: Final = 50.0
GOAL: Final = 3.0
NOW: Final = 1_800_000_000_000
HERE: Final = round_place(51_500_000, -2_500_000)
THINGS: Final = ("bicycle", "repair", "garden", "bread", "jam", "lessons", "piano", "plumbing")
CATEGORIES: Final = ("food-preserves", "food-meals", "repair-bicycles", "garden-trees", "food-baking")

_BARE: Final = """
    SELECT d.scheme, d.item_key FROM listing_text t JOIN search_doc d ON d.no = t.rowid
    WHERE listing_text MATCH ? AND d.expires > ?
    ORDER BY d.north IS NULL, (d.north - ?) * (d.north - ?) * 10000 + (d.east - ?) * (d.east - ?) * 3875 LIMIT 20
"""


async def run(options: Options) -> list[Result]:
    """Index the listings once; ask both sides in turns."""
    count = 5_000 if options.quick else LISTINGS
    chance = random.Random("find")  # the same listings at every run
    async with scratch(options) as directory:
        path = directory / "node.db"
        store = await ThreadStore.open(path)
        try:
            everyday = await _fill(store, chance, count)
            asked = _asked(everyday)
            ours, limit = [], []
            bare = _bare_side(path)
            for _ in range(options.rounds):
                ours.append(await _ours(store, FindQuery(text="bicycle", place=HERE, order=Order.NEAREST)))
                limit.append(bare("bicycle"))
            pages = {
                what: [await _ours(store, query) for _ in range(options.rounds)]
                for what, query in asked.items()
            }
            slips = [await _slip(store, "bycicle") for _ in range(options.rounds)]
        finally:
            await store.close()
    results: list[Result] = [
        Comparison(
            what=f"a word in {count:,} listings, nearest first", unit="ms", limit_is="a bare query",
            ours=tuple(ours), limit=tuple(limit), goal=GOAL, at_most=True,
        )
    ]  # fmt: skip
    results += [
        Comparison(
            what=f"first page: {what}", unit="ms", limit_is=f"{MOST_MS:.0f} ms", ours=tuple(samples),
            limit=tuple(Sample(value=MOST_MS) for _ in samples), goal=1, at_most=True,
        )
        for what, samples in pages.items()
    ]  # fmt: skip
    return [*results, Figure(what="words near to a slip", unit="ms", values=tuple(slips))]


def _asked(everyday: str) -> dict[str, FindQuery]:
    return {
        "nothing asked, nearest first": FindQuery(place=HERE, order=Order.NEAREST),
        "nothing asked, newest first": FindQuery(),
        "offers of one kind": FindQuery(kind="offer", category="food", place=HERE, order=Order.NEAREST),
        "within 5 km": FindQuery(place=HERE, km=5, order=Order.NEAREST),
        "a word, as it fits": FindQuery(text="bicycle"),
        "two words": FindQuery(text="bicycle repair", place=HERE, order=Order.NEAREST),
        "a word most listings have": FindQuery(text=everyday, place=HERE, order=Order.NEAREST),
        "a word no listing has": FindQuery(text="zzzzz"),
    }


async def _fill(store: ThreadStore, chance: random.Random, count: int) -> str:
    """Index `count` listings whose words are as unequal as those of a language; return the commonest word."""
    parts = [first + second for first in "bcdfghjklmnprstv" for second in "aeiou"]
    words = ["".join(chance.choices(parts, k=chance.randint(2, 4))) for _ in range(WORDS)]
    weights = tuple(accumulate(1 / (rank + 1) for rank in range(WORDS)))

    def text(many: int) -> str:
        return " ".join(chance.choices(words, cum_weights=weights, k=many))

    def doc(number: int) -> Doc:
        thing = f" {chance.choice(THINGS)}" if chance.random() < 0.3 else ""
        spot = (50_000_000 + chance.randrange(3_000_000), -4_000_000 + chance.randrange(3_000_000))
        content = Listing(
            kind=chance.choice(("offer", "want")), title=text(3) + thing, text=text(18), category=chance.choice(CATEGORIES),
            price=AskingPrice(amount=30, per="item"), language="en", place=round_place(*spot) if chance.random() < 0.9 else None,
        )  # fmt: skip
        scheme = SchemeId(bytes([number % SCHEMES]) * 32)
        return Doc(
            scheme,
            ItemKey(number.to_bytes(16, "big")),
            1,
            number,
            True,
            content,
            NOW - count + number,
            NOW + 1 + number,
        )

    def fill(tx: Tx, first: int) -> None:
        for number in range(first, min(first + INDEX_BATCH, count)):
            index(tx, doc(number))

    for first in range(0, count, INDEX_BATCH):
        await store.write(fill, first)
    return words[0]


def _bare_side(path: Path) -> Callable[[str], Sample]:
    raw = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def once(word: str) -> Sample:
        waits = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            raw.execute(_BARE, (f'"{word}"*', NOW, *[HERE.north] * 2, *[HERE.east] * 2)).fetchall()
            waits.append(time.perf_counter() - began)
        return Sample(value=median(waits) * 1000)

    return once


async def _ours(store: ThreadStore, query: FindQuery) -> Sample:
    return Sample(value=await _median_ms(store, find, query, NOW))


async def _slip(store: ThreadStore, word: str) -> float:
    def query(tx: ReadTx) -> str:
        return near(tx, word, NOW)

    return await _median_ms(store, query)


async def _median_ms(store: ThreadStore, query: Callable[..., Any], *args: Any) -> float:
    waits = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        await store.read(query, *args)
        waits.append(time.perf_counter() - began)
    return median(waits) * 1000
