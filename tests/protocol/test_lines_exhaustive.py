"""Two payments at once through one connector, on the real `line.py`: every order in which ops can be written and arrive.

Payers P and Q, connector A, payee Y; the LIMIT on the line to Y has room for one lock. Every op is written by
`line.author` and taken by `line.accept`; a liar at Y also writes ends that are not valid. One payment over two connectors,
with every set of liars, is in `test_payment_walk.py`. Source: docs/protocol.md 6.3, 7.2, 11 (I2–I5, I17).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import pytest

from crypto.digest import sha256
from crypto.keys import SigningKey
from crypto.signing import Signed
from protocol import line as rules
from protocol import line_view
from protocol.errors import InvalidOp
from protocol.line import LineState
from protocol.line_ops import Claim, Limit, Lock, Op, Open, Release, Step, Terms
from protocol.message import sign_message
from protocol.names import QuoteId, SchemeId
from protocol.payment import (
    ConnectorEvent,
    ConnectorState,
    Effect,
    Onward,
    connector_step,
    forward_verdict,
    onward_lock,
)
from protocol.quote import make_receipt

A, P, Q, Y = (SchemeId(sha256(name.encode())) for name in "APQY")
KEY = SigningKey(sha256(b"line"))
RECEIPT_KEY = SigningKey(sha256(b"receipt"))
AMOUNT, DEADLINE = 10, 1_000_000
QUOTES = {P: QuoteId(sha256(b"quote of P")), Q: QuoteId(sha256(b"quote of Q"))}


@cache
def signed(op: Op) -> Signed[Op]:
    return sign_message(op, KEY, 1)


@dataclass(frozen=True)
class End:
    """One end of a line: what its node holds, and its own chain."""

    state: LineState
    mine: tuple[Signed[Op], ...] = ()
    stopped: bool = False  # an op of the peer was refused: nothing of it is taken any more

    def write(self, step: Step) -> End:
        op, state = rules.author(self.state, step, 0)
        return replace(self, state=rules.authored(state, signed(op)), mine=(*self.mine, signed(op)))

    def take(self, op: Signed[Op]) -> End:
        return replace(self, state=rules.accept(self.state, op, lambda seq: self.mine[seq - 1]))


@dataclass(frozen=True)
class Town:
    """A's three ends by peer, the peers' own ends, and what A does with the locks of P and Q."""

    at_a: tuple[End, End, End]
    peers: tuple[End, End, End]  # P, Q, Y
    forwards: tuple[ConnectorState | None, ConnectorState | None] = (None, None)
    outs: tuple[int, int] = (0, 0)  # seq of A's lock to Y

    def key(self) -> tuple[object, ...]:
        ends = [(e.state.own_id, e.state.peer_id, e.stopped) for e in (*self.at_a, *self.peers)]
        return (*ends, self.forwards)


def put(values: tuple, at: int, value: object) -> tuple:
    return (*values[:at], value, *values[at + 1 :])


def opened(peer: SchemeId, room: int) -> tuple[End, End]:
    """Return both ends of a line whose debtor may owe `room`."""
    low, high = sorted((A, peer))
    terms = Terms(low=low, high=high, nonce=bytes(16))
    ours, theirs = End(rules.new_line(terms, A)), End(rules.new_line(terms, peer))
    limit = Limit(owed_max=room, pending_max=room, open_max=5)
    for step in (Open(low=low, high=high, nonce=bytes(16)), limit):
        ours, theirs = ours.write(step), theirs.write(step)
        ours, theirs = ours.take(theirs.mine[-1]), theirs.take(ours.mine[-1])
    return ours, theirs


def start() -> Town:
    ends = [opened(P, 100), opened(Q, 100), opened(Y, AMOUNT)]
    return Town(at_a=tuple(e[0] for e in ends), peers=tuple(e[1] for e in ends))  # type: ignore[arg-type]  # three each


def moves(town: Town, liar: bool) -> Iterator[Town]:
    for i, payer in enumerate((P, Q)):
        end = town.peers[i]
        if len(end.mine) == 2:
            lock = Lock(
                quote_id=QUOTES[payer], part=1, parts=1, amount=AMOUNT, receipt_key=RECEIPT_KEY.public.raw,
                mode="normal", deadline=DEADLINE, route=(Y,), note=b"", memo=b"",
            )  # fmt: skip
            yield replace(town, peers=put(town.peers, i, end.write(lock)))
    yield from payee_moves(town, liar)
    for i in range(3):
        ours, theirs = town.at_a[i], town.peers[i]
        if theirs.state.peer_length < len(ours.mine):
            yield replace(town, peers=put(town.peers, i, theirs.take(ours.mine[theirs.state.peer_length])))
        if ours.state.peer_length < len(theirs.mine) and not ours.stopped:
            yield from arrives(town, i, theirs.mine[ours.state.peer_length])


def payee_moves(town: Town, liar: bool) -> Iterator[Town]:
    end = town.peers[2]
    for _side, seq in sorted(end.state.mine.locks()):
        lock = next(op.body.step for op in town.at_a[2].mine if op.body.seq == seq)
        assert isinstance(lock, Lock)
        receipt = make_receipt(lock.quote_id, RECEIPT_KEY)
        for step in (Claim(lock=seq, receipt=receipt, memo=b""), Release(lock=seq, reason="gone")):
            yield replace(town, peers=put(town.peers, 2, end.write(step)))
        if liar:
            forged = Claim(lock=seq, receipt=bytes(64), memo=b"")
            yield replace(town, peers=put(town.peers, 2, end.write(forged)))


def arrives(town: Town, i: int, op: Signed[Op]) -> Iterator[Town]:
    """All that A may do when an op of P, Q or Y arrives, each in one transaction."""
    try:
        town = replace(town, at_a=put(town.at_a, i, town.at_a[i].take(op)))
    except InvalidOp:
        yield replace(town, at_a=put(town.at_a, i, replace(town.at_a[i], stopped=True)))
        return
    step = op.body.step
    if isinstance(step, Lock):
        for now_ms in (0, DEADLINE):
            yield pass_on(town, i, op.body.seq, step, now_ms)
    elif isinstance(step, Claim | Release):
        yield carry_up(town, step)


def pass_on(town: Town, i: int, seq: int, lock: Lock, now_ms: int) -> Town:
    down = town.at_a[2]
    room = line_view.room(down.state.mine, down.state.me)
    event, _ = forward_verdict(
        lock, Onward(exists=True, usable=True, compared=True, room=room), now_ms=now_ms, old=False
    )
    state, effects = connector_step(ConnectorState.NEW, event)
    town = replace(town, forwards=put(town.forwards, i, state))
    if Effect.LOCK in effects:
        down = down.write(onward_lock(lock, b""))
        return replace(town, at_a=put(town.at_a, 2, down), outs=put(town.outs, i, len(down.mine)))
    return replace(town, at_a=put(town.at_a, i, town.at_a[i].write(Release(lock=seq, reason="no-way"))))


def carry_up(town: Town, step: Claim | Release) -> Town:
    i = town.outs.index(step.lock)
    event = ConnectorEvent.DOWN_CLAIMED if isinstance(step, Claim) else ConnectorEvent.DOWN_RELEASED
    before = town.forwards[i]
    assert before is not None
    state, effects = connector_step(before, event)
    up = town.at_a[i]
    if Effect.CLAIM_UP in effects:
        assert isinstance(step, Claim)
        up = up.write(Claim(lock=3, receipt=step.receipt, memo=b""))
    elif Effect.RELEASE_UP in effects:
        up = up.write(Release(lock=3, reason="gone"))
    return replace(town, forwards=put(town.forwards, i, state), at_a=put(town.at_a, i, up))


def check(town: Town) -> None:
    """I2–I5 of A, in every state."""
    down = town.at_a[2].state
    exposure = down.mine.owed(down.me) + down.mine.pending[down.me]
    assert exposure <= AMOUNT, f"I3 A owes and has locked {exposure}"
    for i in (0, 1):
        up = [op.body.step for op in town.at_a[i].mine if isinstance(op.body.step, Claim | Release)]
        assert len(up) <= 1, "I4"
        out, forward = town.outs[i], town.forwards[i]
        is_open = any(seq == out for _, seq in down.mine.locks())
        assert not (out and is_open and up), "I5 A ended upstream what it may still have to pay"
        assert forward is not ConnectorState.CLAIMED or isinstance(up[0], Claim), "I5"
    for ours, theirs in zip(town.at_a, town.peers, strict=True):
        if (ours.state.own_length, ours.state.peer_length) == (
            theirs.state.peer_length,
            theirs.state.own_length,
        ):
            assert ours.state.mine.digest() == theirs.state.mine.digest(), "I2"


@pytest.mark.parametrize("liar", [False, True], ids=["honest", "payee lies"])
def test_two_payments_at_once_through_one_connector(liar: bool) -> None:
    """I2–I5 in every state; where nothing more can happen, among the honest every lock has ended (I17)."""
    first = start()
    seen, queue = {first.key()}, deque([first])
    ends: set[tuple[ConnectorState | None, ...]] = set()
    while queue:
        town = queue.popleft()
        check(town)
        resting = True
        for after in moves(town, liar):
            resting = False
            if after.key() not in seen:
                seen.add(after.key())
                queue.append(after)
        if resting:
            ends.add(town.forwards)
            if not liar:
                assert not any(end.state.mine.locks() for end in (*town.at_a, *town.peers)), "I17"
    claimed, released = ConnectorState.CLAIMED, ConnectorState.RELEASED
    assert {(claimed, released), (released, claimed), (released, released)} <= ends
    assert (claimed, claimed) not in ends, "the LIMIT has room for one"
    assert len(seen) > 100, len(seen)


def test_control_a_release_by_a_clock_is_caught() -> None:
    """Rule 7.3: the forbidden move is accused in the very state it leads to."""

    def pass_on_and_release(town: Town, i: int, seq: int, lock: Lock, now_ms: int) -> Town:
        after = pass_on(town, i, seq, lock, now_ms)
        if not after.outs[i]:
            return after
        return replace(
            after, at_a=put(after.at_a, i, after.at_a[i].write(Release(lock=seq, reason="too-late")))
        )

    town = next(moves(start(), False))
    lock = town.peers[0].mine[2]
    town = replace(town, at_a=put(town.at_a, 0, town.at_a[0].take(lock)))
    assert isinstance(lock.body.step, Lock)
    with pytest.raises(AssertionError, match="I5"):
        check(pass_on_and_release(town, 0, 3, lock.body.step, 0))
