"""What must hold when a simulated town has come to rest. Source: docs/protocol.md 11.

Among honest schemes all of I1–I9, I12, I15 and I17. Where somebody lies, what hangs on the liar may stay open, and its
books are its own affair; everything else holds as ever.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from node.services.ledger_check import check_books
from node.services.line_rows import SUSPENDED
from protocol.ledger import LOCAL, AccountKind
from protocol.line_ops import Lock
from protocol.message import trusted_message
from protocol.payment import PayerState
from protocol.quote import Quote
from protocol.units import HOUR
from tests.invariants import (
    Copy,
    Snapshot,
    Violated,
    check_locked_once,
    check_no_forks,
    check_node,
    check_paid_once,
    check_rest,
    check_same_copies,
    check_wires,
    take_snapshot,
)

if TYPE_CHECKING:
    from protocol.names import SchemeId
    from tests.simulator.town import SimTown


# The whole book of every scheme is checked at the end of each so many towns: it verifies every signature anew.
BOOKS_EVERY = 10


async def check_whole_books(town: SimTown) -> None:
    """I19: nothing is found in an honest scheme's book, whatever it went through.

    Not looked at where a liar may keep from a restored scheme what it has decided on: the decision then waits for ever.
    """
    for node in town.honest:
        if node.was_restored and len(town.honest) < len(town.nodes):
            continue
        checked = await node.store.read(
            check_books, node.scheme, node.directory.state, safe=node.keyring.safe
        )
        if not checked.right:
            raise Violated(f"I19 the books of {node.name}: {checked.findings[0]}")


async def is_at_rest(town: SimTown) -> bool:
    """Tell whether nothing is under way any more between honest schemes: no op unacknowledged, no lock that can end."""
    honest = {node.scheme for node in town.honest}
    for node in town.honest:
        neighbours = {town[name].scheme for name in town.neighbours_of(node.name)} & honest
        if not neighbours <= set(node.links.live):
            return False
        for line in await node.line_states():
            if line.peer not in neighbours:
                continue
            if not line.usable or line.acknowledged < line.state.own_length:
                return False
            if len(honest) == len(town.nodes) and line.state.mine.locks():
                return False
    return True


async def judge(town: SimTown) -> list[Snapshot]:
    """Check everything. Raises Violated."""
    snapshots = [await node.store.read(take_snapshot, node.scheme) for node in town.honest]
    liars = {node.scheme for node in town.nodes.values() if node.liar is not None}
    for snapshot in snapshots:
        for copy in snapshot.copies:
            if copy.line.status == SUSPENDED and copy.line.peer not in liars:
                raise Violated(f"I2 {town.name_of(snapshot.scheme)} refused what an honest scheme wrote")
    if liars:
        for snapshot in snapshots:
            check_beside_liars(town, snapshot, liars)
        check_same_copies([_without(snapshot, liars) for snapshot in snapshots])
    else:
        for snapshot in snapshots:
            check_node(snapshot, was_restored=town[town.name_of(snapshot.scheme)].was_restored)
            check_rest(snapshot)
        check_no_forks(snapshots)
        check_locked_once(snapshots)
        check_same_copies(snapshots)
        check_paid_once(snapshots)
        check_conserved_by_trade(town, snapshots)
    if town.seed % BOOKS_EVERY == 0:
        await check_whole_books(town)
    known: set[bytes] = set()
    for node in town.honest:
        await node.store.read(check_wires, town.key_ever, known)
    return snapshots


def check_conserved_by_trade(town: SimTown, nodes: list[Snapshot]) -> None:
    """I9 where rates change: every scheme by itself comes out even, and each trade loses less than a minor unit at each end."""
    for node in nodes:
        name = town.name_of(node.scheme)
        # The chest stands in for whoever a restored database does not know (6.7 b).
        members = sum(
            h.value.balance
            for h, role in node.accounts
            if h.value.kind is not AccountKind.SYSTEM or (role == "chest" and h.value.unit == LOCAL)
        )
        exchange = sum(
            h.value.balance for h, role in node.accounts if role == "exchange" and h.value.unit == LOCAL
        )
        if members + exchange:
            raise Violated(f"I9 {members} at members of {name}, {exchange} in exchange")
        rates = town[name].rates
        for row in node.payments:
            amount, hours = row[7], row[8]
            assert isinstance(amount, int)
            assert isinstance(hours, int)
            if not any(0 <= amount * HOUR - hours * rate < HOUR for rate in rates):
                raise Violated(f"I9 {name} takes {amount} for {hours}, with an hour at {sorted(rates)}")
        for row in node.promises:
            quote = trusted_message(Quote, row[3]).body  # type: ignore[arg-type]  # a wire form
            if not any(0 <= quote.hours * rate - quote.amount * HOUR < rate for rate in rates):
                raise Violated(
                    f"I9 {name} asks {quote.hours} for {quote.amount}, with an hour at {sorted(rates)}"
                )
    hours = sum(h.value.balance for node in nodes for h, role in node.accounts if role == "line")
    if hours:
        raise Violated(f"I9 the lines of all schemes sum to {hours}")


def check_beside_liars(town: SimTown, node: Snapshot, liars: set[SchemeId]) -> None:
    """What holds for an honest scheme whatever others do."""
    check_node(node, was_restored=town[town.name_of(node.scheme)].was_restored, liars=frozenset(liars))
    for copy in node.copies:
        if copy.line.peer not in liars:
            _check_ended(town, node, copy, liars)
    owed = sorted(copy.line.state.owed for copy in node.copies if copy.line.state.owed)
    booked = sorted(h.value.balance for h, role in node.accounts if role == "line" and h.value.balance)
    if owed != booked and not node.decisions:
        raise Violated(f"I8 the lines of {town.name_of(node.scheme)} say {owed}, the books {booked}")
    held = Counter({h.no: h.value.held for h, _ in node.accounts if h.value.held})
    for row in node.payments:
        if row[2] == PayerState.LOCKED.value:
            held[row[5]] -= row[7]  # type: ignore[operator]  # account number and amount
    if any(held.values()):
        raise Violated(
            f"I8 {town.name_of(node.scheme)} holds other amounts than its open payments: {dict(held)}"
        )


def _check_ended(town: SimTown, node: Snapshot, copy: Copy, liars: set[SchemeId]) -> None:
    """I17: a lock whose way ahead is honest has ended."""
    for (side, seq), amount in copy.line.state.mine.locks().items():
        chain = copy.mine if side == copy.line.state.me else copy.theirs
        step = chain[seq - 1].step
        if isinstance(step, Lock) and not liars & set(step.route):
            names = [town.name_of(each) for each in step.route]
            raise Violated(
                f"I17 a lock of {amount} at {town.name_of(node.scheme)}, on to {names}, never ended"
            )


def _without(node: Snapshot, liars: set[SchemeId]) -> Snapshot:
    return replace(node, copies=tuple(copy for copy in node.copies if copy.line.peer not in liars))
