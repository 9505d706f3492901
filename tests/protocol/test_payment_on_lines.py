"""One payment over real lines, with the real tables, folds and signed ops, on a network that does what it likes.

Source: docs/protocol.md 7.2–7.4; I5, I6, I8.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import OutOfOrder
from protocol.line import receipt_opens
from protocol.line_ops import Claim, Lock, Release
from protocol.line_view import room
from protocol.payment import (
    CONNECTOR,
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
from protocol.quote import make_receipt
from protocol.units import HOUR
from tests.builders import (
    HILLTOP,
    MOORSIDE,
    NOW,
    OAKVALE,
    RIVERSIDE,
    Copy,
    Line,
    Scheme,
    acceptance,
    limits,
    lock_for,
    open_line,
    quote,
)

# --- One payment over real lines: I5, I6, I8 -------------------------------------------------------------------------


@dataclass
class Booth:
    """A scheme's node, as small as it can be: the real tables, real folds, real signed ops; each call a transaction."""

    scheme: Scheme
    copies: dict[bytes, Copy]  # by peer
    promised: object
    states: dict = field(default_factory=dict)  # (peer, seq) of the incoming lock, or "payer" → state
    forwarded: dict = field(default_factory=dict)  # (peer, seq) of my outgoing lock → what it is for
    locks: dict = field(default_factory=dict)
    books: Counter = field(default_factory=Counter)
    receipt: bytes = b""
    paid: int = 0
    skew_ms: int = 0

    def handle(self, peer, op, now_ms):
        """Take an op of a peer's and do all it causes."""
        copy = self.copies[peer]
        before = copy.state.peer_length
        try:
            copy.gets(op)
        except OutOfOrder:
            return
        if copy.state.peer_length == before:
            return
        step = op.body.step
        if isinstance(step, Lock):
            key = (peer, op.body.seq)
            self.locks[key] = step
            self.states[key] = ConnectorState.NEW if step.route else PayeeState.NEW
            (self.forward if step.route else self.settle)(key, step, now_ms + self.skew_ms)
        elif isinstance(step, (Claim, Release)):
            self.ended((peer, step.lock), step)

    def pay(self, route):
        state, effects = payer_step(PayerState.NEW, PayerEvent.CONFIRMED)
        assert effects == (Effect.HOLD, Effect.LOCK)
        peer = route[0]
        if room(self.copies[peer].state.mine, self.copies[peer].state.me) < self.promised.body.hours:
            return
        op = self.copies[peer].does(lock_for(self.promised, route=route[1:]))
        self.forwarded[peer, op.body.seq] = "payer"
        self.books["hold"] += op.body.step.amount
        self.states["payer"] = state

    def forward(self, key, step, now_ms):
        copy = self.copies.get(step.route[0])
        here = Onward(
            exists=copy is not None,
            usable=copy is not None,
            compared=copy is not None,
            room=room(copy.state.mine, copy.state.me, step.mode) if copy else 0,
        )
        event, reason = forward_verdict(step, here, now_ms=now_ms, old=False)
        self.connect(key, event, reason)

    def connect(self, key, event, reason="no-way", receipt=b""):
        self.states[key], effects = connector_step(self.states[key], event)
        step = self.locks[key]
        for effect in effects:
            match effect:
                case Effect.LOCK:
                    op = self.copies[step.route[0]].does(onward_lock(step, b""))
                    self.forwarded[step.route[0], op.body.seq] = key
                case Effect.RELEASE_UP:
                    self.copies[key[0]].does(Release(lock=key[1], reason=reason))
                case Effect.CLAIM_UP:
                    self.claim(key, receipt or self.receipt, connector_step)
                case Effect.STORE_RECEIPT:
                    self.receipt = receipt
                case Effect.POST_DOWN:
                    self.post("down", step.amount)
                case Effect.REST_TO_CHEST:
                    self.books["transit"] -= step.amount
                    self.books["chest"] += step.amount
                case _:
                    pytest.fail(f"{effect} is no connector's")

    def claim(self, key, receipt, step_of):
        self.copies[key[0]].does(Claim(lock=key[1], receipt=receipt, memo=b""))
        event = ConnectorEvent if step_of is connector_step else PayeeEvent
        self.states[key], effects = step_of(self.states[key], event.UP_CLAIM_AUTHORED)
        assert effects == (Effect.POST_UP,)
        self.post("up", self.locks[key].amount)

    def post(self, which, amount):
        """`line:up` +amount, `line:down` −amount: what the line owes me, against transit. (Sums to zero, I1.)"""
        sign = 1 if which == "up" else -1
        self.books["lines"] += sign * amount
        self.books["transit"] -= sign * amount

    def settle(self, key, step, now_ms):
        mine = self.promised if step.quote_id == self.promised.id else None
        promise = mine and Promise(quote=mine.body, paid=bool(self.paid), member_can_be_credited=True)
        event, reason = payee_verdict(
            step, promise, acceptance(self.promised).body, me=self.scheme.id, now_ms=now_ms
        )
        self.states[key], effects = payee_step(PayeeState.NEW, event)
        if Effect.SIGN_RECEIPT in effects:
            self.receipt = make_receipt(step.quote_id, self.scheme.receipt_key)
            self.paid += 1
            self.books["member"] -= step.amount
            self.books["transit"] += step.amount
            self.claim(key, self.receipt, payee_step)
        else:
            self.copies[key[0]].does(Release(lock=key[1], reason=reason))

    def ended(self, mine, step):
        source = self.forwarded[mine]
        claimed = isinstance(step, Claim)
        if source != "payer":
            event = ConnectorEvent.DOWN_CLAIMED if claimed else ConnectorEvent.DOWN_RELEASED
            self.connect(source, event, getattr(step, "reason", ""), getattr(step, "receipt", b""))
            return
        event = PayerEvent.CLAIMED if claimed else PayerEvent.RELEASED
        self.states["payer"], effects = payer_step(self.states["payer"], event)
        amount = self.copies[mine[0]].own[mine[1] - 1].body.step.amount
        self.books["hold"] -= amount
        if Effect.POST_HOLD in effects:
            self.receipt = step.receipt
            self.books["member"] += amount
            self.books["lines"] -= amount

    def hears_of_the_receipt(self, receipt):
        """It came some other way; a receipt for nothing of mine is not even looked at."""
        for key, state in list(self.states.items()):
            if key == "payer":
                if PayerEvent.RECEIPT in PAYER[state]:
                    self.states[key], _ = payer_step(state, PayerEvent.RECEIPT)
                    self.receipt = receipt
            elif isinstance(state, ConnectorState) and ConnectorEvent.RECEIPT in CONNECTOR[state]:
                step = self.locks[key]
                assert receipt_opens(step.receipt_key, step.quote_id, receipt)
                self.connect(key, ConnectorEvent.RECEIPT, receipt=receipt)


class Road:
    """Oakvale pays Riverside over Hilltop and Moorside; every op may come late, twice, or in another order."""

    def __init__(self, capacity, skews):
        names = [OAKVALE, HILLTOP, MOORSIDE, RIVERSIDE]
        self.promised = quote()
        step = limits(capacity, open_max=3)
        self.lines = [open_line(a, b, limit=step) for a, b in pairwise(names)]
        self.booths = [
            Booth(
                scheme,
                {line.of(scheme).peer.id: line.of(scheme) for line in self.lines if scheme in ends(line)},
                self.promised,
                skew_ms=skew,
            )
            for scheme, skew in zip(names, skews, strict=True)
        ]
        self.route = tuple(scheme.id for scheme in names[1:])
        self.now_ms = NOW
        self.before = [len(copy.own) for line in self.lines for copy in (line.low, line.high)]

    def deliver(self, number, back):
        """Bring one op along one line, in one direction; `back` brings an older one again, or one too early."""
        line = self.lines[number // 2 % 3]
        mine, theirs = (line.low, line.high) if number % 2 else (line.high, line.low)
        at = theirs.state.peer_length - back
        if 0 <= at < len(mine.own):
            self.booth(theirs.scheme).handle(mine.scheme.id, mine.own[at], self.now_ms)

    def booth(self, scheme):
        return next(booth for booth in self.booths if booth.scheme == scheme)

    def come_to_rest(self):
        for _ in range(12):
            for number in range(6):
                for _ in range(4):
                    self.deliver(number, 0)

    def leak(self, number):
        """Somebody shows the receipt around, once a neighbour has the CLAIM (7.4)."""
        payee = self.booths[-1]
        claims = [op for op in self.lines[-1].of(RIVERSIDE).own if isinstance(op.body.step, Claim)]
        if claims and self.lines[-1].of(MOORSIDE).state.peer_length >= claims[0].body.seq:
            self.booths[number % 3].hears_of_the_receipt(payee.receipt)

    def check_always(self):
        """I5, and what the receipt means, at every moment."""
        for booth in self.booths[1:3]:
            for mine, source in booth.forwarded.items():
                up = end_of(booth.copies[source[0]].own, source[1])
                down = end_of(booth.copies[mine[0]].seen, mine[1])
                assert not (up is Release and down is not Release), "I5: released upstream"
                assert not (down is Claim and up is not Claim), "I5: claimed downstream, not claimed upstream"
        payer = self.booths[0]
        if payer.states.get("payer") is PayerState.PAID:
            assert receipt_opens(self.promised.body.receipt_key, self.promised.id, payer.receipt), "I6"
        assert self.booths[-1].paid <= 1, "a quote is paid once"

    def check_at_rest(self):
        """I6, I8: at rest nothing is open, books equal lines, and all locks ended alike."""
        payer, payee = self.booths[0], self.booths[-1]
        for line in self.lines:
            assert line.view.locks() == {}
        for booth in self.booths:
            owed_to_me = -sum(copy.state.owed for copy in booth.copies.values())
            assert booth.books["lines"] == owed_to_me
            assert booth.books["transit"] == booth.books["hold"] == booth.books["chest"] == 0
        assert (payer.states.get("payer") is PayerState.PAID) is (payee.paid == 1) is bool(payee.receipt)
        hours = self.promised.body.hours * payee.paid
        assert payer.books["member"] == -payee.books["member"] == hours


def ends(line: Line):
    return (line.low.scheme, line.high.scheme)


def end_of(chain, seq):
    """Return what ended a lock in the chain of its beneficiary, if anything did."""
    found = [
        type(op.body.step)
        for op in chain
        if isinstance(op.body.step, (Claim, Release)) and op.body.step.lock == seq
    ]
    assert len(found) <= 1, "I4"
    return found[0] if found else None


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.integers(0, 5), st.sampled_from([0, 0, 0, 0, 1, 2, -1, -2])),
        st.tuples(st.just("leak"), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.sampled_from([1_000, 60_000, 600_000])),
    ),
    max_size=60,
)


@settings(max_examples=40)
@given(
    events=EVENTS,
    capacity=st.sampled_from([HOUR, HOUR, HOUR, HOUR - 1]),
    skews=st.tuples(*[st.integers(-1000, 1000)] * 4),
)
def test_i5_i6_i8_a_payment_ends_alike_for_all_whatever_the_network_does(events, capacity, skews):
    """I5, I6, I8: any order, any delay, doubled ops, receipts shown around, deadlines passing on skewed clocks."""
    road = Road(capacity, skews)
    road.booths[0].pay(road.route)
    for what, *how in events:
        match what:
            case "deliver":
                road.deliver(*how)
            case "leak":
                road.leak(*how)
            case "wait":
                road.now_ms += how[0]
        road.check_always()
    road.come_to_rest()
    road.check_always()
    road.check_at_rest()


def test_the_plain_payment_reaches_its_member():
    """Rule 7.2: the case the property above must not miss."""
    road = Road(HOUR, (0, 0, 0, 0))
    road.booths[0].pay(road.route)
    road.come_to_rest()
    road.check_at_rest()

    assert road.booths[0].states["payer"] is PayerState.PAID
    assert [set(booth.states.values()) for booth in road.booths[1:]] == [
        {ConnectorState.CLAIMED},
        {ConnectorState.CLAIMED},
        {PayeeState.CLAIMED},
    ]
    assert [line.of(OAKVALE).state.owed for line in road.lines[:1]] == [HOUR]


def test_a_payment_that_comes_too_late_fails_for_all():
    """Rule 7.2: the deadline only decides whether it starts."""
    road = Road(HOUR, (0, 0, 0, 0))
    road.booths[0].pay(road.route)
    road.now_ms = road.promised.body.valid_until
    road.come_to_rest()
    road.check_at_rest()

    assert road.booths[0].states["payer"] is PayerState.FAILED


def test_without_room_the_connector_refuses():
    """Rule 7.2."""
    road = Road(HOUR, (0, 0, 0, 0))
    road.lines[1].of(MOORSIDE).does(limits(HOUR - 1))
    road.lines[1].tell()
    road.booths[0].pay(road.route)
    road.come_to_rest()
    road.check_at_rest()

    assert road.booths[0].states["payer"] is PayerState.FAILED
    assert set(road.booths[1].states.values()) == {ConnectorState.RELEASED}


def test_a_receipt_shown_around_claims_before_the_op_comes():
    """Rule 7.2: `the receipt by any other way`; the outgoing lock stays open until its own CLAIM."""
    road = Road(HOUR, (0, 0, 0, 0))
    road.booths[0].pay(road.route)
    while road.booths[-1].paid == 0:
        for number in range(6):
            road.deliver(number, 0)
    riverside, moorside = road.lines[2].of(RIVERSIDE), road.lines[2].of(MOORSIDE)
    while moorside.state.peer_length < len(riverside.own):
        road.booth(MOORSIDE).handle(RIVERSIDE.id, riverside.own[moorside.state.peer_length], road.now_ms)
    hilltop = road.booth(HILLTOP)
    road.leak(1)

    assert set(hilltop.states.values()) == {ConnectorState.CLAIMED}
    assert len(hilltop.copies[MOORSIDE.id].state.mine.locks()) == 1
    assert hilltop.books["transit"] == -HOUR
    road.come_to_rest()
    road.check_at_rest()
