"""A search that is kept finds what the page finds, no more and no less. docs/pages.md 7.2 (`/my/searches`)."""

from __future__ import annotations

import itertools

import pytest

from node.services.alert_rows import Fresh, Tell, Wanted, put_search, read_fresh
from node.services.indexing import Doc, index
from node.services.search import FindQuery, find
from node.store import Tx
from protocol.market import Place, round_place
from protocol.names import ItemKey, SchemeId
from tests.builders import NOW
from tests.gossip_town import item_key, listing
from tests.node.services.desk import Desk

OWN, RIVERSIDE = SchemeId(b"o" * 32), SchemeId(b"r" * 32)
HERE = round_place(51_500_000, -2_500_000)
NEARBY, FAR = (Place(north=HERE.north + step, east=HERE.east) for step in (4, 90))
DOCS = [
    listing("Plum jam, 4 jars", text="From our own trees", category="food-preserves", place=NEARBY),
    listing("Crêpes", text="For a party", category="food-meals", place=FAR),
    listing("Bicycle repair", text="Also jammed brakes!", category="repair-bicycles"),
    listing("Somebody to prune plum-trees", kind="want", category="garden-trees", place=HERE),
    listing("Col·lecció d’estampilles", category="goods", place=NEARBY),
    listing("PLUMBING, St. John’s Road", kind="want", category="repair", place=FAR),
]
WORDS = (
    "",
    "jam",
    "plum",
    "plum jam",
    "JAM trees",
    "crepes",
    "plum-t",
    "colleccio",
    "john",
    "road st",
    "lum",
    "!",
)


async def fresh(desk: Desk) -> dict[ItemKey, Fresh]:
    """Return everything that came into the index while somebody keeps a search."""
    ana = await desk.member("Ana")

    def fill(tx: Tx) -> None:
        put_search(tx, ana.no, Wanted(words="anything"), Tell.WEEKLY, NOW)
        for number, content in enumerate(DOCS):
            scheme = OWN if number % 2 else RIVERSIDE
            doc = Doc(
                scheme, item_key(number), number % 2 + 1, number, True, content, NOW - 100 + number, NOW + 1
            )
            index(tx, doc)

    await desk.store.write(fill)
    return {key: each for _, key, each in await desk.store.read(read_fresh) if each is not None}


async def test_it_finds_what_the_page_finds() -> None:
    desk = await Desk().open()
    all_fresh = await fresh(desk)
    assert len(all_fresh) == len(DOCS)
    found_some = 0
    for words, kind, category, scheme, km in itertools.product(
        WORDS, ("", "want"), ("", "food", "food-meals", "repair"), (None, RIVERSIDE), (None, 10)
    ):
        page, _ = await desk.store.read(
            find, FindQuery(text=words, kind=kind, category=category, scheme=scheme, km=km, place=HERE), NOW
        )
        wanted = Wanted(words=words, kind=kind, category=category, scheme=scheme, km=km, place=HERE)
        kept = {key for key, each in all_fresh.items() if wanted.fits(each)}
        assert kept == {each.key for each in page}, wanted
        found_some += bool(kept)
    assert found_some > 50


@pytest.mark.parametrize("anew", [False, True])
async def test_what_is_indexed_anew_is_not_new(anew: bool) -> None:
    """After a restore, or once words are folded in another way, nobody is told of what they knew."""
    desk = await Desk().open()
    await fresh(desk)
    seen = Doc(OWN, item_key(77), 0, 0, True, DOCS[0], NOW, NOW + 1)

    def again(tx: Tx) -> None:
        index(tx, seen, anew=anew)
        index(tx, seen)  # it was changed, or is kept for longer

    await desk.store.write(again)
    keys = [key for _, key, _ in await desk.store.read(read_fresh)]
    assert keys.count(item_key(77)) == (0 if anew else 1)


async def test_nothing_is_noted_where_nobody_keeps_a_search() -> None:
    desk = await Desk().open()
    doc = Doc(OWN, item_key(1), 0, 0, True, DOCS[0], NOW, NOW + 1)
    await desk.store.write(lambda tx: index(tx, doc))
    assert await desk.store.read(read_fresh) == []
