"""Negative controls of rule 6.7: each guard of a restored node taken away, and the run fails with the invariant's name.

Source: docs/protocol.md 6.7, 11.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import update

from crypto.canonical import Value
from node.federation.handshake import Handshaker
from node.federation.links import Links
from node.federation.session import Session
from node.services import connector_desk, line_desk
from node.services.line_desk import LineDesk
from node.services.line_rows import Line
from node.services.quotes import Offer, QuoteService
from node.simulation.network import SimulatedNetwork
from node.store import Tx
from node.store.schema import lines as schema
from protocol.frame import FrameType
from protocol.line_ops import SyncAnswer
from protocol.names import LineId, SchemeId
from protocol.payment import forward_verdict
from protocol.session import Party
from tests.invariants import Violated, check_connector, check_locked_once, check_no_forks
from tests.simulation import run_virtual
from tests.small_town import SettlingNode, SmallTown

NAMES = ["Oakvale", "Hilltop", "Riverside", "Mill"]
RING = [("Oakvale", "Hilltop"), ("Hilltop", "Riverside"), ("Riverside", "Mill"), ("Mill", "Oakvale")]
Run = Callable[[SmallTown], Awaitable[None]]
Patch = Callable[[pytest.MonkeyPatch], None]


def run_in_ring(run: Run) -> None:
    async def begin(network: SimulatedNetwork) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        town = SmallTown(network, NAMES, RING)
        await town.open()
        town.route("Oakvale", "Hilltop", "Riverside")
        await town["Oakvale"].open_member("Ana")
        await town["Riverside"].open_member("Karim")
        await run(town)
        await town.settle(120)
        await town.stop()

    run_virtual(begin, 0)


def must_fail(run: Run, patch: Patch, name: str) -> None:
    """Run without the patch (green) and with it: then the invariant `name` must be violated."""
    run_in_ring(run)
    with pytest.MonkeyPatch.context() as patches:
        patch(patches)
        with pytest.raises(Violated, match=f"^{re.escape(name)}\\b"):
            run_in_ring(run)


async def no_more_than(town: SmallTown, seconds: float) -> None:
    """Wait for lines that may never become usable."""
    for _ in range(int(seconds)):
        if await town.all_usable():
            return
        await asyncio.sleep(1)


async def restored_payer_trades_on(town: SmallTown) -> None:
    oakvale = town["Oakvale"]
    backup = oakvale.snapshot()
    await oakvale.buy("Ana", "Riverside", "Karim", 5, "jam")
    await oakvale.restore(backup)
    await no_more_than(town, 60)
    if await town.all_usable():
        await oakvale.buy("Ana", "Riverside", "Karim", 7, "eggs", wait_s=5)
    check_no_forks(await town.snapshots())


def test_returned_ops_must_be_imported():
    """Rule 6.7 (b)."""

    def ignore(patches: pytest.MonkeyPatch) -> None:
        patches.setattr(LineDesk, "take_back", lambda _desk, _line, _op: False)

    must_fail(restored_payer_trades_on, ignore, "I2")


def test_nothing_is_written_before_the_peer_has_answered_this_boot():
    """Rule 6.7 (a), (c): with a line that counts as usable whatever came back, the chain forks."""

    def trust(patches: pytest.MonkeyPatch) -> None:
        patches.setattr(Line, "usable", property(lambda line: line.status == "open"))
        patches.setattr(LineDesk, "take_back", lambda _desk, _line, _op: False)

    must_fail(restored_payer_trades_on, trust, "I15")


async def member_presses_again(town: SmallTown) -> None:
    """The payer is restored to before its LOCK; its neighbour is away, and there is another way round."""
    oakvale = town["Oakvale"]
    offer = await oakvale.ask("Riverside", "Karim", 5, "jam")
    assert isinstance(offer, Offer)
    backup = oakvale.snapshot()
    town.network.cut("Hilltop", "Riverside")
    await oakvale.settlement.pay(offer, account_no=oakvale.members["Ana"], entered_by="Ana", once=b"1")
    await asyncio.sleep(1)
    town.network.cut("Oakvale", "Hilltop")
    town.network.cut("Riverside", "Mill")
    await oakvale.restore(backup)
    await asyncio.sleep(10)
    kept = oakvale.quotes.offer(offer.id)
    if kept is not None:
        other_way = replace(kept, route=tuple(town[name].scheme for name in ("Oakvale", "Mill", "Riverside")))
        await oakvale.settlement.pay(
            other_way, account_no=oakvale.members["Ana"], entered_by="Ana", once=b"1"
        )
    await asyncio.sleep(1)
    check_locked_once(await town.snapshots())
    for one, other in RING:
        town.network.mend(one, other)
    await town.until_async(town.all_usable, 300)


def test_a_boot_voids_the_quotes_that_were_asked_for():
    """Rule 6.7 (h): I may have locked one of them, and forgotten it."""

    def keep(patches: pytest.MonkeyPatch) -> None:
        kept: dict[bytes, OrderedDict[bytes, Offer]] = {}
        made = QuoteService.__init__

        def remember(service: QuoteService, **parts: object) -> None:
            made(service, **parts)  # type: ignore[arg-type]  # whatever it is made of
            scheme = service._keyring.scheme  # type: ignore[attr-defined]
            service._offers = kept.setdefault(scheme, service._offers)  # type: ignore[misc, assignment, arg-type]

        patches.setattr(QuoteService, "__init__", remember)
        patches.setattr(QuoteService, "use", lambda _service, _quote_id: None)

    must_fail(member_presses_again, keep, "I6")


async def connector_comes_back_old(town: SmallTown) -> None:
    """Restored to before it passed a lock on, while the payee cannot reach it."""
    hilltop = town["Hilltop"]
    backup = hilltop.snapshot()
    await town["Oakvale"].begin("Ana", "Riverside", "Karim", 5)
    await town.until_async(lambda: passed_on(town), every=0.002)
    town.network.cut("Hilltop", "Riverside")
    await hilltop.restore(backup)
    await asyncio.sleep(60)
    town.network.mend("Hilltop", "Riverside")
    await asyncio.sleep(60)
    for snapshot in await town.snapshots():
        check_connector(snapshot)


async def passed_on(town: SmallTown) -> bool:
    return any(line.state.peer_length > 2 for line in await town["Riverside"].line_states())


def test_what_may_have_been_passed_on_is_not_released_early():
    """Rule 6.7 (d)."""

    def treat_as_new(patches: pytest.MonkeyPatch) -> None:
        def verdict(lock, onward, *, now_ms, old):  # type: ignore[no-untyped-def]
            return forward_verdict(lock, replace(onward, compared=True), now_ms=now_ms, old=False)

        patches.setattr(connector_desk, "forward_verdict", verdict)

    must_fail(connector_comes_back_old, treat_as_new, "I5")


async def connector_restarts_beside_an_old_peer(town: SmallTown) -> None:
    """A lock waits at a restored connector, for it may have gone on; then its author is restored, and the connector restarts.

    The author answers that boot before it has its lock back: with less than the connector's copy of its chain.
    """
    oakvale, hilltop = town["Oakvale"], town["Hilltop"]
    before = {node: node.snapshot() for node in (oakvale, hilltop)}
    await oakvale.begin("Ana", "Riverside", "Karim", 5)
    await town.until_async(lambda: passed_on(town), every=0.002)
    town.network.cut("Hilltop", "Riverside")
    await hilltop.restore(before[hilltop])
    await town.until_async(lambda: hears(hilltop, oakvale))
    await asyncio.sleep(20)
    await hilltop.crash()
    await oakvale.restore(before[oakvale])
    await hilltop.boot()
    through = hilltop.links.offer

    def full(peer: SchemeId, kind: FrameType, payload: Value) -> bool:
        """The queue has no room for ops: what is returned comes with the next SYNC."""
        return kind is not FrameType.OPS and through(peer, kind, payload)

    hilltop.links.offer = full  # type: ignore[method-assign, assignment]  # a fault
    await town.until_async(lambda: hears(hilltop, oakvale))
    hilltop.links.offer = through  # type: ignore[method-assign]
    await asyncio.sleep(60)
    town.network.mend("Hilltop", "Riverside")
    await asyncio.sleep(60)
    for snapshot in await town.snapshots():
        check_connector(snapshot)


async def hears(node: SettlingNode, other: SettlingNode) -> bool:
    return any(line.usable for line in await node.line_states() if line.peer == other.scheme)


def test_what_was_held_at_the_boot_is_old_whatever_its_author_remembers():
    """Rule 6.7 (d): old is what my own copy had at the boot, too, not only what the answer names.

    A next line that is known and not compared yet holds everything back; so this is tried without that.
    """

    def by_the_answer_alone(patches: pytest.MonkeyPatch) -> None:
        boot = update(schema.line).values(synced=False, announced=0, returned=0, horizon=0)
        patches.setattr(line_desk, "_BOOT", boot)
        let_new_ones_not_wait(patches)

    must_fail(connector_restarts_beside_an_old_peer, by_the_answer_alone, "I5")


async def author_hides_its_lock_until_that_is_answered(town: SmallTown) -> None:
    """A connector is put back to before a lock that it passed on; the author names a chain without it, then shows it as new."""
    hilltop, oakvale = town["Hilltop"], town["Oakvale"]
    before = hilltop.snapshot()
    (shown,) = [line.state for line in await oakvale.line_states() if line.peer == hilltop.scheme]
    await oakvale.begin("Ana", "Riverside", "Karim", 5)
    await town.until_async(lambda: passed_on(town), every=0.002)
    town.network.cut("Hilltop", "Riverside")
    await hilltop.restore(before)
    take_answer = hilltop.lines.units.take_answer

    def understated(tx: Tx, line_id: LineId, answer: SyncAnswer, wire: bytes = b"") -> bool:
        if answer.author == oakvale.scheme:
            answer = replace(answer, own_length=shown.own_length, own_id=shown.own_id)
        return take_answer(tx, line_id, answer, wire)

    hilltop.lines.units.take_answer = understated  # type: ignore[method-assign]  # the lie
    await town.until_async(lambda: hears(hilltop, oakvale))
    await asyncio.sleep(20)
    town.network.mend("Hilltop", "Riverside")
    await asyncio.sleep(60)
    for snapshot in await town.snapshots():
        check_connector(snapshot)


def let_new_ones_not_wait(patches: pytest.MonkeyPatch) -> None:
    """Refuse what looks new while the next line is not usable, compared or not."""

    def verdict(lock, onward, *, now_ms, old):  # type: ignore[no-untyped-def]
        return forward_verdict(lock, replace(onward, compared=True), now_ms=now_ms, old=old)

    patches.setattr(connector_desk, "forward_verdict", verdict)


def test_what_looks_new_waits_until_the_next_line_was_compared():
    """Rule 6.7 (d). Found by the simulator, at seeds 52282 and 62238."""
    must_fail(author_hides_its_lock_until_that_is_answered, let_new_ones_not_wait, "I5")


async def connector_comes_back_after_many_sessions(town: SmallTown) -> None:
    """Restored to before it passed a lock on, and before its neighbours saw it come and go many times."""
    hilltop = town["Hilltop"]
    backup = hilltop.snapshot()
    for _ in range(40):
        town.network.reset("Oakvale", "Hilltop")
        town.network.reset("Hilltop", "Riverside")
        await asyncio.sleep(2)
    await town.until_async(town.all_usable, 300)
    await town["Oakvale"].begin("Ana", "Riverside", "Karim", 5)
    await town.until_async(lambda: passed_on(town), every=0.002)
    await hilltop.restore(backup)


def count_sessions_in_the_database(patches: pytest.MonkeyPatch) -> None:
    """The session with the higher number is the newer one. Numbers are kept, and so an old backup has old ones."""
    last: dict[SchemeId, int] = {}
    in_backup: dict[bytes, int] = {}
    highest: dict[tuple[SchemeId, SchemeId], int] = {}
    party, enter, snapshot, restore = (
        Handshaker._party, Links._enter, SettlingNode.snapshot, SettlingNode.restore
    )  # fmt: skip

    def numbered(handshaker: Handshaker) -> Party:
        own = handshaker._credentials.scheme
        last[own] = last.get(own, 0) + 1
        return replace(party(handshaker), session_no=last[own])

    def enter_by_number(links: Links, session: Session) -> None:
        number, ends = session.terms.peer_session_no, (links._own, session.peer)
        if number > highest.get(ends, 0):
            highest[ends] = number
            enter(links, session)
        else:
            links._sessions.setdefault(session.peer, []).insert(0, session)
            session.demote()

    def back_up(node: SettlingNode) -> bytes:
        taken = snapshot(node)
        in_backup[taken] = last.get(node.scheme, 0)
        return taken

    async def put_back(node: SettlingNode, old: bytes, after_s: float = 1.0) -> None:
        last[node.scheme] = in_backup[old]
        await restore(node, old, after_s)

    patches.setattr(Handshaker, "_party", numbered)
    patches.setattr(Links, "_enter", enter_by_number)
    patches.setattr(SettlingNode, "snapshot", back_up)
    patches.setattr(SettlingNode, "restore", put_back)


def test_which_session_is_newer_is_not_said_by_a_number():
    """Rule 6.7 (e): whoever was restored counts from before, and would not be heard: its neighbours wait without end."""
    must_fail(connector_comes_back_after_many_sessions, count_sessions_in_the_database, "I8")


def test_what_asking_did_not_bring_is_not_asked_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 6.5. A node that could not take back what its peer acknowledges asked, was answered, and asked again at once."""

    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(network, NAMES, RING)
        await town.open()
        town.route("Oakvale", "Hilltop", "Riverside")
        await town["Oakvale"].open_member("Ana")
        await town["Riverside"].open_member("Karim")
        backup = town["Oakvale"].snapshot()
        await town["Oakvale"].buy("Ana", "Riverside", "Karim", 5)
        await town["Oakvale"].restore(backup)
        before = network.traffic("Oakvale", "Hilltop").messages
        await asyncio.sleep(120)
        assert network.traffic("Oakvale", "Hilltop").messages - before < 200
        await town.stop()

    monkeypatch.setattr(LineDesk, "take_back", lambda _desk, _line, _op: False)
    run_virtual(begin, 0)
