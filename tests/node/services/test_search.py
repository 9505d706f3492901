"""Words, filters, order and pages of a search. Rules 5.8; docs/pages.md 8.2."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from node.services import search
from node.services.indexing import Doc, index
from node.services.search import FindQuery, Order, find, km_between, listing_counts, words_of
from node.store import InlineStore, Memory, Tx
from protocol.market import Place, round_place
from protocol.names import ItemKey, SchemeId
from tests.gossip_town import item_key, listing

OWN, RIVERSIDE = SchemeId(b"o" * 32), SchemeId(b"r" * 32)
NOW = 1_800_000_000_000
TOWN_HALL = round_place(51_500_000, -2_500_000)


def place(km_north: int) -> Place:
    return round_place(51_500_000 + km_north * 9_000, -2_500_000)


@pytest.fixture
async def store() -> InlineStore:
    made = InlineStore(Memory())
    docs = [
        doc(1, "Plum jam", text="From our own trees", category="food-preserves", place=place(2)),
        doc(2, "Crêpes for a party", category="food-meals", scheme=RIVERSIDE, place=place(40)),
        doc(3, "Bicycle repair", text="Also jammed brakes", category="repair-bicycles", scheme=RIVERSIDE),
        doc(4, "Somebody to prune plum trees", kind="want", category="garden-trees", place=place(9)),
        doc(5, "Old bread", category="food-baking", expires=NOW),
        doc(6, "At home only", category="food", shared=False),
    ]

    def fill(tx: Tx) -> None:
        for each in docs:
            index(tx, each)

    await made.write(fill)
    return made


def doc(
    number: int,
    title: str,
    *,
    scheme: SchemeId = OWN,
    expires: int = NOW + 1,
    shared: bool = True,
    **given: Any,
) -> Doc:
    return Doc(
        scheme, item_key(number), 0, number, shared, listing(title, **given), NOW - 100 + number, expires
    )


async def numbers(store: InlineStore, **query: Any) -> list[int]:
    found, total = await store.read(find, FindQuery(**query), NOW)
    assert total == len(found)
    return [int.from_bytes(each.key, "big") for each in found]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ({}, [6, 4, 3, 2, 1]),  # without words the newest first; what is over is not found
        ({"text": "jam"}, [1, 3]),  # the title counts more; a word may be a beginning
        ({"text": "JAM plum"}, [1]),  # all words
        ({"text": "crepes"}, [2]),  # accents are folded, in both
        ({"text": "CRÊPES"}, [2]),
        ({"text": "jam", "order": Order.NEWEST}, [3, 1]),
        ({"kind": "want"}, [4]),
        ({"category": "food-meals"}, [2]),
        ({"category": "food"}, [6, 2, 1]),  # a group holds what is in it
        ({"category": "foo"}, []),
        ({"scheme": RIVERSIDE}, [3, 2]),
        ({"scheme": RIVERSIDE, "text": "plum"}, []),
        ({"place": TOWN_HALL, "km": 5}, [1]),
        ({"place": TOWN_HALL, "km": 10, "text": "plum"}, [1, 4]),
        ({"place": TOWN_HALL, "order": Order.NEAREST}, [1, 4, 2, 6, 3]),  # no place known: last
        ({"order": Order.NEAREST}, [6, 4, 3, 2, 1]),  # from nowhere: the newest
        ({"visitor": True, "category": "food"}, [2, 1]),
    ],
)
async def test_what_is_found_and_in_which_order(
    store: InlineStore, query: dict[str, Any], answer: list[int]
) -> None:
    found = await numbers(store, **query)
    assert (found if "plum" not in str(query.get("text", "")) or len(answer) < 2 else sorted(found)) == answer


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "jam OR",
        "jam*",
        "NEAR(jam)",
        "title:jam",
        "-jam",
        "jam\0",
        "'; drop table item",
        "^jam",
        "ja\u0301m",
        "((",
    ],
)
async def test_no_text_of_a_member_is_read_as_the_databases_own_words(store: InlineStore, text: str) -> None:
    """Stack, pitfall 7."""
    found, _ = await store.read(find, FindQuery(text=text), NOW)
    assert len(found) <= 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Plum  JAM!", ("plum", "jam")),
        ("Straße", ("strasse",)),
        ("crème brûlée", ("creme", "brulee")),
        ("a-b_c", ("a", "b", "c")),
        ("  \0 \t", ()),
        ("w " * 20, ("w",) * 8),
        ("x" * 100, ("x" * 40,)),
    ],
)
def test_words_are_folded_and_few(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text) == words


async def test_pages_hold_twenty(store: InlineStore) -> None:
    def fill(tx: Tx) -> None:
        for number in range(100, 150):
            index(tx, doc(number, "Sock"))

    await store.write(fill)
    pages = [await store.read(find, FindQuery(text="sock", page=page), NOW) for page in (1, 2, 3, 4)]
    assert [len(found) for found, _ in pages] == [20, 20, 10, 0]
    assert {total for _, total in pages} == {50}
    assert len({each.key for found, _ in pages for each in found}) == 50


async def test_the_nearest_are_the_nearest_however_they_are_looked_for(store: InlineStore) -> None:
    """Pages from a ring around the place are those that looking everywhere gives; filters and later pages too."""
    chance = random.Random(7)

    def fill(tx: Tx) -> None:
        for number in range(1_000, 1_300):
            spot = round_place(
                51_500_000 + chance.randrange(-400_000, 400_000), -2_500_000 + chance.randrange(800_000)
            )
            kind = chance.choice(("offer", "want"))
            index(tx, doc(number, "Sock", kind=kind, place=chance.choice((spot, spot, None))))

    await store.write(fill)
    for given in ({}, {"kind": "want"}, {"category": "food"}, {"visitor": True}):
        for page in (1, 2, 4, 9):
            query = FindQuery(place=TOWN_HALL, order=Order.NEAREST, page=page, **given)  # type: ignore[arg-type]
            ringed, total = await store.read(find, query, NOW)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(search, "RINGS_KM", ())
                assert (ringed, total) == await store.read(find, query, NOW)


async def test_a_circle_is_all_that_is_so_near(store: InlineStore) -> None:
    """The square that the index finds leaves nothing of the circle out, far north too."""
    for north in (0, 51_500_000, 69_000_000, -80_000_000):
        middle = round_place(north, 10_000_000)

        def fill(tx: Tx, north: int = north) -> None:
            for step in range(40):
                angle = step * math.pi / 20
                shrink = max(math.cos(math.radians(north / 1_000_000)), 0.01)
                spot = round_place(
                    north + round(60_000 * math.sin(angle)),
                    10_000_000 + round(60_000 * math.cos(angle) / shrink),
                )
                index(tx, doc(5_000 + step, "Ring", place=spot))

        await store.write(fill)
        found, total = await store.read(find, FindQuery(text="ring", place=middle, km=9), NOW)
        assert (total, len(found)) == (40, 20)
        assert (await store.read(find, FindQuery(text="ring", place=middle, km=4), NOW))[1] == 0


async def test_more_than_can_be_looked_through_is_not_counted(store: InlineStore) -> None:
    def fill(tx: Tx) -> None:
        for number in range(100, 130):
            index(tx, doc(number, "Sock"))

    await store.write(fill)
    search_statements = (
        search._statements.__wrapped__
    )  # the statements are remembered, with their limits in them
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "COUNTED_MAX", 24)
        patch.setattr(search, "_statements", search_statements)
        found, total = await store.read(find, FindQuery(text="sock"), NOW)
    assert (len(found), total) == (20, 25)


async def test_what_is_indexed_again_is_found_as_it_is_now(store: InlineStore) -> None:
    await store.write(index, doc(1, "Pear jam"))
    assert await numbers(store, text="plum") == [4]
    assert await numbers(store, text="pear") == [1]
    await store.write(index, doc(1, "gone")._replace(content=None))
    assert await numbers(store, text="pear") == []


async def test_listings_are_counted_by_scheme(store: InlineStore) -> None:
    assert await store.read(listing_counts, NOW) == {OWN: 2, RIVERSIDE: 2}


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        ((51_500_000, 0), (51_500_000, 0), 0),
        ((51_500_000, 0), (52_500_000, 0), 111),
        ((60_000_000, 0), (60_000_000, 1_000_000), 56),
    ],
)
def test_distances_are_whole_kilometres(one: tuple[int, int], other: tuple[int, int], km: int) -> None:
    goal = round_place(*other)
    assert km_between(round_place(*one), goal.north, goal.east) == km
    assert km_between(round_place(*one), None, None) is None
    assert km_between(None, goal.north, goal.east) is None


def test_keys_of_the_tests_are_keys() -> None:
    assert item_key(1) == ItemKey(bytes(15) + b"\1")
