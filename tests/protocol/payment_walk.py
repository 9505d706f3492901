"""Every state a payment over two connectors can reach on real lines, whoever lies. The model; tests are in `test_payment_walk.py`.

Payer, two connectors, payee, and three lines. What honest nodes do is `protocol/line.py` and the tables and verdicts of
`protocol/payment.py`; ops are signed and folded for real. Clocks: whatever is decided may be decided in time or too
late, at any moment. Network: an op arrives at any moment or never, in the order of its chain, which is all that a
reader takes (6.5). Crashes: an honest node starts again at any moment between two transactions, each once at most; then its
lines are unusable until a SYNC answers, ends are decided and not yet written, and locks are *old* or not (6.7).

A liar is silent or late; forks; breaks the fold; locks over the limit, for another amount, twice; ends a lock twice, or
too early for its own ack; claims with a forged receipt or with a true one as soon as there is one; stops its line; answers
SYNC with whatever length makes a line usable at once, or with one that never does; as the payee it signs at any moment.
Whoever holds the receipt shows it to anybody.

What was collapsed, and why nothing is lost by it:

1. *A liar has no state.* What it sends is made where it arrives. Writing an op changes nothing for anybody else before the op
   arrives, so the writing commutes with every move between the two.
2. *Runs of honest neighbours are walked one by one.* Honest nodes with a liar between them share nothing but whether the
   receipt exists, which only becomes true. A move on one side of the liar neither enables nor disables one on the other,
   save through that bit; and where the payee is not in the run somebody may sign at any moment. So each run, walked alone, reaches
   every state it has in any town with any set of liars around it, and all that is asked below is asked of one node or of
   a stretch of honest neighbours. Fifteen sets of liars are ten runs.
3. *Ids are forgotten* at ends whose peer lies: `walk_ends.py`.
4. *The payer does not start again.* Before its LOCK that voids the quote (6.7 h), which is not paying; after it the payer only
   listens. Of being told *late* it keeps nothing that is looked at here.
5. *A SYNC answer of an honest peer* is one move, with the least length it can name: the longer ones make the line usable later,
   when this one has as well.

Source: docs/protocol.md 0.1, 0.4, 6.5–6.7, 7.2–7.4, 11 (I2–I6, I17).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from crypto.signing import Signed
from protocol.line_ops import Claim, Lock, Op, Release
from protocol.payment import (
    CONNECTOR,
    PAYEE,
    PAYER,
    ConnectorEvent,
    ConnectorState,
    Effect,
    Onward,
    PayeeEvent,
    PayeeState,
    PayerEvent,
    PayerState,
    Promise,
    connector_step,
    forward_verdict,
    onward_lock,
    payee_step,
    payee_verdict,
    payer_step,
)
from tests.builders import NOW, RIVERSIDE
from tests.protocol.walk_ends import (
    ACCEPTANCE,
    LAST_LINE,
    LIMIT,
    NODES,
    PAYEE_AT,
    PAYER_AT,
    QUOTE,
    RECEIPT,
    End,
    Ends,
    steps,
    the_lock,
)

NOT_YET, CLAIMED, RELEASED = 0, 1, 2
UP, DOWN, LOSS = (
    1,
    2,
    4,
)  # postings: `line:up` and `line:down` against `transit`, and what the chest bears of it
CLOCKS: Final = (NOW, QUOTE.body.valid_until)  # in time, and too late
POSTED: Final = {Effect.POST_UP: UP, Effect.POST_DOWN: DOWN, Effect.REST_TO_CHEST: LOSS}
DECIDING: Final = {ConnectorEvent.FORWARD, ConnectorEvent.REFUSE, ConnectorEvent.HOLD_BACK}
Move = tuple[bool, str, "Town"]  # must it come about in the end, what is it, the town after it


class Forward(NamedTuple):
    """A connector's record of one incoming lock."""

    seq: int
    state: ConnectorState = ConnectorState.NEW
    out: int = 0  # seq of the lock onward
    decided: int = NOT_YET  # an end that is not written yet (0.4)
    down: int = NOT_YET  # how the lock onward ended, as the op said that arrived
    posted: int = 0


class Town(NamedTuple):
    """Everything durable of the honest nodes, and whether the receipt exists."""

    ends: tuple[
        End | None, ...
    ]  # of line 0, 1, 2: its debtor's and its beneficiary's; None: a liar's, or not in the run
    forwards: tuple[tuple[Forward, ...], ...] = ((), ())  # of both connectors
    payer: PayerState = PayerState.NEW
    debited: int = 0
    proof: bytes = b""
    payee: tuple[tuple[int, PayeeState], ...] = ()  # by seq of the incoming lock
    credited: int = 0
    signed: bool = False
    booted: frozenset[int] = frozenset()

    def end(self, line: int, side: int) -> End | None:
        return self.ends[2 * line + side]

    def put(self, line: int, side: int, end: End) -> Town:
        return self._replace(ends=swap(self.ends, 2 * line + side, end))


def swap(values: tuple[Any, ...], at: int, value: Any) -> tuple[Any, ...]:
    return (*values[:at], value, *values[at + 1 :])


@dataclass
class Walk:
    """The moves of a run of honest nodes, from the first to the last, between liars."""

    first: int
    last: int
    locks: int = 2  # the most a liar tries on a line
    boots: int = 1  # of all nodes together, each once at most
    ends: Ends = field(default_factory=Ends)

    def honest(self, at: int) -> bool:
        return self.first <= at <= self.last

    def start(self) -> Town:
        ends: list[End | None] = []
        for line in range(LAST_LINE + 1):
            lie = [not self.honest(line), not self.honest(line + 1)]
            ends += self.ends.opened(line, debtor_lies=lie[0], beneficiary_lies=lie[1])
        return Town(tuple(ends))

    # --- moves ----------------------------------------------------------------------------------------------------

    def moves(self, town: Town) -> Iterator[Move]:
        yield from self.payer_moves(town)
        if not self.honest(PAYEE_AT) and not town.signed:
            yield False, "somebody signs the receipt", town._replace(signed=True)
        for at, end in enumerate(town.ends):
            if end is not None and not end.stopped:
                yield from self.arrivals(town, *divmod(at, 2), end)
                if not end.synced:
                    yield from self.syncs(town, *divmod(at, 2), end)
        for node in (1, 2):
            for n, forward in enumerate(town.forwards[node - 1]):
                yield from self.connector_moves(town, node, n, forward)
        for n, (_seq, state) in enumerate(town.payee):
            if PAYEE[state].keys() & {PayeeEvent.GOOD, PayeeEvent.REFUSE}:
                yield from self.paid(town, n)
        for node in range(max(self.first, 1), self.last + 1):
            if len(town.booted) < self.boots and node not in town.booted:
                yield False, f"{NODES[node].name} starts again", self.boot(town, node)

    def payer_moves(self, town: Town) -> Iterator[Move]:
        end = town.end(0, 0)
        if end is None:
            return
        row = PAYER[town.payer]
        if PayerEvent.CONFIRMED in row and end.room >= the_lock(0).amount:
            after = town._replace(payer=row[PayerEvent.CONFIRMED][0])
            yield False, "the payer locks", after.put(0, 0, self.ends.write(end, the_lock(0)))
        if PayerEvent.RECEIPT in row and town.signed and not town.proof:
            yield False, "the payer is shown the receipt", self.payer_does(town, PayerEvent.RECEIPT, RECEIPT)
        if PayerEvent.ORGANISERS in row:
            yield False, "organisers free the member", self.payer_does(town, PayerEvent.ORGANISERS)

    def payer_does(self, town: Town, event: PayerEvent, receipt: bytes = b"") -> Town:
        state, effects = payer_step(town.payer, event)
        return town._replace(
            payer=state,
            debited=town.debited + (Effect.POST_HOLD in effects),
            proof=receipt if Effect.STORE_RECEIPT in effects else town.proof,
        )

    def arrivals(self, town: Town, line: int, side: int, end: End) -> Iterator[Move]:
        """Whatever may arrive at this end next."""
        peer = town.end(line, 1 - side)
        if peer is not None:
            at = end.state.peer_length
            if at < len(peer.own):
                yield from self.arrives(town, line, side, end, peer.own[at], fair=True)
        else:
            for op in self.ends.lies(end, receipt=town.signed, locks=self.locks):
                yield from self.arrives(town, line, side, end, op, fair=False)

    def arrives(
        self, town: Town, line: int, side: int, end: End, op: Signed[Op], *, fair: bool
    ) -> Iterator[Move]:
        """One transaction: the op is stored, and all it causes is done (0.4)."""
        after, step = self.ends.take(end, op), op.body.step
        what = f"{type(step).__name__} on line {line} reaches {NODES[line + side].name}"
        town = town.put(line, side, after)
        if after.stopped:
            yield fair, f"{what}, who stops the line", town
        elif isinstance(step, Lock):
            node = line + 1
            if node == PAYEE_AT:
                held = town._replace(payee=(*town.payee, (op.body.seq, PayeeState.NEW)))
                decided = self.paid(held, len(held.payee) - 1)
            else:
                held = self.put_forward(town, node, len(town.forwards[node - 1]), Forward(op.body.seq))
                decided = self.decide(held, node, len(town.forwards[node - 1]))
            if after.usable:
                yield from ((fair, f"{what}: {does}", then) for _, does, then in decided)
            else:
                yield fair, f"{what}, and waits", held
        elif isinstance(step, (Claim, Release)):
            yield fair, what, self.own_lock_ended(town, line, step)
        else:
            yield fair, what, town

    def own_lock_ended(self, town: Town, line: int, step: Claim | Release) -> Town:
        claimed = isinstance(step, Claim)
        receipt = step.receipt if isinstance(step, Claim) else b""
        if line == PAYER_AT:
            return self.payer_does(town, PayerEvent.CLAIMED if claimed else PayerEvent.RELEASED, receipt)
        (n,) = (n for n, each in enumerate(town.forwards[line - 1]) if each.out == step.lock)
        forward = town.forwards[line - 1][n]._replace(down=CLAIMED if claimed else RELEASED)
        town = self.put_forward(town, line, n, forward)
        event = ConnectorEvent.DOWN_CLAIMED if claimed else ConnectorEvent.DOWN_RELEASED
        return self.connector_does(town, line, n, event, receipt)

    def put_forward(self, town: Town, node: int, n: int, forward: Forward) -> Town:
        mine = town.forwards[node - 1]
        mine = (*mine, forward) if n == len(mine) else swap(mine, n, forward)
        return town._replace(forwards=swap(town.forwards, node - 1, mine))

    def connector_moves(self, town: Town, node: int, n: int, forward: Forward) -> Iterator[Move]:
        up = town.end(node - 1, 1)
        assert up is not None
        row = CONNECTOR[forward.state]
        if row.keys() & DECIDING and up.usable and up.is_open(forward.seq):
            yield from self.decide(town, node, n)
        if town.signed and ConnectorEvent.RECEIPT in row and forward.state is not ConnectorState.CLAIMED:
            what = f"{NODES[node].name} is shown the receipt"
            yield False, what, self.connector_does(town, node, n, ConnectorEvent.RECEIPT, RECEIPT)

    def decide(self, town: Town, node: int, n: int) -> Iterator[Move]:
        """All that the verdict on an incoming lock may be now, by any clock; what the table does not allow is left out."""
        up, onward, forward = town.end(node - 1, 1), town.end(node, 0), town.forwards[node - 1][n]
        assert up is not None
        assert onward is not None
        compared = onward.synced or onward.stopped
        here = Onward(exists=True, usable=onward.usable, compared=compared, room=onward.room)
        events = {
            forward_verdict(up.lock_at(forward.seq), here, now_ms=now, old=old)[0]
            for now in CLOCKS
            for old in ((False, True) if node in town.booted else (False,))
        }
        # Something is decided at once; but a lock may wait for a line that stays unusable.
        fair = onward.usable or forward.state is ConnectorState.NEW
        for event in sorted(events & CONNECTOR[forward.state].keys(), key=lambda each: each.name):
            yield fair, f"{NODES[node].name} decides {event.name}", self.connector_does(town, node, n, event)

    def connector_does(
        self, town: Town, node: int, n: int, event: ConnectorEvent, receipt: bytes = b""
    ) -> Town:
        """One transaction of a connector."""
        forward = town.forwards[node - 1][n]
        state, effects = connector_step(forward.state, event)
        town = self.put_forward(town, node, n, forward._replace(state=state))
        for effect in effects:
            forward = town.forwards[node - 1][n]
            if effect is Effect.LOCK:
                up, onward = town.end(node - 1, 1), town.end(node, 0)
                assert up is not None
                assert onward is not None
                onward = self.ends.write(onward, onward_lock(up.lock_at(forward.seq), b""))
                town = self.put_forward(
                    town.put(node, 0, onward), node, n, forward._replace(out=len(onward.own))
                )
            elif effect in (Effect.CLAIM_UP, Effect.RELEASE_UP):
                decided = CLAIMED if effect is Effect.CLAIM_UP else RELEASED
                town = self.put_forward(town, node, n, forward._replace(decided=decided))
                town = self.written(town, node, n)
            elif effect in POSTED:
                town = self.put_forward(
                    town, node, n, forward._replace(posted=forward.posted | POSTED[effect])
                )
            else:
                assert effect is Effect.STORE_RECEIPT
        return town

    def written(self, town: Town, node: int, n: int) -> Town:
        """Write the end that was decided, if the line upstream may be written to."""
        up, forward = town.end(node - 1, 1), town.forwards[node - 1][n]
        assert up is not None
        if not up.usable:
            return town
        claims = forward.decided == CLAIMED
        step = (
            Claim(lock=forward.seq, receipt=RECEIPT, memo=b"")
            if claims
            else Release(lock=forward.seq, reason="gone")
        )
        town = town.put(node - 1, 1, self.ends.write(up, step))
        town = self.put_forward(town, node, n, forward._replace(decided=NOT_YET))
        return self.connector_does(town, node, n, ConnectorEvent.UP_CLAIM_AUTHORED) if claims else town

    def paid(self, town: Town, n: int) -> Iterator[Move]:
        """All that the payee may do with an incoming lock, where its line may be written to."""
        end = town.end(LAST_LINE, 1)
        assert end is not None
        if not end.usable:
            return
        seq, before = town.payee[n]
        promise = Promise(quote=QUOTE.body, paid=town.credited > 0, member_can_be_credited=True)
        lock = end.lock_at(seq)
        events = {
            payee_verdict(lock, promise, ACCEPTANCE.body, me=RIVERSIDE.id, now_ms=now)[0] for now in CLOCKS
        }
        for event in sorted(events & PAYEE[before].keys(), key=lambda each: each.name):
            state, effects = payee_step(before, event)
            claims = Effect.CLAIM_UP in effects
            step = Claim(lock=seq, receipt=RECEIPT, memo=b"") if claims else Release(lock=seq, reason="gone")
            after = town._replace(
                payee=swap(town.payee, n, (seq, state)),
                signed=town.signed or Effect.SIGN_RECEIPT in effects,
                credited=town.credited + (Effect.CREDIT_MEMBER in effects),
            )
            yield True, f"the payee decides {event.name}", after.put(LAST_LINE, 1, self.ends.write(end, step))

    def boot(self, town: Town, node: int) -> Town:
        town = town._replace(booted=town.booted | {node})
        for line, side in ((node - 1, 1), (node, 0)):
            end = town.end(line, side) if line <= LAST_LINE else None
            if end is not None and not end.stopped:
                town = town.put(line, side, self.ends.boots(end, town.end(line, 1 - side)))
        return town

    def syncs(self, town: Town, line: int, side: int, end: End) -> Iterator[Move]:
        """One transaction: the line is usable again, and what was decided for it is written (6.7 c)."""
        if end.state.peer_length < end.announced:
            return
        town, node = town.put(line, side, self.ends.answered(end)), line + side
        if side == 1 and node != PAYEE_AT:
            for n, forward in enumerate(town.forwards[node - 1]):
                if forward.decided:
                    town = self.written(town, node, n)
        yield not end.lied_to, f"SYNC on line {line} answers {NODES[node].name}", town

    # --- what must never be ---------------------------------------------------------------------------------------

    def unsafe(self, town: Town) -> str | None:
        """Return which invariant an honest node has lost."""
        for end in town.ends:
            if end is not None and (wrong := self.ends.wrong(end, _wrong_end)):
                return wrong
        for line in range(LAST_LINE + 1):
            a, b = town.end(line, 0), town.end(line, 1)
            if (
                a is not None
                and b is not None
                and _same_place(a, b)
                and a.state.mine.digest() != b.state.mine.digest()
            ):
                return f"I2 the ends of line {line} disagree"
        for node in (1, 2):
            for forward in town.forwards[node - 1]:
                if wrong := self._wrong_forward(town, node, forward):
                    return f"{wrong}, at {NODES[node].name}"
        payer, payee = town.end(0, 0), town.end(LAST_LINE, 1)
        if payer is not None:
            claims = sum(isinstance(step, Claim) for step in steps(payer.seen))
            if town.debited != claims or (town.debited and town.proof != RECEIPT):
                return "I6 the payer is debited without the receipt, or not as the line says"
        if payee is not None:
            claims = sum(isinstance(step, Claim) for step in steps(payee.own))
            if not town.signed == town.credited == claims:
                return "I6 receipt, credit and claim of an honest payee do not go together"
        return None

    def _wrong_forward(self, town: Town, node: int, forward: Forward) -> str | None:
        up = town.end(node - 1, 1)
        assert up is not None
        written = _how_ended(up, forward.seq)
        ended = forward.decided or written
        if forward.out and forward.down != RELEASED and ended == RELEASED:
            return "I5 released upstream, and may still have to pay"
        if forward.down == CLAIMED and ended != CLAIMED:
            return "I5 paid downstream, and does not claim upstream"
        if bool(forward.posted & UP) != (written == CLAIMED) or bool(forward.posted & DOWN) != (
            forward.down == CLAIMED
        ):
            return "the books differ from the lines"
        return None

    def unfinished(self, town: Town) -> str | None:
        """Return what must not be where nothing happens any more unless a liar, a member or the weather will. I17."""
        for node in range(max(self.first, 1), self.last + 1):
            up = town.end(node - 1, 1)
            assert up is not None
            for op in up.seen:
                if (
                    isinstance(op.body.step, Lock)
                    and up.is_open(op.body.seq)
                    and not self._waits(town, node, op.body.seq)
                ):
                    return f"I17 a lock is stuck at {NODES[node].name}"
        if (self.first, self.last) == (PAYER_AT, PAYEE_AT):
            if any(end.state.mine.locks() for end in town.ends if end is not None):
                return "I17 all are honest, and a lock is open"
            if any(each.posted not in (0, UP | DOWN) for mine in town.forwards for each in mine):
                return "transit is not empty"
            if town.debited != town.credited:
                return "I6 one side paid, and the other was not paid"
        return None

    def _waits(self, town: Town, node: int, seq: int) -> bool:
        """Whether an open incoming lock has somebody else to wait for, who is a liar or is looked at next."""
        up = town.end(node - 1, 1)
        assert up is not None
        if not up.usable:
            return up.lied_to  # it answers no SYNC, or broke a rule
        if node == PAYEE_AT:
            return False
        onward = town.end(node, 0)
        assert onward is not None
        (forward,) = (each for each in town.forwards[node - 1] if each.seq == seq)
        if forward.state is ConnectorState.WAIT:
            return onward.lied_to and not onward.usable
        return forward.state is ConnectorState.FORWARDED and onward.is_open(forward.out)


def _wrong_end(end: End) -> str | None:
    view = end.state.mine
    for side in (0, 1):
        allowed = LIMIT if (side == end.state.me) == end.debtor else 0
        if view.owed(side) + view.pending[side] > allowed:  # type: ignore[arg-type]  # a side is 0 or 1
            return f"I3 more is owed and locked on line {end.line} than was ever granted"
    ended = [
        step.lock
        for step in steps(end.own if not end.debtor else end.seen)
        if isinstance(step, (Claim, Release))
    ]
    if len(ended) != len(set(ended)):
        return f"I4 a lock on line {end.line} has two ends"
    return None


def _same_place(a: End, b: End) -> bool:
    return a.state.own_length == b.state.peer_length and a.state.peer_length == b.state.own_length


def _how_ended(end: End, seq: int) -> int:
    for step in steps(end.own):
        if isinstance(step, (Claim, Release)) and step.lock == seq:
            return CLAIMED if isinstance(step, Claim) else RELEASED
    return NOT_YET
