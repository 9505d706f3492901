"""Sealed copies with neighbours, and a scheme built again from its sheet and one of them. Rule 6.7 (0), (b), (g)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from node.clock import LoopClock, SeededChance
from node.keyfiles import Keys, KeysUnusable, draw_keys
from node.keys_from_sheet import redraw_keys
from node.services import keeping
from node.services.acts import OPERATOR
from node.services.books import load
from node.services.copy_fetching import NothingKept, fetch_copy
from node.services.keeping import put_part, read_copies, read_parts
from node.services.kept_copy import CopyUnusable, build_again
from node.services.members import NewMember
from node.services.quotes import Offer
from node.services.settings import SchemeSettings
from node.services.settlement import Payment
from node.services.trades import NewTrade
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident, Town
from node.simulation.virtual_loop import EPOCH_MS
from node.store import InlineStore, SqliteDatabase
from protocol.limits import KEPT_COPIES_MAX
from protocol.line_ops import Limit
from protocol.names import Handle, SchemeId
from protocol.payment import PayerState
from protocol.quote import QuoteRequest
from protocol.units import HOUR
from tests.simulation import run_virtual

WIDE = Limit(owed_max=1000 * HOUR, pending_max=1000 * HOUR, open_max=100)


async def two_schemes(network: SimulatedNetwork, folder: Path) -> Town:
    town = Town(network, seed=0, folder=folder)
    for name in ("Oakvale", "Hilltop"):
        await town.add(SchemeSettings(name=name), keep_copies=True)
    await town.connect([("Oakvale", "Hilltop")], WIDE)
    return town


async def join(resident: Resident, name: str) -> int:
    """Return the account of a new member."""
    member = await resident.node.people.add(OPERATOR, NewMember(name=name, address="1 Mill Lane"), why="test")
    return member.account_no


async def trade(resident: Resident, payer: int, payee: int, amount: int, once: bytes) -> None:
    await resident.node.trades.record(
        NewTrade(
            payer_no=payer, payee_no=payee, amount=amount, text="bread", entered_by="Ana", proved_by="password",
            once=once, payer_name="Ana", payee_name="Ben",
        )
    )  # fmt: skip


async def pay(payer: Resident, account: int, payee: Resident, to: int, amount: int, once: bytes) -> Payment:
    handle = await payee.node.quotes.handle_of(payer.scheme, to)
    request = QuoteRequest(
        listing=None, payee_handle=handle, payer_handle=Handle(bytes(16)), payer_name="Ana", amount=amount,
        price_seen=None, text="jam",
    )  # fmt: skip
    offer = await payer.node.quotes.ask(payee.scheme, request)
    assert isinstance(offer, Offer), offer
    settlement = payer.node.settlement
    begun = await settlement.pay(offer, account_no=account, entered_by="Ana", once=once)
    return await settlement.wait(begun.no, 60)


async def balance(resident: Resident, account: int) -> int:
    return (await resident.node.store.read(load, account)).value.balance


def sheet_of(town: Town, name: str) -> bytes:
    """Return the recovery sheet that `Town.add` drew and nobody kept."""
    return draw_keys(SeededChance(f"{town.seed} keys of {name}"), EPOCH_MS).sheet


async def restored_from(town: Town, name: str, keeper: str, folder: Path) -> None:
    """Build a scheme again from nothing but its sheet and a keeper, as `interlets restore` does."""
    dead, chance = town[name], SeededChance("a new machine")
    log = await town[keeper].node.identity_log(dead.scheme)
    assert log is not None
    keys = redraw_keys(log, sheet_of(town, name), chance, EPOCH_MS).keys
    channel = await town.network.connect(name, keeper)
    clock = LoopClock(EPOCH_MS)
    generation, parts = await fetch_copy(
        channel, town[keeper].keys.keyring.identity, keys.keyring, clock, chance
    )
    disk = SqliteDatabase(folder / f"{name} again.db")
    InlineStore(disk).crash()  # makes the tables
    pepper = build_again(disk.path, parts, generation, keys.keyring.safe).pepper
    assert pepper == dead.keys.pepper
    town.replace(name, Keys(keyring=keys.keyring, pepper=pepper), disk)


def test_a_dead_disk_loses_at_most_a_minute_of_local_trades(tmp_path: Path):
    """Rule 6.7 (g): nothing left but the sheet and one neighbour. What went over lines is not lost at all (6.7 b)."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await two_schemes(network, tmp_path)
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        ana, ben = await join(oakvale, "Ana"), await join(oakvale, "Ben")
        karim = await join(hilltop, "Karim")
        await trade(oakvale, ana, ben, 10, b"1")
        await asyncio.sleep(60)
        assert oakvale.node.keepers.keeper == hilltop.scheme
        await trade(oakvale, ana, ben, 7, b"2")
        assert (await pay(oakvale, ana, hilltop, karim, 5, b"3")).state is PayerState.PAID
        await asyncio.sleep(60)
        await trade(oakvale, ana, ben, 100, b"lost")
        assert (await pay(oakvale, ana, hilltop, karim, 20, b"4")).state is PayerState.PAID
        await asyncio.sleep(2)
        await oakvale.crash()

        await restored_from(town, "Oakvale", "Hilltop", tmp_path)
        await town["Oakvale"].boot()
        oakvale = town["Oakvale"]
        await town.until(town.all_usable, 120, "lines")
        await town.until(town.at_rest, 120, "rest")
        assert (await balance(oakvale, ana), await balance(oakvale, ben)) == (-10 - 7 - 5 - 20, 17)
        assert await oakvale.owed() == await oakvale.booked() == -await hilltop.owed()
        assert await oakvale.imbalance() == {}
        assert (await pay(oakvale, ben, hilltop, karim, 1, b"5")).state is PayerState.PAID
        assert (await pay(hilltop, karim, oakvale, ana, 2, b"6")).state is PayerState.PAID
        await town.close()

    run_virtual(scenario, 0)


def test_a_copy_goes_on_with_another_neighbour_when_its_keeper_is_gone(tmp_path: Path):
    async def scenario(network: SimulatedNetwork) -> None:
        town = await two_schemes(network, tmp_path)
        await town.add(SchemeSettings(name="Riverside"))
        await town.connect([("Oakvale", "Riverside")], WIDE)
        oakvale = town["Oakvale"]
        await asyncio.sleep(60)
        first = oakvale.node.keepers.keeper
        assert first is not None
        await town[town.name_of(first)].crash()
        await asyncio.sleep(120)
        second = oakvale.node.keepers.keeper
        assert second not in (None, first)
        copies = await town[town.name_of(second)].node.store.read(read_copies, oakvale.scheme)
        assert [whole for _, _, whole in copies] == [True]
        await town.close()

    run_virtual(scenario, 0)


def test_whoever_asks_gets_their_own_copy_and_no_other(tmp_path: Path):
    """Rule 6.7 (g): a keeper gives a copy to whose it is, and it opens for nobody else."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await two_schemes(network, tmp_path)
        await asyncio.sleep(60)
        eve = draw_keys(SeededChance("Eve"), EPOCH_MS).keys.keyring
        channel = await town.network.connect("Eve", "Hilltop")
        with pytest.raises(NothingKept):
            await fetch_copy(
                channel, town["Hilltop"].keys.keyring.identity, eve, LoopClock(EPOCH_MS), SeededChance("Eve")
            )
        hilltop, oakvale = town["Hilltop"].node.store, town["Oakvale"].scheme
        ((generation, parts, _),) = await hilltop.read(read_copies, oakvale)
        held = await hilltop.read(read_parts, oakvale, generation, 0)
        assert len(held) == parts
        disk = SqliteDatabase(tmp_path / "eve.db")
        InlineStore(disk).crash()
        with pytest.raises(CopyUnusable):
            build_again(disk.path, held, generation, eve.safe)
        with pytest.raises(CopyUnusable):  # nor with a part left out
            build_again(disk.path, [held[0], *held[2:]], generation, town["Oakvale"].keys.keyring.safe)
        await town.close()

    run_virtual(scenario, 0)


def test_a_sheet_of_another_scheme_makes_no_keys():
    """Rule 2.2: only the key that was committed to can rotate."""
    ours, theirs = draw_keys(SeededChance("ours"), EPOCH_MS), draw_keys(SeededChance("theirs"), EPOCH_MS)
    with pytest.raises(KeysUnusable):
        redraw_keys(ours.keys.keyring.log, theirs.sheet, SeededChance("new"), EPOCH_MS)


def test_new_keys_end_the_old_ones_and_open_what_they_sealed():
    """Rules 2.2, 6.7 (0): the disk that died may be in somebody's hands."""
    old = draw_keys(SeededChance("old"), EPOCH_MS)
    new = redraw_keys(old.keys.keyring.log, old.sheet, SeededChance("new"), EPOCH_MS)
    for purpose, (seq, _) in old.keys.keyring.signing.items():
        assert new.keys.keyring.identity.key_for(purpose, seq) is None
    for purpose, (seq, key) in new.keys.keyring.signing.items():
        assert new.keys.keyring.identity.key_for(purpose, seq) == key.public
    assert new.sheet != old.sheet
    assert new.keys.keyring.safe.open(b"memo", old.keys.keyring.safe.seal(b"memo", b"hold 7")) == b"hold 7"
    again = redraw_keys(new.keys.keyring.log, new.sheet, SeededChance("newer"), EPOCH_MS)
    assert again.keys.keyring.scheme == old.keys.keyring.scheme


async def test_a_keeper_takes_parts_in_order_and_a_bounded_number_of_copies(tmp_path: Path):
    """Rule 6.7 (g): a neighbour cannot fill the disk, and an unfinished copy never pushes out a whole one."""
    store = InlineStore(SqliteDatabase(tmp_path / "keeper.db"))
    ana, ben = SchemeId(b"a" * 32), SchemeId(b"b" * 32)
    assert not await store.write(put_part, ana, 1, 1, True, b"x")
    for generation in range(1, KEPT_COPIES_MAX + 3):
        assert await store.write(put_part, ana, generation, 0, False, b"x")
        assert not await store.write(put_part, ana, generation, 0, True, b"x")
        assert await store.write(put_part, ana, generation, 1, True, b"y")
        assert await store.write(put_part, ana, generation, 2, False, b"z")
    assert await store.write(put_part, ana, 100, 0, False, b"unfinished")
    copies = await store.read(read_copies, ana)
    assert [whole for _, _, whole in copies] == [True] * KEPT_COPIES_MAX + [False]
    assert await store.read(read_parts, ana, KEPT_COPIES_MAX + 2, 1) == (b"y", b"z")
    assert await store.read(read_copies, ben) == []
    store.crash()


async def test_there_is_an_end_to_what_is_kept_for_one_neighbour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(keeping, "KEPT_BYTES_MAX", 10)
    store = InlineStore(SqliteDatabase(tmp_path / "keeper.db"))
    ana = SchemeId(b"a" * 32)
    assert await store.write(put_part, ana, 1, 0, True, b"x" * 4)
    assert await store.write(put_part, ana, 2, 0, True, b"x" * 4)
    assert await store.write(put_part, ana, 3, 0, False, b"x" * 4)  # the oldest makes room
    assert [generation for generation, _, _ in await store.read(read_copies, ana)] == [2, 3]
    assert not await store.write(put_part, ana, 3, 1, True, b"x" * 4)  # the newest whole one does not
    store.crash()


def test_after_an_erasure_a_keeper_is_left_with_no_copy_from_before(tmp_path: Path):
    """Rule 6.7 (g): whole copies are begun anew, as many as a keeper holds; each pushes out an older one."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await two_schemes(network, tmp_path)
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await asyncio.sleep(120)

        async def generations() -> list[int]:
            copies = await hilltop.node.store.read(read_copies, oakvale.scheme)
            return [generation for generation, _, whole in copies if whole]

        before = await generations()
        assert before
        began = oakvale.node.clock.now_ms()
        oakvale.node.keepers.renew()
        await asyncio.sleep(600)

        after = await generations()
        assert len(after) == KEPT_COPIES_MAX
        assert min(after) >= began
        await asyncio.sleep(120)
        assert await generations() == after, "and then it is enough"

    run_virtual(scenario)
