"""Lines of which both sides lost ops go on in a new epoch: offered, answered, booked, and learned by old copies.

Source: docs/protocol.md 6.8; what a REOPEN must name is in tests/protocol/test_reopening.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from crypto.canonical import Value
from crypto.signing import Signed
from node.federation.links import Links
from node.federation.session import Session
from node.services.accounts import all_accounts
from node.services.line_frames import sync_answer
from node.services.line_rows import CLOSED, FROZEN, OPEN, STOPPED, Line, find_line, read_ops_after
from node.services.reopen_desk import ReopenDesk, newest_offer, offer_fits
from node.simulation.network import SimulatedNetwork
from node.store import ReadTx, Tx
from protocol import reopening as rules
from protocol.entry import Words
from protocol.errors import InvalidOp
from protocol.frame import Frame, FrameType
from protocol.line import LineState, author
from protocol.line_ops import Claim, Limit, Lock, Op, SyncAsk, before_epoch
from protocol.line_view import LOW, other
from protocol.message import trusted_message
from protocol.names import SchemeId
from protocol.quote import make_receipt
from tests.invariants import Snapshot, check_node, check_rest, check_same_copies, take_snapshot
from tests.simulation import run_virtual
from tests.small_town import WIDE, SettlingNode, SmallTown

ROW = ("Oakvale", "Hilltop", "Riverside")
BY_HAND = Words(text="agreed", done_by="test", on_behalf_of=None, proved_by="system")


def in_town(scenario: Callable[[SmallTown], Awaitable[None]], names: tuple[str, ...] = ROW) -> None:
    """Run a scenario in a row of schemes with open lines, Ana at the first and Karim at the last."""

    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(network, names, list(pairwise(names)))
        await town.open()
        await town[names[0]].open_member("Ana")
        await town[names[-1]].open_member("Karim")
        town.route(*names)
        await scenario(town)
        await town.stop()

    run_virtual(begin)


async def line_between(node: SettlingNode, other: SettlingNode) -> Line:
    return next(line for line in await node.line_states() if line.peer == other.scheme)


async def ends(town: SmallTown, one: str, other: str) -> tuple[SettlingNode, SettlingNode]:
    """Return the two ends of a line, the one that offers first."""
    line = await line_between(town[one], town[other])
    return (town[one], town[other]) if line.state.me == LOW else (town[other], town[one])


async def offer(low: SettlingNode, high: SettlingNode, owed_by_low: int) -> None:
    """The organisers of the lower side say how the line goes on, and the other side hears of it."""

    def unit(tx: Tx) -> None:
        lines, payments = low.lines.desks(tx)
        line = lines.by_peer(high.scheme)
        assert line is not None
        ReopenDesk(tx, lines, payments, low.keyring).offer(line, owed_by_low)
        low.lines.finish(tx, lines)

    await low.store.write(unit)
    low.lines.bring_together(high.scheme)


async def answer(high: SettlingNode, low: SettlingNode, owed_by_low: int) -> bool:
    """The organisers of the other side say yes, and the lower side hears of it."""

    def unit(tx: Tx) -> bool:
        lines, payments = high.lines.desks(tx)
        line = lines.by_peer(low.scheme)
        assert line is not None
        done = ReopenDesk(tx, lines, payments, high.keyring).answer(line, -owed_by_low, BY_HAND)
        high.lines.finish(tx, lines)
        return done

    done = await high.store.write(unit)
    high.lines.bring_together(low.scheme)
    return done


async def offered_at(node: SettlingNode, other: SettlingNode) -> Signed[Op] | None:
    line = await line_between(node, other)
    return await node.store.read(newest_offer, line)


async def fits_at(node: SettlingNode, other: SettlingNode) -> bool:
    found = await offered_at(node, other)
    return found is not None and offer_fits(await line_between(node, other), found)


async def in_epoch(town: SmallTown, epoch: int, *names: str) -> bool:
    """Whether both ends of a line are in that epoch, and may write on it."""
    one, other = names
    lines = [await line_between(town[one], town[other]), await line_between(town[other], town[one])]
    return all(line.state.epoch == epoch and line.usable for line in lines)


async def go_on(town: SmallTown, one: str, other: str, owed_by_low: int, epoch: int = 1) -> None:
    low, high = await ends(town, one, other)
    await offer(low, high, owed_by_low)
    await town.until_async(lambda: fits_at(high, low), 60)
    assert await answer(high, low, owed_by_low)
    await town.until_async(lambda: in_epoch(town, epoch, one, other), 90)


async def books_of(node: SettlingNode, role: str) -> int:
    return sum(
        held.value.balance
        for held, each in await node.store.read(all_accounts)
        if each == role and held.value.unit == "hours"
    )


async def look(town: SmallTown) -> list[Snapshot]:
    """Every invariant that can hold where members' effects were lost: I1–I5, I8, I17, and the lines of all sum to zero."""
    nodes = [await node.store.read(take_snapshot, node.scheme) for node in town.nodes.values()]
    for node in nodes:
        check_node(node, was_restored=True)
        check_rest(node)
    check_same_copies(nodes)
    assert sum([await books_of(node, "line") for node in town.nodes.values()]) == 0
    return nodes


async def both_lost(town: SmallTown, one: str, other: str, paying: Callable[[], Awaitable[object]]) -> None:
    """Two neighbours go back to before `paying` at the same time; whoever notices, freezes."""
    backups = {name: town[name].snapshot() for name in (one, other)}
    await paying()
    for name, backup in backups.items():
        await town[name].crash()
        town[name].disk.restore(backup)
    for name in backups:
        await town[name].boot()
    # Where a third scheme had passed something on, the line is frozen in the moment in which it could be used.
    await town.until_async(lambda: usable_or_frozen(town), 120)
    for node in town.nodes.values():
        await node.store.write(node.lines.units.stop_where_both_lost)


async def usable_or_frozen(town: SmallTown) -> bool:
    """Whether every line was compared since the boots."""
    lines = [line for node in town.nodes.values() for line in await node.line_states()]
    return all(line.usable or line.status == FROZEN for line in lines)


@pytest.mark.parametrize("pair", [("Oakvale", "Hilltop"), ("Hilltop", "Riverside")])
@pytest.mark.parametrize(
    "as_it_was", [True, False], ids=["what was owed is owed again", "what was owed is let go"]
)
def test_a_line_that_both_lost_goes_on_when_people_agree(pair: tuple[str, str], as_it_was: bool):
    """Rule 6.8, I1, I8: whatever balance they agree on, books and lines fit again, and trade goes on."""

    async def scenario(town: SmallTown) -> None:
        hilltop = town["Hilltop"]
        await both_lost(town, *pair, lambda: town["Oakvale"].buy("Ana", "Riverside", "Karim", 5))
        other = town[next(name for name in pair if name != "Hilltop")]
        frozen = await line_between(hilltop, other)
        assert frozen.status == FROZEN
        assert [what for what, *_ in hilltop.quarantined] == []
        low, _high = await ends(town, *pair)
        debtor = town[pair[0]]
        hours = 5 * 60_000 if as_it_was else 0
        await go_on(town, *pair, hours if low is debtor else -hours)
        assert (await line_between(debtor, town[pair[1]])).state.owed == hours
        for name in pair:
            line = await line_between(town[name], town[pair[1 - pair.index(name)]])
            assert line.status == STOPPED
        await look(town)
        assert await hilltop.store.write(hilltop.lines.units.stop_where_both_lost) == []
        # The chests stand in: of the one that passed it on only where its neighbour let the debt go.
        assert await books_of(hilltop, "transit") == 0
        assert bool(await books_of(hilltop, "chest")) is not as_it_was
        await trade_again(town, *pair)
        await town["Oakvale"].buy("Ana", "Riverside", "Karim", 7)
        await town.until_async(town.at_rest, 60)
        await look(town)

    in_town(scenario)


async def trade_again(town: SmallTown, *pair: str) -> None:
    """Give limits anew, as organisers do on the page of a line that is stopped."""

    def unit(tx: Tx, node: SettlingNode, peer: SettlingNode) -> None:
        lines, _ = node.lines.desks(tx)
        line = lines.by_peer(peer.scheme)
        assert line is not None
        line.status = OPEN
        lines.author(line, WIDE)
        node.lines.finish(tx, lines)

    for one, two in (pair, pair[::-1]):
        await town[one].store.write(unit, town[one], town[two])
    await asyncio.sleep(2)


def test_locks_that_are_open_go_on_and_end_in_the_new_epoch():
    """Rule 6.8: a payment under way survives, by its old number."""

    async def scenario(town: SmallTown) -> None:
        payment = await begin_and_cut(town)
        await go_on(town, "Oakvale", "Hilltop", 0)
        line = await line_between(town["Oakvale"], town["Hilltop"])
        assert len(line.state.mine.locks()) == 1
        assert all(seq < before_epoch(1) for _, seq in line.state.mine.locks())
        town.network.mend("Hilltop", "Riverside")
        ended = await town["Oakvale"].settlement.wait(payment, 900)
        assert ended.state.value in ("paid", "failed")
        await town.until_async(town.at_rest, 900)
        await look(town)

    in_town(scenario)


async def begin_and_cut(town: SmallTown) -> int:
    """Ana pays; the lock has reached Hilltop and hangs there."""
    hilltop = town["Hilltop"]

    def stop_there(name: str, _args: tuple[object, ...], begins: bool) -> None:
        if name == "take_ops" and begins:
            town.network.cut("Hilltop", "Riverside")

    hilltop.on_unit = stop_there
    payment = await town["Oakvale"].begin("Ana", "Riverside", "Karim", 5)
    await asyncio.sleep(3)
    hilltop.on_unit = None
    assert (await line_between(town["Oakvale"], hilltop)).state.mine.locks()
    return payment.no


def keep_back(node: SettlingNode, known: LineState) -> Callable[[], None]:
    """Let a node tell of no more ops than its peer knows, and send none; return what ends this."""
    lines, sending = node.lines, node.lines._sending
    told, offered = lines._say_where_we_are, sending._offer

    async def no_more(session: Session, frame: Frame, ask: SyncAsk) -> None:
        line = await node.store.read(find_line, ask.line, node.scheme)
        assert line is not None
        answer = sync_answer(ask, node.scheme, line.state)
        answer = replace(answer, own_length=known.peer_length, own_id=known.peer_id)
        await session.answer(frame, node.keyring.sign("line", answer).wire)

    def again() -> None:
        lines._say_where_we_are, sending._offer = told, offered  # type: ignore[method-assign]

    lines._say_where_we_are, sending._offer = no_more, lambda *_: True  # type: ignore[method-assign]
    return again


def test_a_lock_that_a_neighbour_hid_for_a_time_is_still_the_one_that_was_passed_on():
    """Rule 6.8, I5: who was put back keeps its claim on it. Found by the simulator, at seed 60223."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        backup = hilltop.snapshot()

        def upstream_is_cut(name: str, _args: tuple[object, ...], begins: bool) -> None:
            if name == "take_ops" and begins:
                town.network.cut("Oakvale", "Hilltop")

        hilltop.on_unit = upstream_is_cut
        payment = await oakvale.begin("Ana", "Riverside", "Karim", 5)
        await asyncio.sleep(3)
        hilltop.on_unit = None
        await hilltop.restore(backup)
        show = keep_back(oakvale, (await line_between(hilltop, oakvale)).state)
        await asyncio.sleep(3)
        assert await books_of(hilltop, "transit") == -5 * 60_000  # Riverside told what Hilltop had forgotten
        town.network.mend("Oakvale", "Hilltop")
        await town.until_async(lambda: is_frozen(hilltop, oakvale), 60)
        assert (await hilltop.store.read(take_snapshot, hilltop.scheme)).decisions == {}

        show()
        oakvale.lines.bring_together(hilltop.scheme)
        await asyncio.sleep(5)
        (lock,) = (await line_between(hilltop, oakvale)).state.mine.locks()
        snapshot = await hilltop.store.read(take_snapshot, hilltop.scheme)
        assert [seq for _, seq in snapshot.decisions] == [lock[1]]
        check_node(snapshot, was_restored=True)

        await go_on(town, "Oakvale", "Hilltop", 0)
        ended = await oakvale.settlement.wait(payment.no, 900)
        assert ended.state.value == "paid"
        await town.until_async(town.at_rest, 900)
        await look(town)
        assert await books_of(hilltop, "chest") == await books_of(hilltop, "transit") == 0

    in_town(scenario)


async def is_frozen(node: SettlingNode, peer: SettlingNode) -> bool:
    return (await line_between(node, peer)).status == FROZEN


def test_an_old_copy_learns_that_the_line_went_on():
    """Rules 6.7, 6.8: it gets what it lacks of the old chains, both REOPENs, and books as it did before."""

    async def scenario(town: SmallTown) -> None:
        low, high = await ends(town, "Oakvale", "Riverside")
        backups = {node: node.snapshot() for node in (low, high)}
        await town["Oakvale"].buy("Ana", "Riverside", "Karim", 5)
        await town.until_async(town.at_rest, 60)
        await go_on(town, "Oakvale", "Riverside", 9 * 60_000)
        await trade_again(town, "Oakvale", "Riverside")
        await town["Oakvale"].buy("Ana", "Riverside", "Karim", 3)
        await town.until_async(town.at_rest, 60)
        before = await look(town)
        for node in (low, high):
            await node.restore(backups[node])
            await town.until_async(lambda: in_epoch(town, 1, "Oakvale", "Riverside"), 120)
            await town.until_async(town.at_rest, 60)
            after = await look(town)
            for one, two in zip(before, after, strict=True):
                balances = [
                    sorted((h.value.account_id, h.value.balance) for h, _ in each.accounts)
                    for each in (one, two)
                ]
                assert balances[0] == balances[1]

    in_town(scenario, ("Oakvale", "Riverside"))


def test_what_an_old_copy_hears_first_of_the_new_epoch_counts_once_it_has_begun():
    """Rules 6.7 b, 6.8, I5: a lock of the new epoch was passed on and claimed, which is told before the line goes on here."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        backup = hilltop.snapshot()
        await go_on(town, "Oakvale", "Hilltop", 0)
        await trade_again(town, "Oakvale", "Hilltop")

        def upstream_is_cut(name: str, _args: tuple[object, ...], begins: bool) -> None:
            if name == "take_ops" and begins:
                town.network.cut("Oakvale", "Hilltop")

        hilltop.on_unit = upstream_is_cut
        payment = await oakvale.begin("Ana", "Riverside", "Karim", 5)
        await asyncio.sleep(3)
        hilltop.on_unit = None
        await hilltop.restore(backup)
        await asyncio.sleep(3)
        told = await hilltop.store.read(take_snapshot, hilltop.scheme)
        assert [seq > before_epoch(1) for _, seq in told.decisions] == [True]
        assert (await line_between(hilltop, oakvale)).state.epoch == 0

        town.network.mend("Oakvale", "Hilltop")
        await town.until_async(lambda: in_epoch(town, 1, "Oakvale", "Hilltop"), 120)
        ended = await oakvale.settlement.wait(payment.no, 900)
        assert ended.state.value == "paid"
        await town.until_async(town.at_rest, 900)
        await look(town)
        assert await books_of(hilltop, "chest") == await books_of(hilltop, "transit") == 0
        assert (await line_between(hilltop, oakvale)).status == OPEN

    in_town(scenario)


def test_an_offer_that_got_lost_is_sent_again_and_a_restored_side_gets_its_own_back():
    """Rule 6.8: lost, doubled or forgotten, it is the same offer."""

    async def scenario(town: SmallTown) -> None:
        low, high = await ends(town, "Oakvale", "Riverside")
        backup = low.snapshot()
        town.network.cut("Oakvale", "Riverside")
        await offer(low, high, 7)
        assert await offered_at(high, low) is None
        town.network.mend("Oakvale", "Riverside")
        await town.until_async(lambda: fits_at(high, low), 120)
        mine = await offered_at(low, high)
        await low.restore(backup)
        await town.until_async(lambda: fits_at(low, high), 120)
        again = await offered_at(low, high)
        assert mine is not None
        assert again is not None
        assert again.id == mine.id
        assert await answer(high, low, 7)
        await town.until_async(lambda: in_epoch(town, 1, "Oakvale", "Riverside"), 90)
        await look(town)

    in_town(scenario, ("Oakvale", "Riverside"))


async def are_in_touch(one: SettlingNode, other: SettlingNode) -> bool:
    return other.scheme in one.links.live


def test_nobody_is_heard_before_it_knows_its_own_offer(monkeypatch: pytest.MonkeyPatch):
    """Rule 6.8: a restored side that could offer anew before would offer twice under one epoch, and be convicted of it."""

    async def scenario(town: SmallTown) -> None:
        low, high = await ends(town, "Oakvale", "Riverside")
        backup = low.snapshot()
        await offer(low, high, 7)
        await town.until_async(lambda: fits_at(high, low), 60)
        through = Links.offer

        def full(links: Links, peer: SchemeId, kind: FrameType, payload: Value) -> bool:
            """The queue of the session is full for whatever is no answer."""
            return not (links is high.links and kind is FrameType.OPS) and through(links, peer, kind, payload)

        with monkeypatch.context() as patches:
            patches.setattr(Links, "offer", full)
            await low.restore(backup)
            await town.until_async(lambda: are_in_touch(low, high), 120)
            await asyncio.sleep(60)
            assert not (await line_between(low, high)).complete
            assert await offered_at(low, high) is None
        await town.until_async(lambda: fits_at(low, high), 120)

    in_town(scenario, ("Oakvale", "Riverside"))


def test_the_answer_must_be_what_is_offered_and_only_the_other_side_gives_it():
    """Rule 6.8: equal content or nothing; and until then the line is frozen on both sides."""

    async def scenario(town: SmallTown) -> None:
        low, high = await ends(town, "Oakvale", "Riverside")
        assert not await answer(high, low, 7)  # nobody offered anything
        with pytest.raises(InvalidOp):
            await offer(high, low, 7)
        await offer(low, high, 7)
        await town.until_async(lambda: fits_at(high, low), 60)
        assert not await answer(high, low, 8)
        assert not await answer(low, high, 7)
        for node, peer in ((low, high), (high, low)):
            line = await line_between(node, peer)
            assert (line.status, line.state.epoch) == (FROZEN, 0)
        await offer(low, high, 8)  # people think again: the newer offer counts
        await town.until_async(lambda: has_offer(high, low, 2), 60)
        assert await answer(high, low, 8)
        await town.until_async(lambda: in_epoch(town, 2, "Oakvale", "Riverside"), 90)
        await look(town)

    in_town(scenario, ("Oakvale", "Riverside"))


async def has_offer(node: SettlingNode, other: SettlingNode, epoch: int) -> bool:
    found = await offered_at(node, other)
    return found is not None and found.body.epoch == epoch


def test_an_offer_is_stale_once_ops_came_after_it():
    """Rule 6.8: what is signed names the chains that both hold."""

    async def scenario(town: SmallTown) -> None:
        low, high = await ends(town, "Oakvale", "Riverside")
        town.network.cut("Oakvale", "Riverside")
        await high.lines.set_limit(low.scheme, Limit(owed_max=7, pending_max=7, open_max=7), None)
        await offer(low, high, 7)
        town.network.mend("Oakvale", "Riverside")
        await town.until_async(lambda: has_offer(high, low, 1), 120)
        await asyncio.sleep(20)
        assert not await fits_at(high, low)
        with pytest.raises(InvalidOp):
            await answer(high, low, 7)
        await go_on(town, "Oakvale", "Riverside", 7, epoch=2)
        await look(town)

    in_town(scenario, ("Oakvale", "Riverside"))


def test_a_line_that_ended_with_a_debt_goes_on_with_it():
    """Rule 6.6, 6.8."""

    async def scenario(town: SmallTown) -> None:
        await town["Oakvale"].buy("Ana", "Riverside", "Karim", 5)
        await town.until_async(town.at_rest, 60)
        await close(town["Oakvale"], town["Riverside"])
        await town.until_async(lambda: is_status(town, "Oakvale", "Riverside", CLOSED), 60)
        low, _ = await ends(town, "Oakvale", "Riverside")
        owed = 5 * 60_000 * (1 if low is town["Oakvale"] else -1)
        await go_on(town, "Oakvale", "Riverside", owed)
        assert await books_of(town["Oakvale"], "chest") == 0
        await trade_again(town, "Oakvale", "Riverside")
        await town["Oakvale"].buy("Ana", "Riverside", "Karim", 3)
        await town.until_async(town.at_rest, 60)
        assert (await line_between(town["Oakvale"], town["Riverside"])).state.owed == 8 * 60_000
        await look(town)

    in_town(scenario, ("Oakvale", "Riverside"))


async def close(node: SettlingNode, peer: SettlingNode) -> None:
    def unit(tx: Tx) -> None:
        lines, _ = node.lines.desks(tx)
        line = lines.by_peer(peer.scheme)
        assert line is not None
        line.status = "closing"
        lines.touch(line)
        node.lines.finish(tx, lines)

    await node.store.write(unit)


async def is_status(town: SmallTown, one: str, other: str, status: str) -> bool:
    lines = [await line_between(town[one], town[other]), await line_between(town[other], town[one])]
    return all(line.status == status for line in lines)


def test_a_receipt_in_an_op_of_the_old_epoch_is_learned_and_the_op_is_not():
    """Rules 6.8, 7.2: the op counts for nothing; what it proves does."""

    async def scenario(town: SmallTown) -> None:
        hilltop, riverside = town["Hilltop"], town["Riverside"]
        payment = await begin_and_cut(town)
        line = await line_between(hilltop, riverside)
        ((_, seq),) = line.state.mine.locks()
        lock = (await hilltop.store.read(own_op, line, seq)).body.step
        assert isinstance(lock, Lock)
        # Riverside has claimed, and both forgot it; then they went on, and then the frame comes after all.
        receipt = make_receipt(lock.quote_id, riverside.keyring.signing["receipt"][1])
        late = replace(
            author(flipped(line.state), WIDE, 0)[0], step=Claim(lock=seq, receipt=receipt, memo=b"")
        )
        wrong = replace(late, step=Claim(lock=seq, receipt=bytes(64), memo=b""))
        begun = begin_by_hand(line.state, hilltop, riverside)
        await hilltop.store.write(hilltop.lines.units.take_ops, line.state.line, riverside.scheme, begun)
        for each, left in ((wrong, 0), (late, 5 * 60_000)):
            ops = [riverside.keyring.sign("line", each)]
            await hilltop.store.write(hilltop.lines.units.take_ops, line.state.line, riverside.scheme, ops)
            assert await books_of(hilltop, "transit") == left
        after = await line_between(hilltop, riverside)
        assert (after.state.epoch, len(after.state.mine.locks())) == (1, 1)
        ended = await town["Oakvale"].settlement.wait(payment, 60)
        assert ended.state.value == "paid"

    in_town(scenario)


def own_op(tx: ReadTx, line: Line, seq: int) -> Signed[Op]:
    ((_, wire),) = read_ops_after(tx, line, seq - 1, 1)
    return trusted_message(Op, wire)


def flipped(state: LineState) -> LineState:
    """The line as the other end has it, where both hold the same."""
    return state._replace(
        me=other(state.me), own_length=state.peer_length, own_id=state.peer_id, peer_length=state.own_length,
        peer_id=state.own_id, peer_ack=state.peer_length, theirs=state.mine,
    )  # fmt: skip


def begin_by_hand(state: LineState, node: SettlingNode, peer: SettlingNode) -> list[Signed[Op]]:
    """Return the two REOPENs that both ends would sign."""
    mine, theirs = (state, node), (flipped(state), peer)
    low, high = (mine, theirs) if state.me == LOW else (theirs, mine)
    offered = low[1].keyring.sign("line", rules.offer(low[0], 1, 0, 0))
    answered, _ = rules.answer(high[0], offered, 0)
    return [offered, high[1].keyring.sign("line", answered)]
