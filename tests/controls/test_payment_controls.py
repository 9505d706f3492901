"""Negative controls: shortcuts the rules forbid. The same runs pass without a shortcut and fail with it, by name.

A control patches the node, not the test. If one of these stops failing, the invariants have gone blind.
Source: docs/protocol.md 7.3, 11.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

import crypto.canonical as canonical
import crypto.signing as signing
from crypto.signing import Signed
from node.services import books as books_module
from node.services.books import Books, load
from node.services.line_desk import LineDesk
from node.services.line_rows import Line
from node.services.lines import LineService
from node.services.payment_desk import PaymentDesk
from node.services.quotes import Offer
from node.services.settlement import CannotPay, NoPayment, Settlement
from node.simulation.network import SimulatedNetwork
from node.store import Tx
from protocol import ledger
from protocol import line as rules
from protocol.frame import FrameType
from protocol.line_ops import Claim, Limit, Lock, Op
from protocol.message import sign_message
from protocol.quote import Acceptance
from protocol.units import HOUR
from tests.invariants import Violated, check_all_ended, check_nothing_left, check_wires
from tests.simulation import run_virtual
from tests.small_town import WIDE, SettlingNode, SmallTown, chain

NAMES = ["Oakvale", "Hilltop", "Riverside"]
Run = Callable[[SmallTown], Awaitable[None]]
Patch = Callable[[pytest.MonkeyPatch], None]
SEEDS = range(3)


def run_in_row(run: Run, seed: int, limit: Limit = WIDE) -> None:
    async def begin(network: SimulatedNetwork) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        town = SmallTown(network, NAMES, chain(*NAMES), seed=seed)
        await town.open(limit)
        town.route(*NAMES)
        await town["Oakvale"].open_member("Ana", credit_limit=100)
        await town["Riverside"].open_member("Karim")
        await run(town)
        await town.settle(120)
        await town.stop()

    run_virtual(begin, seed)


def must_fail(run: Run, patch: Patch, name: str, limit: Limit = WIDE) -> None:
    """Run every seed without the patch (green) and with it: then the invariant `name` must be violated."""
    for seed in SEEDS:
        run_in_row(run, seed, limit)
    for seed in SEEDS:
        with pytest.MonkeyPatch.context() as patches:
            patch(patches)
            with pytest.raises(Violated, match=f"^{re.escape(name)}\\b"):
                run_in_row(run, seed, limit)


async def buy_some(town: SmallTown, count: int = 3) -> None:
    for n in range(count):
        with suppress(CannotPay):
            await town["Oakvale"].buy("Ana", "Riverside", "Karim", 10, f"thing {n}")


# --- the claim upstream in a second transaction (7.5) -------------------------------------------------------------


def claim_upstream_later(patches: pytest.MonkeyPatch) -> None:
    """Store the CLAIM from downstream, and decide the CLAIM upstream in a unit of its own afterwards."""
    inside = PaymentDesk._own_lock_ended
    decide = LineDesk.decide
    postponed: list[tuple[int, int, bytes]] = []

    def decide_later(
        self: LineDesk, line: Line, seq: int, receipt: bytes | None, reason: str = "", **memory: Any
    ) -> bool:
        if receipt is None or not self.peer_lock(line, seq).route:
            return decide(self, line, seq, receipt, reason, **memory)
        postponed.append((line.no, seq, receipt))
        return False

    def ended(self: PaymentDesk, line: Line, seq: int, receipt: bytes | None, reason: str) -> None:
        before = len(postponed)
        inside(self, line, seq, receipt, reason)
        service = self.payer._on_ended.__self__.lines  # type: ignore[attr-defined]
        for each in postponed[before:]:
            self._lines.tx.on_commit(asyncio.get_running_loop().call_later, 0.005, second, service, *each)

    def second(service: LineService, line_no: int, seq: int, receipt: bytes) -> None:
        def unit(tx: Tx) -> None:
            lines, payments = service.desks(tx)
            up = lines.by_no(line_no)
            decide(lines, up, seq, receipt)
            payments.connector.post_up(up, lines.peer_lock(up, seq).amount)
            service.finish(tx, lines)

        service._spawn(service._store.write(unit), "second")

    patches.setattr(LineDesk, "decide", decide_later)
    patches.setattr(PaymentDesk, "_own_lock_ended", ended)


async def crash_after_the_claim(town: SmallTown) -> None:
    """Hilltop dies right after it stored Riverside's CLAIM."""
    hilltop = town["Hilltop"]
    claimed = asyncio.Event()
    state = {"claim": False}

    def on_unit(name: str, args: tuple[Any, ...], begins: bool) -> None:
        if name == "take_ops" and any(isinstance(op.body.step, Claim) for op in args[2]):
            state["claim"] = True

    def fault(what: str) -> None:
        if what == "COMMITTED" and state["claim"]:
            claimed.set()

    hilltop.on_unit, hilltop.fault = on_unit, fault
    begun = await town["Oakvale"].begin("Ana", "Riverside", "Karim", 10)
    await claimed.wait()
    hilltop.on_unit = hilltop.fault = None
    await hilltop.restart()
    await town.until_async(town.all_usable, 600)
    await town["Oakvale"].settlement.wait(begun.no, 300)


@pytest.mark.parametrize("name", ["I5", "I8", "I17"])
def test_a_claim_upstream_in_a_second_transaction_is_found(name: str) -> None:
    """Rule 7.5: a crash in between loses it. I5 at once; at rest something is left in transit (I8), a payment has no end (I17)."""

    async def run(town: SmallTown) -> None:
        await crash_after_the_claim(town)
        if name != "I5":
            await only(town, name)

    must_fail(run, claim_upstream_later, name)


async def only(town: SmallTown, name: str) -> None:
    """Check one invariant at rest, before the others could be named."""
    for snapshot in await town.snapshots():
        (check_nothing_left if name == "I8" else check_all_ended)(snapshot)


# --- RELEASE upstream on a timer (7.3) ------------------------------------------------------------------------------


def release_on_a_timer(patches: pytest.MonkeyPatch) -> None:
    """Five seconds after forwarding, give up and release upstream."""
    decide_lock = PaymentDesk.decide_lock

    def decide_with_timer(
        self: PaymentDesk, line: Line, seq: int, lock: Lock, acceptance: Signed[Acceptance] | None
    ) -> None:
        decide_lock(self, line, seq, lock, acceptance)
        service = self.payer._on_ended.__self__.lines  # type: ignore[attr-defined]
        if lock.route:
            self._lines.tx.on_commit(lambda: service._spawn(give_up(service, line.no, seq), "timer"))

    async def give_up(service: LineService, line_no: int, seq: int) -> None:
        def unit(tx: Tx) -> None:
            lines, _ = service.desks(tx)
            up = lines.by_no(line_no)
            if seq in up.open_locks_of_peer():
                lines.decide(up, seq, None, "too-late")
                service.finish(tx, lines)

        await asyncio.sleep(5)
        await service._store.write(unit)

    patches.setattr(PaymentDesk, "decide_lock", decide_with_timer)


async def slow_downstream(town: SmallTown) -> None:
    begun = await town["Oakvale"].begin("Ana", "Riverside", "Karim", 10)
    await asyncio.sleep(0.03)
    town.network.cut("Hilltop", "Riverside")
    await asyncio.sleep(20)
    town.network.mend("Hilltop", "Riverside")
    await town["Oakvale"].settlement.wait(begun.no, 300)
    await asyncio.sleep(60)


def test_a_release_upstream_on_a_timer_is_found() -> None:
    """I5, rule 7.3, the forbidden move: the CLAIM from downstream finds nobody left to pay it."""
    must_fail(slow_downstream, release_on_a_timer, "I5")


# --- a door that accepts other spellings (1.2) ------------------------------------------------------------------------


def accept_any_spelling(patches: pytest.MonkeyPatch) -> None:
    """Read without writing again."""
    patches.setattr(signing, "check_shortest", lambda value, data, *, bytes_max: None)


def respelled(wire: bytes) -> bytes:
    """Return a wire form with its key number in one byte more than it needs."""
    body, key_seq, signature = signing.split(wire)
    assert key_seq < 128
    head = wire[: 1 + len(canonical.encode(body, bytes_max=20_000))]
    return head + b"\xcc" + bytes([key_seq]) + canonical.encode(signature)


async def offer_respelled_op(town: SmallTown) -> None:
    """Oakvale sends its next op in another spelling; whoever stores it has stored what is not canonical."""
    await buy_some(town, 1)
    await town.settle()
    op = next_op(town["Oakvale"], await line_to(town, "Oakvale", "Hilltop"), WIDE)
    hand_over(town, "Oakvale", "Hilltop", op.body.line, respelled(op.wire))
    await asyncio.sleep(5)
    await check_stored_wires(town["Hilltop"])


async def line_to(town: SmallTown, name: str, peer: str) -> Line:
    return next(line for line in await town[name].line_states() if line.peer == town[peer].scheme)


def next_op(author: SettlingNode, line: Line, step: Any) -> Signed[Op]:
    """Return a valid next op that its author does not store: only for what must never be accepted."""
    body, _ = rules.author(line.state, step, author.clock.now_ms())
    return author.keyring.sign("line", body)


def hand_over(town: SmallTown, sender: str, receiver: str, line_id: bytes, wire: bytes) -> None:
    town[sender].links.offer(town[receiver].scheme, FrameType.OPS, (line_id, (wire,)))


async def check_stored_wires(node: SettlingNode) -> None:
    """I11 and I12 of what a node stored: canonical, and signed by the line key of its author."""
    await node.store.read(check_wires, node.town.phonebook.key_for)


def test_a_spelling_that_is_not_canonical_is_found() -> None:
    """I11: accepted ⇒ canonical."""
    must_fail(offer_respelled_op, accept_any_spelling, "I11")


# --- a door that does not look at signatures (1.3) ----------------------------------------------------------------------


def skip_the_signature(patches: pytest.MonkeyPatch) -> None:
    """Take ops as they come."""
    from node.services import lines as lines_module
    from protocol.message import open_message, trusted_message

    def open_unchecked(kind: Any, wire: bytes, key_for: Any) -> Any:
        return trusted_message(kind, wire) if kind is Op else open_message(kind, wire, key_for)

    patches.setattr(lines_module, "open_message", open_unchecked)


async def offer_forged_op(town: SmallTown) -> None:
    """Somebody without Oakvale's line key says that Oakvale lets Hilltop owe more."""
    await buy_some(town, 1)
    await town.settle()
    body, _ = rules.author((await line_to(town, "Oakvale", "Hilltop")).state, WIDE, 0)
    key_seq, _ = town["Oakvale"].keyring.signing["line"]
    forged = sign_message(body, town["Riverside"].keyring.signing["line"][1], key_seq)
    hand_over(town, "Oakvale", "Hilltop", body.line, forged.wire)
    await asyncio.sleep(5)
    await check_stored_wires(town["Hilltop"])


def test_a_door_without_its_signature_check_is_found() -> None:
    """I12: no signature verifies under another key, tag or destination."""
    must_fail(offer_forged_op, skip_the_signature, "I12")


# --- a posting that does not sum to zero (3.2) -----------------------------------------------------------------------------


def post_one_unit_more(patches: pytest.MonkeyPatch) -> None:
    """Credit the payee one minor unit too much, and let no check see it."""
    legs = Books._legs
    patches.setattr(ledger.Posting, "__post_init__", lambda self: None)
    patches.setattr(books_module.Posted, "__post_init__", lambda self: None)

    def more(self: Books, *args: Any) -> Any:
        nos, made, *rest = legs(self, *args)
        if len(made) == 4 and made[-1].amount > 0:
            made = (*made[:-1], replace(made[-1], amount=made[-1].amount + 1))
        return (nos, made, *rest)

    patches.setattr(Books, "_legs", more)


def test_a_posting_that_does_not_sum_to_zero_is_found() -> None:
    """I1: every posting and the whole ledger sum to zero per unit."""
    must_fail(buy_some, post_one_unit_more, "I1")


# --- limits looked at outside the transaction (3.4, 6.4) -------------------------------------------------------------------


def check_the_member_before(patches: pytest.MonkeyPatch) -> None:
    """Look at what the member may spend first, and set it aside in another transaction without looking again."""
    pay = Settlement.pay

    async def pay_after_looking(self: Settlement, offer: Offer, **kwargs: Any) -> Any:
        account = (await self._store.read(load, kwargs["account_no"])).value
        if account.spendable < offer.amount:
            raise CannotPay(NoPayment.TOO_LITTLE)
        return await pay(self, offer, **kwargs)

    def hold_blindly(account: Any, amount: int, **_: Any) -> Any:
        return replace(account, held=account.held + amount)

    patches.setattr(Settlement, "pay", pay_after_looking)
    patches.setattr(ledger, "hold", hold_blindly)


def check_the_line_before(patches: pytest.MonkeyPatch) -> None:
    """Look at the room of the line first, and write the LOCK in another transaction without looking again."""
    pay, check = Settlement.pay, rules.check

    async def pay_after_looking(self: Settlement, offer: Offer, **kwargs: Any) -> Any:
        def room(tx: Tx) -> int:
            lines, _ = self._lines.desks(tx)
            line = lines.by_peer(offer.route[1])
            return 0 if line is None else line.room()

        if await self._store.read(room) < offer.quote.body.hours:
            raise CannotPay(NoPayment.NO_WAY)
        return await pay(self, offer, **kwargs)

    def check_but_locks(view: Any, author: Any, op: Op, lock_of: Any) -> None:
        if not isinstance(op.step, Lock):
            check(view, author, op, lock_of)

    patches.setattr(Settlement, "pay", pay_after_looking)
    patches.setattr(LineDesk, "room", lambda self, line, mode="normal": 10**9)
    patches.setattr(rules, "check", check_but_locks)


async def two_at_once(town: SmallTown, *buyers: str) -> None:
    """Two purchases of one moment, of which the limits allow one; at another moment each would do."""
    oakvale = town["Oakvale"]
    await oakvale.open_member("Eva", credit_limit=100)
    offers = [await oakvale.ask("Riverside", "Karim", 60, f"thing {n}") for n in range(2)]

    async def one(buyer: str, offer: Any) -> None:
        assert isinstance(offer, Offer)
        with suppress(CannotPay):
            await oakvale.settlement.pay(
                offer, account_no=oakvale.members[buyer], entered_by=buyer, once=offer.id
            )

    await asyncio.gather(*(one(buyer, offer) for buyer, offer in zip(buyers, offers, strict=True)))
    await town.check_always()
    await town.settle()
    assert min([await oakvale.balance(name) for name in ("Ana", "Eva")]) == -60, "one of the two went through"


def test_a_members_limit_looked_at_outside_the_transaction_is_found() -> None:
    """Rule 3.4: two concurrent purchases would overspend."""

    async def run(town: SmallTown) -> None:
        await two_at_once(town, "Ana", "Ana")

    must_fail(run, check_the_member_before, "3.4")


def test_a_lines_limit_looked_at_outside_the_transaction_is_found() -> None:
    """I3: two concurrent purchases would bring debt and locks beyond the LIMIT."""
    tight = Limit(owed_max=HOUR + 10, pending_max=2 * HOUR, open_max=10)

    async def run(town: SmallTown) -> None:
        await two_at_once(town, "Ana", "Eva")

    must_fail(run, check_the_line_before, "I3", tight)
