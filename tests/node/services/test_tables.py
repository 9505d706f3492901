"""A round trip: what one node saves as tables another takes in: members, balances, listings, trades. docs/export.md; decision 51."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC
from random import Random

import pytest

from node.importing.layouts import Layout
from node.importing.rows import FILE_BYTES_MAX, ROWS_MAX
from node.services.acts import OPERATOR
from node.services.import_rows import Remainder, Run
from node.services.imports import CannotImport, Why
from node.services.own_listings import listings_of
from node.services.past_trades import past_sum
from node.services.tables import TRADES, _files, read_tables
from node.services.trades import NewTrade
from node.web.amounts import HOURS
from tests.node.services.test_imports import ODD, Desk
from tests.node.services.test_past_trades import TRADES as OLD

OFFERS = (
    "member,kind,title,text,category,price,per\n"
    '18,offer,"=Eggs, ""fresh""","a\nb",food,0:30,hour\n17,want,Hay,,,,\n17,gift,Straw,,,,free\n'
)
LAYOUTS = {"members": Layout.OWN_MEMBERS, "listings": Layout.OWN_LISTINGS, "trades": Layout.OWN_TRADES}


@pytest.fixture
async def old() -> AsyncIterator[Desk]:
    """A scheme that came from elsewhere itself, has traded since, put something right, and wrote the rest off."""
    made = Desk()
    await made.furnish()
    await made.bring(ODD, remainder=Remainder.CHEST)
    await made.bring(OFFERS, Layout.OWN_LISTINGS)
    await made.bring(OLD, Layout.OWN_TRADES)
    cem, dora = await made.called("Cem"), await made.called("Dora")
    chance = Random(3)
    for n in range(12):
        payer, payee = chance.sample([made.ana, made.ben, cem, dora], 2)
        trade = await made.node.trades.record(
            NewTrade(
                payer_no=payer.account_no, payee_no=payee.account_no, amount=chance.randint(1, 20), text=f"+work {n}",
                entered_by="x", proved_by="pin", once=bytes([n]) * 16, payer_name=payer.name, payee_name=payee.name,
            )
        )  # fmt: skip
        if n == 5:
            await made.node.trades.correct(
                trade.no, organiser="Rosa", on_behalf_of="Ana", reason="slip", once=b"c" * 16
            )
    yield made
    await made.store.close()


async def tables(desk: Desk) -> dict[str, bytes]:
    return await desk.store.read(read_tables, HOURS, UTC)


async def take_in(desk: Desk, file: bytes, layout: Layout) -> Run:
    no = await desk.node.imports.look(OPERATOR, layout, file)
    plan = await desk.plan(layout, file)
    assert plan.faults == ()
    assert plan.differences == (), "all trades of each member come to their balance"
    return await desk.node.imports.bring_in(OPERATOR, no, Remainder.OPENING, plan.mark)


async def test_what_one_node_saves_another_takes_in_whole(old: Desk) -> None:
    files = await tables(old)
    assert list(files) == ["members-1.csv", "listings-1.csv", "trades-1.csv"]
    new = Desk()
    await new.open()
    for name, data in files.items():
        await take_in(new, data, LAYOUTS[name.partition("-")[0]])
    for name in ("Ana", "Ben", "Cem", "Dora", "Eva"):
        there, here = await old.called(name), await new.called(name)
        assert (here.name, here.email, here.phone, here.place) == (
            there.name, there.email, there.phone, there.place,
        )  # fmt: skip
        balance = await old.balance(there)
        assert await new.balance(here) == balance
        assert await new.store.read(past_sum, here.no) == balance
        said = [
            [(each.listing.content.kind, each.listing.content.title, each.listing.content.text, each.listing.content.category, each.listing.content.price) for each in await desk.store.read(listings_of, who.no)]
            for desk, who in ((old, there), (new, here))
        ]  # fmt: skip
        assert sorted(said[0], key=repr) == sorted(said[1], key=repr)
    await new.check()
    again = await tables(new)
    rows = [list(csv.reader(io.StringIO(each["trades-1.csv"].decode()))) for each in (files, again)]
    texts = [
        sorted((row[1], row[4], row[5]) for row in each[1:] if row[5] != "Opening balance") for each in rows
    ]
    assert texts[0] == texts[1], "and a third node would have them still"
    for name, data in files.items():
        with pytest.raises(CannotImport) as caught:
            await new.bring(data.decode(), LAYOUTS[name.partition("-")[0]])
        assert caught.value.why is Why.NOTHING
    await new.store.close()


def test_what_is_too_long_for_one_file_comes_in_several() -> None:
    """Each can be brought in as it is."""
    rows = [(f"{n}", "2015-04-02", "17", "18", "1:00", "x" * (900 if n < 3_000 else 1)) for n in range(5_500)]
    files = dict(_files("trades", TRADES, rows))
    assert list(files) == [f"trades-{n}.csv" for n in range(1, len(files) + 1)]
    assert all(len(data) <= FILE_BYTES_MAX for data in files.values())
    read = [list(csv.reader(io.StringIO(data.decode()))) for data in files.values()]
    assert all(len(each) <= ROWS_MAX + 1 and each[0] == list(TRADES) for each in read)
    assert [row[0] for each in read for row in each[1:]] == [row[0] for row in rows]
