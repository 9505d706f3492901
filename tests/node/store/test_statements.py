"""Statements are compiled once; what would need work at each run is refused at the first."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import (
    JSON,
    Column,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from node.store import BadStatement, Ordered, Tx, upsert
from node.store.statements import Compiler, compiler_for
from tests.node.store.disks import ALL, AMOUNT, NOTE, OPEN, Disk, balances, notes

SOME = select(balances.c.name).where(balances.c.name.in_(("ana", "cem"))).order_by(balances.c.name)
NONE = select(balances.c.name).where(balances.c.name.in_(()))
FIRST_TWO = select(balances.c.name).order_by(balances.c.name).limit(2)
FLAGS = (
    select(balances.c.open, func.sum(balances.c.amount)).group_by(balances.c.open).order_by(balances.c.open)
)
REPLACE = upsert(balances, key=["name"], update=["amount"])
KEEP = upsert(balances, key=["name"])
COUNT = upsert(balances, key=["name"], update=lambda new: {"amount": balances.c.amount + new.amount})
RAISE = upsert(balances, key=["name"], update=["amount"], where=lambda new: new.amount > balances.c.amount)
CLOSE = update(balances).where(balances.c.name == bindparam("which"))
FORGET = delete(balances).where(balances.c.name == bindparam("which"))


async def run(disk: Disk, unit, **amounts: int):
    """Return what `unit` returns on a disk with these balances."""
    store = await disk.with_balances(**amounts)
    return await store.write(unit)


async def test_rows_are_plain_tuples_of_plain_values(disk: Disk):
    def unit(tx: Tx):
        tx.run(OPEN, name="eve", amount=2**62, open=False)
        return (
            tx.all(FLAGS),
            tx.one(AMOUNT, which="eve"),
            tx.scalar(AMOUNT, which="eve"),
            tx.one(AMOUNT, which="x"),
        )

    flags, one, scalar, none = await run(disk, unit, ana=1, bob=2)

    assert flags == [(False, 2**62), (True, 3)]
    assert [type(value) for row in flags for value in row] == [bool, int, bool, int]
    assert all(type(row) is tuple for row in [*flags, one])
    assert (one, scalar, none) == ((2**62,), 2**62, None)


async def test_constants_inside_a_statement_are_kept_apart_from_parameters(disk: Disk):
    def unit(tx: Tx):
        return tx.all(SOME), tx.all(NONE), tx.all(FIRST_TWO), tx.all(SOME)

    assert await run(disk, unit, ana=1, bob=2, cem=3) == (
        [("ana",), ("cem",)], [], [("ana",), ("bob",)], [("ana",), ("cem",)],
    )  # fmt: skip


async def test_an_insert_or_update_takes_the_columns_it_is_called_with(disk: Disk):
    def unit(tx: Tx):
        tx.run(OPEN, amount=4, name="dee")  # `open` has a default in the schema
        tx.run(OPEN, name="eve", open=False, amount=5)
        tx.run(CLOSE, which="ana", open=False)
        tx.run(CLOSE, amount=9, which="bob")
        return tx.all(select(balances.c.name, balances.c.amount, balances.c.open).order_by(balances.c.name))

    assert await run(disk, unit, ana=1, bob=2) == [
        ("ana", 1, False), ("bob", 9, True), ("dee", 4, True), ("eve", 5, False),
    ]  # fmt: skip


async def test_run_counts_rows_and_insert_gives_keys(disk: Disk):
    def unit(tx: Tx):
        keys = [tx.insert(NOTE, words=word) for word in ("one", "two")]
        tx.run(OPEN, name="cem", amount=0)
        keys.append(tx.insert(NOTE, words="three"))
        changed = tx.run(update(balances).values(amount=balances.c.amount + 1))
        gone = [tx.run(FORGET, which="cem"), tx.run(FORGET, which="cem")]
        kept = tx.one(insert(notes).returning(notes.c.id, notes.c.words), words="four")
        return keys, changed, gone, kept, tx.all(select(notes.c.id).order_by(notes.c.id))

    keys, changed, gone, kept, ids = await run(disk, unit, ana=1, bob=2)
    assert keys == sorted(set(keys))
    assert (changed, gone) == (3, [1, 0])
    assert kept[1] == "four"
    assert ids == [(key,) for key in [*keys, kept[0]]]


async def test_many_rows_in_one_call(disk: Disk):
    def unit(tx: Tx):
        tx.many(OPEN, ({"name": f"m{i}", "amount": i} for i in range(3)))
        tx.many(OPEN, [])
        with pytest.raises(BadStatement):
            tx.many(OPEN, [{"name": "x", "amount": 1}, {"name": "y"}])
        tx.many(CLOSE, [{"which": "m0", "amount": 7}, {"which": "m2", "amount": 8}])
        return tx.all(ALL)

    assert await run(disk, unit) == [("m0", 7), ("m1", 1), ("m2", 8)]


@pytest.mark.parametrize("statement, amount, count, after", [
    (REPLACE, 3, 1, 3),
    (KEEP,    3, 0, 10),
    (COUNT,   3, 1, 13),
    (RAISE,   3, 0, 10),
    (RAISE,  30, 1, 30),
], ids=["replace", "keep", "count", "raise-not", "raise"])  # fmt: skip
async def test_an_upsert_minds_the_row_already_there(disk: Disk, statement, amount, count, after):
    def unit(tx: Tx):
        return (
            tx.run(statement, name="ana", amount=amount),
            tx.run(statement, name="new", amount=1),
            tx.all(ALL),
        )

    assert await run(disk, unit, ana=10) == (count, 1, [("ana", after), ("new", 1)])


async def test_an_upsert_can_give_back_what_is_there_now(disk: Disk):
    counting = COUNT.returning(balances.c.amount)
    assert await run(disk, lambda tx: tx.scalar(counting, name="ana", amount=5), ana=10) == 15


async def test_values_in_a_fixed_order_are_written_like_named_ones(disk: Disk):
    rows = Ordered(OPEN, "name", "amount")

    def unit(tx: Tx):
        tx.put(rows, ("eve", 3))
        tx.put_many(rows, [("fay", 4), ("gus", 5)])
        tx.put(Ordered(CLOSE.values(amount=bindparam("to")), "to", "which"), (9, "ana"))
        return tx.all(ALL)

    assert await run(disk, unit, ana=1) == [("ana", 9), ("eve", 3), ("fay", 4), ("gus", 5)]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "write",
    [
        Ordered(OPEN, "amount", "name"),
        Ordered(SOME),
        Ordered(CLOSE.values(amount=bindparam("to")), "which", "to"),
        Ordered(update(balances).values(amount=bindparam("to"), open=True), "to"),
    ],
)
def test_an_order_that_is_not_the_sqls_is_refused(dialect, write):
    """Else a value would come into another column without a word."""
    for _ in range(2):
        with pytest.raises(BadStatement):
            compiler_for(dialect).prepare_ordered(write)


async def test_a_new_row_gives_its_key_and_one_that_is_there_gives_none(disk: Disk):
    """Whatever unique index knows it."""
    new = Ordered(upsert(notes, key=()), "words")
    same = Ordered(upsert(notes, key=()), "id", "words")

    def unit(tx: Tx):
        first = tx.put_new(new, ("one",))
        known = tx.put_new(same, (first, "two"))
        second = tx.put_new(new, ("three",))
        for write in (
            Ordered(NOTE, "words"),
            Ordered(upsert(notes, key=["id"], update=["words"]), "id", "words"),
        ):
            with pytest.raises(BadStatement):
                tx.put_new(write, (first, "four")[-len(write.names) :])
        return known, tx.all(select(notes.c.id, notes.c.words).order_by(notes.c.id)), [first, second]

    known, rows, keys = await run(disk, unit)
    assert known is None
    assert rows == list(zip(keys, ["one", "three"], strict=True))


async def test_no_key_is_made_up_where_the_database_chose_none(disk: Disk):
    """SQLite would give the key of some earlier insert."""

    def unit(tx: Tx):
        tx.insert(NOTE, words="one")
        with pytest.raises(BadStatement):
            tx.insert(OPEN, name="eve", amount=1)
        with pytest.raises(BadStatement):
            tx.insert(upsert(notes, key=["id"]), id=1, words="two")
        return "refused"

    assert await run(disk, unit) == "refused"


other = Table(
    "test_other",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("made", Integer, default=lambda: 7),
    Column("json", JSON),
    Column("words", Text),
)
REFUSED = [
    ("a list behind a parameter", select(other.c.id).where(other.c.id.in_(bindparam("ids"))), ("ids",)),
    ("a default in Python", insert(other), ("words",)),
    ("a value to convert", select(other.c.json), ()),
    ("a parameter to convert", insert(other), ("json",)),
    ("a parameter missing", AMOUNT, ()),
    ("a parameter nobody uses", AMOUNT, ("which", "whihc")),
    ("a column that is not there", insert(other), ("made", "wrods")),
    ("something that is no statement", other.c.id, ()),
]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "statement, names", [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_cannot_be_compiled_once_is_refused(dialect, statement, names):
    with pytest.raises(BadStatement):
        Compiler(compiler_for(dialect).dialect).prepare(statement, names)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_statement_is_compiled_once_for_each_set_of_names(dialect):
    compiler = Compiler(compiler_for(dialect).dialect)
    first = compiler.prepare(OPEN, {"name": 1, "amount": 2})
    assert compiler.prepare(OPEN, {"name": 3, "amount": 4}) is first
    assert compiler.prepare(OPEN, {"name": 3, "amount": 4, "open": 5}) is not first
    assert compiler.prepare(OPEN, {"name": 3, "amount": 4}) is first


def test_a_refused_statement_is_refused_again(disk: Disk):
    compiler = Compiler(compiler_for(disk.dialect).dialect)
    for _ in range(2):
        with pytest.raises(BadStatement):
            compiler.prepare(AMOUNT, ())


def test_both_dialects_say_the_same_in_their_own_words():
    said = {
        dialect: compiler_for(dialect).prepare(COUNT, ("name", "amount")).sql
        for dialect in ("sqlite", "postgresql")
    }
    assert json.dumps(said, indent=0).count("ON CONFLICT (name) DO UPDATE SET amount") == 2
    assert said["sqlite"].count("?") == said["postgresql"].count("%s") == 2
