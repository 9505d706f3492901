"""Checking and rebuilding books whose lines went on in new epochs: every epoch's chains, and what was carried. Rules 6.2, 6.8; I8, I19."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from random import Random

import pytest

from crypto.keys import SigningKey
from node.services.ledger_check import Checked
from node.services.ledger_rebuild import CannotRebuild
from node.simulation.network import SimulatedNetwork
from node.store import Memory
from protocol.line_ops import LOCK_ROW, Op, Reopen, before_epoch
from protocol.message import sign_message, trusted_message
from protocol.names import SchemeId
from tests.book_town import Book, book_of, know_everybody
from tests.node.services.test_ledger_check import FREE, check_spoilt, rows_of
from tests.node.services.test_ledger_rebuild import derived, rebuilt, wipe
from tests.node.services.test_reopening import begin_and_cut, ends, go_on, line_between, trade_again
from tests.simulation import run_virtual_alone
from tests.small_town import SmallTown, chain

ROW = ("Oakvale", "Hilltop", "Riverside")
ENDS = ROW[:2]  # of the line that goes on twice


Keys = dict[SchemeId, tuple[int, SigningKey]]


def books() -> dict[str, Book]:
    """Return the books of the town below."""
    return town_that_went_on()[0]


@lru_cache(maxsize=1)
def town_that_went_on() -> tuple[dict[str, Book], Keys]:
    """Return the books and line keys of three schemes, the line of two of which is in its third epoch.

    A lock of the first epoch was ended in the second, the balance was agreed to be another one, and a lock of the
    second is open still in the third.
    """

    async def scenario(network: SimulatedNetwork) -> tuple[dict[str, Book], Keys]:
        town = SmallTown(network, ROW, chain(*ROW), seed=5)
        await town.open()
        for name in ROW:
            await know_everybody(town[name], town)
        await town["Oakvale"].open_member("Ana")
        await town["Riverside"].open_member("Karim")
        town.route(*ROW)
        await town["Oakvale"].buy("Ana", "Riverside", "Karim", 5)
        await town.until_async(town.at_rest, 60)
        low, _ = await ends(town, *ENDS)
        sign = 1 if low is town["Oakvale"] else -1
        payment = await begin_and_cut(town)
        await go_on(town, *ENDS, sign * 9 * 60_000)
        await trade_again(town, *ENDS)
        town.network.mend("Hilltop", "Riverside")
        await town["Oakvale"].settlement.wait(payment, 900)
        await town.until_async(town.at_rest, 900)
        await town["Oakvale"].buy("Ana", "Riverside", "Karim", 3)
        await town.until_async(town.at_rest, 60)
        await begin_and_cut(town)
        await go_on(town, *ENDS, sign * 4 * 60_000, epoch=2)
        line = await line_between(town["Oakvale"], town["Hilltop"])
        assert (line.state.owed, len(line.state.mine.locks())) == (4 * 60_000, 1)
        made = {name: book_of(town, name) for name in ROW}
        await town.stop()
        return made, {node.scheme: node.keyring.signing["line"] for node in town.nodes.values()}

    return run_virtual_alone(scenario, 5)


def check(book: Book, disk: Memory) -> Checked:
    return asyncio.run(book.check(disk))


@pytest.mark.parametrize("name", ROW)
def test_a_line_that_went_on_twice_is_found_right(name: str) -> None:
    """Rule 6.8, I8."""
    book = books()[name]
    checked = check(book, book.disk())
    assert checked.findings == ()
    if name in ENDS:
        epochs = book.disk()._raw.execute("SELECT DISTINCT epoch FROM op ORDER BY epoch").fetchall()
        assert epochs == [(0,), (1,), (2,)]


@pytest.mark.parametrize("name", ROW)
def test_it_is_rebuilt_the_same(name: str) -> None:
    """Rules 3.1, 6.8: in the epoch it is in, with the balance and the locks that were carried."""
    book = books()[name]
    disk = book.disk()
    before = derived(disk._raw)
    wipe(disk._raw)
    rebuilt(book, disk)
    assert derived(disk._raw) == before
    assert check(book, disk).findings == ()


REOPENS = f"seq % {before_epoch(1)} = 1 AND epoch > 0"


@pytest.mark.parametrize("name", ENDS)
def test_a_spoilt_reopen_or_carried_amount_is_named(name: str) -> None:
    """Rule 6.8: every column of every REOPEN and of the line, altered, lost and doubled; other rows of the epochs, a sample."""
    random = Random(f"spoil epochs {name}")
    book = books()[name]
    raw = book.disk()._raw
    ops, lines = rows_of(raw, "op"), rows_of(raw, "line")
    reopens = [row for row in ops if row["epoch"] and row["seq"] == before_epoch(row["epoch"]) + 1]
    assert len(reopens) == 4
    carried = [row for row in lines if row["epoch"]]
    assert len(carried) == 1
    chosen = [("op", row, column) for row in reopens for column in ("epoch", "seq", "wire", None)]
    chosen += [("line", carried[0], column) for column in carried[0] if column not in FREE["line"]]
    chosen += [("line", carried[0], None)]
    chosen += [
        ("op", row, column)
        for row in random.sample(ops, 8)
        for column in ("line_no", "mine", "epoch", "seq", "wire", None, "")
    ]
    asyncio.run(check_spoilt(book, chosen, random))


@pytest.mark.parametrize("epoch", [-1, 0, 1, 3, 2**31, 2**62])
def test_the_epoch_of_a_line_follows_from_its_ops(epoch: int) -> None:
    """Rule 6.8: another number in its row is named as such, and put right."""
    book = books()["Oakvale"]
    disk = book.disk()
    before = derived(disk._raw)
    disk._raw.execute("UPDATE line SET epoch = ? WHERE epoch = 2", [epoch])
    (finding,) = check(book, disk).findings
    assert str(finding) == f"line 1: epoch is {epoch}, what was signed makes it 2"
    rebuilt(book, disk)
    assert derived(disk._raw) == before


def sign_anew(disk: Memory, change: Callable[[Reopen], Reopen], which: str) -> None:
    """Let both sides sign other REOPENs than they did, each well signed and fitting the other."""
    keys = town_that_went_on()[1]
    ids: dict[bytes, bytes] = {}
    chain = disk._raw.execute(
        f"SELECT line_no, mine, epoch, seq, wire FROM op WHERE {REOPENS} AND {which}"
    ).fetchall()
    ops = [(row[:4], trusted_message(Op, row[4])) for row in chain]
    for where, op in sorted(ops, key=lambda each: each[1].body.ack):  # the offer first
        body, step = op.body, op.body.step
        assert isinstance(step, Reopen)
        said = change(step)
        state = ids.get(b"state", b"")
        body = replace(body, step=said, ack_id=ids.get(body.ack_id, body.ack_id), state=state or body.state)
        seq, key = keys[body.author]
        signed = sign_message(body, key, seq)
        ids[op.id] = signed.id
        disk._raw.execute(
            "UPDATE op SET wire = ? WHERE line_no = ? AND mine = ? AND epoch = ? AND seq = ?",
            [signed.wire, *where],
        )


@pytest.mark.parametrize(
    "change",
    [
        lambda step: replace(step, locks=b""),
        lambda step: replace(step, locks=LOCK_ROW.pack(*more(step.locks))),
        lambda step: replace(step, low_length=step.low_length - 1),
        lambda step: replace(step, high_id=bytes(32)),
        lambda step: replace(step, old=0),
    ],
    ids=["a lock left out", "another amount of a lock", "a length", "an id", "the epoch"],
)
@pytest.mark.parametrize("name", ENDS)
def test_a_reopen_that_does_not_continue_the_line_is_named(
    name: str, change: Callable[[Reopen], Reopen]
) -> None:
    """Rule 6.8: well signed by both, and yet not what the chains of the epoch before come to."""
    book = books()[name]
    disk = book.disk()
    sign_anew(disk, change, "epoch = 2")
    found = check(book, disk).findings
    assert any("it does not continue the epoch before as it ended" in str(each) for each in found), found
    with pytest.raises(CannotRebuild):
        rebuilt(book, disk)


def more(locks: bytes) -> tuple[int, int, int]:
    ((side, seq, amount),) = LOCK_ROW.iter_unpack(locks)
    return side, seq, amount + 1


@pytest.mark.parametrize("which", ["mine = 1", "mine = 0", "1"])
@pytest.mark.parametrize("name", ENDS)
def test_without_its_reopens_nothing_is_rebuilt(name: str, which: str) -> None:
    """Rule 6.8: an epoch that one side has not signed has not begun; of one that neither did the line is the epoch before's."""
    book = books()[name]
    disk = book.disk()
    disk._raw.execute(f"DELETE FROM op WHERE {REOPENS} AND epoch = 1 AND {which}")
    found = check(book, disk).findings
    first = before_epoch(1) + 1
    assert any(each.table == "op" and each.row.startswith(f"{first} of ") for each in found), found
    with pytest.raises(CannotRebuild):
        rebuilt(book, disk)


@pytest.mark.parametrize("mine", [0, 1])
@pytest.mark.parametrize("name", ENDS)
def test_half_an_epoch_is_none(name: str, mine: int) -> None:
    """Rule 6.8: the newest REOPEN of one side is gone, and nothing follows it that would tell."""
    book = books()[name]
    disk = book.disk()
    disk._raw.execute(f"DELETE FROM op WHERE {REOPENS} AND epoch = 2 AND mine = {mine}")
    whose = "ours" if mine else "theirs"
    found = check(book, disk).findings
    assert any(each.row == f"{before_epoch(2) + 1} of {whose} on line 1" for each in found), found
    with pytest.raises(CannotRebuild):
        rebuilt(book, disk)
