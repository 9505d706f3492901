"""Trades of an old program: kept beside the ledger, in no balance, once, with whose balance differs named, undone in a day. Decision 51."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.cli.restore import make_tables
from node.importing.layouts import Layout
from node.importing.rows import Fault, Wrong
from node.services.acts import OPERATOR
from node.services.archive import write_archive
from node.services.archive_import import fill
from node.services.import_rows import Remainder, RunState
from node.services.imports import CannotImport, Why
from node.services.ledger_export import make_folder, write_export
from node.services.my_data import read_my_data
from node.services.past_trades import all_past, past_between, past_of_import, past_sum, span_of
from node.store import ReadTx
from protocol.limits import DAY_MS
from tests.erasing import open_scheme
from tests.node.services.test_imports import EVEN, Desk

HEAD = "date,from,to,amount,text,id\n"
TRADES = HEAD + "2015-04-02,17,18,1:00,Yoga,\n2015-04-09,17,18,0:30,Bread,\n2015-05-01,99,17,0:15,Hay,\n"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    await made.furnish()
    await made.bring(EVEN)
    yield made
    await made.store.close()


async def test_they_are_kept_and_move_nothing(desk: Desk) -> None:
    """Rule 3.2: balances and the book are as before; the old program's sums are in the opening balances."""
    cem, dora = await desk.called("Cem"), await desk.called("Dora")
    before = desk.digests()
    run = await desk.bring(TRADES, Layout.OWN_TRADES)
    assert (run.trades, run.people, run.listings, run.left_out, run.total) == (3, 0, 0, 0, 0)
    changed = {name for name, digest in desk.digests().items() if digest != before[name]}
    assert changed == {"import_run", "past_trade"}, "no entry, leg or account"
    assert [await desk.balance(each) for each in (cem, dora)] == [-90, 90]
    kept = await desk.store.read(past_between, cem.no, "2015-04-03", "2015-12-31")
    assert [
        (each.day, each.payer_no, each.payee_no, each.payer_name, each.amount, each.text) for each in kept
    ] == [
        ("2015-04-09", cem.no, dora.no, "", 30, "Bread"),
        ("2015-05-01", None, cem.no, "99", 15, "Hay"),
    ]
    assert await desk.store.read(past_sum, cem.no) == -75
    assert await desk.store.read(span_of, dora.no) == (2, "2015-04-02", "2015-04-09")
    await desk.check()


async def test_whose_balance_is_not_what_the_trades_come_to_is_named(desk: Desk) -> None:
    """Cem came with −1:30, and what is told of him comes to −1:15; Dora is even."""
    _, plan = await desk.look(TRADES, Layout.OWN_TRADES)
    assert [(each.member.name, each.opening, each.trades) for each in plan.differences] == [("Cem", -90, -75)]
    assert plan.outside == (4,)
    await desk.bring(TRADES, Layout.OWN_TRADES)
    _, plan = await desk.look(HEAD + "2015-06-01,17,99,0:15,Straw,\n", Layout.OWN_TRADES)
    assert plan.differences == (), "what is here already counts along"


async def test_the_same_file_again_brings_in_nothing(desk: Desk) -> None:
    await desk.bring(TRADES, Layout.OWN_TRADES)
    _, plan = await desk.look(TRADES, Layout.OWN_TRADES)
    assert [(fault.line, fault.wrong) for fault in plan.faults] == [(n, Wrong.ALREADY) for n in (2, 3, 4)]
    with pytest.raises(CannotImport) as caught:
        await desk.bring(TRADES, Layout.OWN_TRADES)
    assert caught.value.why is Why.NOTHING
    assert len(await desk.store.read(all_past)) == 3


async def test_what_was_made_twice_comes_in_twice_and_not_four_times(desk: Desk) -> None:
    """Two lines that say the same are two trades; a longer file of the same years brings in what is new."""
    twice = HEAD + "2015-04-02,17,18,0:10,Eggs,\n" * 2
    await desk.bring(twice, Layout.OWN_TRADES)
    _, plan = await desk.look(twice + "2015-04-02,17,18,0:10,Eggs,\n", Layout.OWN_TRADES)
    assert [each.row.line for each in plan.trades] == [4]
    keyed = HEAD + "2015-04-02,17,18,0:10,Eggs,a\n2015-04-02,17,18,0:10,Eggs,a\n"
    _, plan = await desk.look(keyed, Layout.OWN_TRADES)
    assert plan.faults == (Fault(3, Wrong.NUMBER_TWICE, "a"),)


@pytest.mark.parametrize(
    "line, fault",
    [
        ("2016-01-01,98,99,1,far,", Fault(2, Wrong.SIDES, "98, 99")),
        ("2999-01-01,17,18,1,soon,", Fault(2, Wrong.DAY_TO_COME, "2999-01-01")),
        ("2016-01-01,17,Cem,1,self,", Fault(2, Wrong.SAME_SIDES, "Cem")),
    ],
)
async def test_a_bad_line_is_named_and_the_others_come_in(desk: Desk, line: str, fault: Fault) -> None:
    run = await desk.bring(HEAD + line + "\n2015-04-02,17,18,0:10,Eggs,\n", Layout.OWN_TRADES)
    assert (run.faults, run.trades) == ((fault,), 1)


async def test_a_number_means_who_had_it_there_and_nobody_who_has_it_here(desk: Desk) -> None:
    """Ana has number 1 here; whoever had it in the old program did not come."""
    _, plan = await desk.look(
        HEAD + "2015-04-02,1,18,0:10,Eggs,\n2015-04-02,ana,18,0:10,Jam,\n", Layout.OWN_TRADES
    )
    assert [each.payer and each.payer.name for each in plan.trades] == [None, "Ana"]
    assert desk.ana.no == 1


async def test_undone_within_a_day_nothing_of_it_is_left(desk: Desk) -> None:
    before = desk.digests()
    run = await desk.bring(TRADES, Layout.OWN_TRADES)
    undone = await desk.node.imports.undo(OPERATOR, run.no)
    assert undone.state is RunState.UNDONE
    after = desk.digests()
    assert {name for name, digest in after.items() if digest != before[name]} == {"import_run"}
    assert (await desk.bring(TRADES, Layout.OWN_TRADES)).trades == 3
    desk.clock.now += DAY_MS + 1
    with pytest.raises(CannotImport) as caught:
        await desk.node.imports.undo(OPERATOR, run.no + 1)
    assert caught.value.why is Why.ENDED


async def test_members_with_past_trades_are_not_undone_before_these(desk: Desk) -> None:
    run = await desk.bring(TRADES, Layout.OWN_TRADES)
    with pytest.raises(CannotImport) as caught:
        await desk.node.imports.undo(OPERATOR, run.no - 1)
    assert (caught.value.why, caught.value.names) == (Why.IN_USE, ("Cem", "Dora"))
    await desk.node.imports.undo(OPERATOR, run.no)
    await desk.node.imports.undo(OPERATOR, run.no - 1)
    assert "Cem" not in await desk.names()


async def test_a_power_cut_leaves_all_or_nothing(desk: Desk) -> None:
    """I7."""
    for n in range(1, 40):
        file = HEAD + "".join(f"2015-04-02,17,18,1:00,Yoga,{n}-{each}\n" for each in range(3))
        no, plan = await desk.look(file, Layout.OWN_TRADES)
        before = len(await desk.store.read(all_past))

        async def work(no: int = no, mark: str = plan.mark) -> None:
            await desk.node.imports.bring_in(OPERATOR, no, Remainder.REFUSE, mark)

        was_cut = await desk.cut_at(n, work)
        assert len(await desk.store.read(past_of_import, no)) in (0, 3)
        await work()
        assert len(await desk.store.read(all_past)) == before + 3
        if not was_cut:
            break
    assert n > 5, "it writes more statements than that"


async def test_a_member_reads_it_among_their_data_and_others_do_not(desk: Desk) -> None:
    await desk.bring(TRADES, Layout.OWN_TRADES)
    cem, eva = await desk.called("Cem"), await desk.called("Eva")

    def held(tx: ReadTx) -> list[int]:
        return [len(read_my_data(tx, each)["trades_of_the_old_scheme"]) for each in (cem, eva)]

    assert await desk.store.read(held) == [3, 0]


async def test_members_and_listings_of_the_same_file_are_not_doubled(desk: Desk) -> None:
    """Neither by number, address nor title: a name alone is known again by its line."""
    file = "name,balance\nFay,1\nGus,-1\n"
    await desk.bring(file)
    _, plan = await desk.look(file)
    assert plan.faults == (Fault(2, Wrong.ALREADY, "Fay"), Fault(3, Wrong.ALREADY, "Gus"))
    offers = "member,kind,title\nFay,offer,Eggs\nFay,offer,Eggs\n"
    run = await desk.bring(offers, Layout.OWN_LISTINGS)
    assert (run.listings, run.faults) == (1, (Fault(3, Wrong.ALREADY, "Eggs"),))
    _, plan = await desk.look(offers, Layout.OWN_LISTINGS)
    assert plan.is_empty


async def test_erasing_leaves_days_and_amounts_and_no_word(tmp_path: Path) -> None:
    """Rule 3.1: not in the files either; and nothing that proves a guess."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members
        data = f"{HEAD}2015-04-02,{ana.name},{ben.name},1:00,marmalade,\n2015-04-03,Zebulon,{ana.name},0:10,quinces,\n"
        data += f"2015-04-04,{ben.name},Zebedee,0:10,damsons,\n"
        imports, store = scheme.node.imports, scheme.node.store
        no = await imports.look(OPERATOR, Layout.OWN_TRADES, data.encode())
        reading = imports.read(Layout.OWN_TRADES, data.encode())
        plan = await store.read(imports.plan_in, reading)
        await imports.bring_in(OPERATOR, no, Remainder.REFUSE, plan.mark)
        marks = [each.mark for each in await store.read(all_past)]
        await scheme.erase(ana, rosa, otto)
        assert [(each.day, each.amount, each.text) for each in await store.read(all_past)] == [
            ("2015-04-02", 60, ""), ("2015-04-03", 10, ""), ("2015-04-04", 10, "damsons"),
        ]  # fmt: skip
        files = scheme.files()
        assert not [word for word in (b"marmalade", b"quinces", b"Zebulon", reading.digest) if word in files]
        assert [mark is not None and mark in files for mark in marks] == [False, False, True]


async def test_a_whole_archive_holds_them_and_an_auditors_export_does_not(desk: Desk, tmp_path: Path) -> None:
    """docs/export.md: the rows come back as they were; no word of them is among the books."""
    await desk.bring(TRADES, Layout.OWN_TRADES)
    kept = await desk.store.read(all_past)
    whole, books, database = tmp_path / "whole", tmp_path / "books", tmp_path / "node.db"
    for folder in (whole, books):
        make_folder(folder)
    await desk.store.read(write_archive, desk.node.scheme, whole, 0)
    await desk.store.read(write_export, desk.node.scheme, books, 0)
    await make_tables(database)
    fill(database, whole, desk.node.scheme)
    with sqlite3.connect(database) as raw:
        rows = raw.execute(
            "SELECT no, mark, day, payer_no, payee_no, payer_name, amount, text FROM past_trade ORDER BY day, no"
        ).fetchall()
    raw.close()
    assert rows == [
        (each.no, each.mark, each.day, each.payer_no, each.payee_no, each.payer_name, each.amount, each.text) for each in kept
    ]  # fmt: skip
    assert not [each.name for each in books.iterdir() if b"Yoga" in each.read_bytes()]
