"""Every state that a payment over two connectors can reach, with the real tables and every set of liars.

Payer P, connectors A and B, payee Y; three locks. Ops stay in the network for ever and arrive at any time or never:
loss, delay, reordering, doubling and partitions are all in the order of the moves. An honest node may refuse
whatever its table lets it refuse at any moment, so every reading of every clock is covered. A liar authors any op
on its lines, answers a lock with both ends, and, as the payee, signs at any time; who holds a receipt may show
it to anybody. Between two liars nothing needs a lock. On real lines: `test_payment_walk.py`. Source: docs/protocol.md 0.1, 7.2–7.4, 11 (I4–I6, I17).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any, NamedTuple

import pytest

from protocol.payment import (
    CONNECTOR,
    PAYEE,
    PAYER,
    ConnectorEvent,
    ConnectorState,
    Effect,
    PayeeEvent,
    PayeeState,
    PayerEvent,
    PayerState,
)
from tests.protocol.exploring import explore

CLAIM, RELEASE = 1, 2
NODES = "PABY"  # lock i is from NODES[i] to NODES[i + 1]
LAST = 2
ENDS = {Effect.CLAIM_UP: CLAIM, Effect.RELEASE_UP: RELEASE}


class Lock(NamedTuple):
    """One lock. The state of its beneficiary's machine begins when it is stored."""

    sent: bool = False
    ends: int = 0  # authored by the beneficiary, in bits; an honest one authors one
    seen: int = 0  # the end the debtor stored; the first one counts


class Town(NamedTuple):
    """Everything durable, of all nodes."""

    locks: tuple[Lock, Lock, Lock] = (Lock(), Lock(), Lock())
    payer: PayerState = PayerState.NEW
    connectors: tuple[ConnectorState | None, ConnectorState | None] = (None, None)  # A, B; None: no lock met
    payee: PayeeState | None = None
    signed: bool = False  # the receipt exists; anybody may show it
    posted: tuple[int, int] = (
        0,
        0,
    )  # of A, B: `line:up` and `line:down` postings in bits 1 and 2, the loss in 4
    debited: int = 0
    credited: int = 0
    proof: bool = False  # the payer holds the receipt


POSTED = {Effect.POST_UP: 1, Effect.POST_DOWN: 2, Effect.REST_TO_CHEST: 4}


@dataclass(frozen=True)
class Model:
    """The moves of a town with these liars and this table for its connectors."""

    liars: frozenset[str]
    connector: Mapping[ConnectorState, Mapping[ConnectorEvent, Any]]
    split: bool = False  # control: what a connector answers may be lost in a crash

    def honest(self, at: int) -> bool:
        return NODES[at] not in self.liars

    def start(self) -> Town:
        return Town()

    def moves(self, town: Town) -> Iterator[tuple[bool, str, Town]]:
        """Yield (is it an honest node's?, what, the town after it)."""
        yield from self.payer_moves(town)
        if not self.honest(LAST + 1) and not town.signed:
            yield False, "Y signs", town._replace(signed=True)
        for i, lock in enumerate(town.locks):
            if not self.honest(i) and not self.honest(i + 1):
                continue
            yield from self.liars_moves(town, i, lock)
            if lock.sent and self.honest(i + 1):
                if i < LAST:
                    yield from self.connector_moves(town, i)
                else:
                    yield from self.payee_moves(town)
            if self.honest(i) and not lock.seen:
                for end in (CLAIM, RELEASE):
                    if lock.ends & end:
                        yield from self.arrives(town, i, end)

    def liars_moves(self, town: Town, i: int, lock: Lock) -> Iterator[tuple[bool, str, Town]]:
        if not self.honest(i) and not lock.sent:
            yield False, f"{NODES[i]} locks", put(town, i, sent=True)
        if not self.honest(i + 1) and lock.sent:
            if not lock.ends & RELEASE:
                yield False, f"{NODES[i + 1]} releases", put(town, i, ends=lock.ends | RELEASE)
            if not lock.ends & CLAIM and town.signed:
                yield False, f"{NODES[i + 1]} claims", put(town, i, ends=lock.ends | CLAIM)

    def payer_moves(self, town: Town) -> Iterator[tuple[bool, str, Town]]:
        if not self.honest(0):
            return
        row = PAYER[town.payer]
        if PayerEvent.CONFIRMED in row:
            yield True, "P locks", put(town._replace(payer=row[PayerEvent.CONFIRMED][0]), 0, sent=True)
        if town.signed and PayerEvent.RECEIPT in row:
            yield False, "P is shown the receipt", self.paid(town, PayerEvent.RECEIPT)
        for event in (PayerEvent.LATE, PayerEvent.ORGANISERS):
            if event in row:
                yield False, f"P: {event.name}", self.paid(town, event)

    def paid(self, town: Town, event: PayerEvent) -> Town:
        state, effects = PAYER[town.payer][event]
        return town._replace(
            payer=state,
            debited=town.debited + (Effect.POST_HOLD in effects),
            proof=town.proof or Effect.STORE_RECEIPT in effects,
        )

    def connector_moves(self, town: Town, i: int) -> Iterator[tuple[bool, str, Town]]:
        state = town.connectors[i]
        row = self.connector[state or ConnectorState.NEW]
        events = set(row) - {
            *(ConnectorEvent.DOWN_CLAIMED, ConnectorEvent.DOWN_RELEASED, ConnectorEvent.UP_CLAIM_AUTHORED),
            *(
                ConnectorEvent.REOPENED,
                ConnectorEvent.UP_CLAIM_RETURNED,
            ),  # nobody's disk goes back in time here
        }
        if not town.signed or state is None:
            events.discard(ConnectorEvent.RECEIPT)
        for event in sorted(events, key=lambda each: each.name):
            # To hold back is honest, but to come to rest in it is not: it ends when the next line is usable.
            honest = event in (ConnectorEvent.FORWARD, ConnectorEvent.REFUSE)
            yield honest, f"{NODES[i + 1]}: {event.name}", self.connected(town, i, event)

    def connected(self, town: Town, i: int, event: ConnectorEvent) -> Town:
        """One transaction of the connector between lock i and lock i + 1."""
        state, effects = self.connector[town.connectors[i] or ConnectorState.NEW][event]
        town = town._replace(connectors=swap(town.connectors, i, state))
        for effect in effects:
            if effect is Effect.LOCK:
                town = put(town, i + 1, sent=True)
            elif effect in ENDS:
                town = put(town, i, ends=town.locks[i].ends | ENDS[effect])
            elif effect in POSTED:
                town = town._replace(posted=swap(town.posted, i, town.posted[i] | POSTED[effect]))
            else:
                assert effect is Effect.STORE_RECEIPT
        if Effect.CLAIM_UP in effects:
            town = self.connected(town, i, ConnectorEvent.UP_CLAIM_AUTHORED)
        return town

    def payee_moves(self, town: Town) -> Iterator[tuple[bool, str, Town]]:
        row = PAYEE[town.payee or PayeeState.NEW]
        for event in (PayeeEvent.GOOD, PayeeEvent.REFUSE):
            if event in row:
                state, effects = row[event]
                after = town._replace(
                    payee=state,
                    signed=town.signed or Effect.SIGN_RECEIPT in effects,
                    credited=town.credited + (Effect.CREDIT_MEMBER in effects),
                )
                end = next(ENDS[effect] for effect in effects if effect in ENDS)
                yield True, f"Y: {event.name}", put(after, LAST, ends=end)

    def arrives(self, town: Town, i: int, end: int) -> Iterator[tuple[bool, str, Town]]:
        what = f"{'CLAIM' if end == CLAIM else 'RELEASE'} reaches {NODES[i]}"
        stored = put(town, i, seen=end)
        if i == 0:
            yield True, what, self.paid(stored, PayerEvent.CLAIMED if end == CLAIM else PayerEvent.RELEASED)
            return
        event = ConnectorEvent.DOWN_CLAIMED if end == CLAIM else ConnectorEvent.DOWN_RELEASED
        yield True, what, self.connected(stored, i - 1, event)
        if self.split:
            yield True, f"{what}, and a crash before the answer", stored

    def unsafe(self, town: Town) -> str | None:
        """Return what must never be, for honest nodes."""
        for i in (0, 1):
            up, down = town.locks[i], town.locks[i + 1]
            if not self.honest(i + 1):
                continue
            if up.ends == RELEASE and down.sent and down.seen != RELEASE:
                return f"I5 {NODES[i + 1]} released upstream and may still have to pay"
            if down.seen == CLAIM and up.ends != CLAIM:
                return f"I5 {NODES[i + 1]} paid downstream and has not claimed upstream"
            if up.ends == CLAIM | RELEASE:
                return f"I4 {NODES[i + 1]} ended a lock twice"
            if bool(town.posted[i] & 1) != (up.ends == CLAIM) or bool(town.posted[i] & 2) != (
                down.seen == CLAIM
            ):
                return f"{NODES[i + 1]}: the books differ from the lines"
        if self.honest(0) and (
            town.debited != (town.locks[0].seen == CLAIM) or (town.debited and not town.proof)
        ):
            return "I6 the payer is debited without proof, or not as the line says"
        if self.honest(3) and not town.signed == town.credited == (town.locks[LAST].ends == CLAIM):
            return "I6 receipt, credit and claim of an honest payee do not go together"
        return None

    def unfinished(self, town: Town) -> str | None:
        """Return what must not be where only liars could still move: I17."""
        for i, lock in enumerate(town.locks):
            if not lock.sent or not self.honest(i + 1) or lock.ends:
                continue
            onward = town.locks[i + 1] if i < LAST else Lock()
            waits = onward.sent and not onward.seen  # for somebody behind, who is looked at next
            if not waits:
                return f"I17 lock {i} is stuck at {NODES[i + 1]}"
        if not self.liars:
            if len({lock.seen for lock in town.locks if lock.sent}) > 1:
                return "the locks of one payment end differently"
            if town.posted not in ((0, 0), (3, 3)):
                return "transit is not empty"
        return None


def swap(pair: tuple[Any, Any], i: int, value: Any) -> tuple[Any, Any]:
    return (value, pair[1]) if i == 0 else (pair[0], value)


def put(town: Town, i: int, **fields: Any) -> Town:
    locks = list(town.locks)
    locks[i] = locks[i]._replace(**fields)
    return town._replace(locks=(locks[0], locks[1], locks[2]))


SETS_OF_LIARS = [
    frozenset(some) for some in chain.from_iterable(combinations(NODES, count) for count in range(len(NODES)))
]


@pytest.mark.parametrize("liars", SETS_OF_LIARS, ids=lambda liars: "".join(sorted(liars)) or "nobody")
def test_i4_i5_i6_i17_hold_in_every_state_whoever_lies(liars):
    """I4, I5, I6, I17 for every honest node, with every other node a liar or not."""
    states, wrong = explore(Model(liars, CONNECTOR))

    assert wrong is None
    assert len(states) >= 4


def test_the_payment_can_succeed_and_fail():
    """The check above would be worth nothing if nothing moved."""
    found, _ = explore(Model(frozenset(), CONNECTOR))
    assert {town.payer for town in found} == set(PayerState)
    assert {state for town in found for state in town.connectors} == {None, *ConnectorState} - {
        ConnectorState.NEW, ConnectorState.SETTLED,
    }  # fmt: skip
    assert any(town.posted == (3, 3) and town.debited and town.credited for town in found)


def changed(state: ConnectorState, event: ConnectorEvent, row: Any) -> Any:
    """Return the connector's table with one row put in or replaced."""
    return {**CONNECTOR, state: {**CONNECTOR[state], event: row}}


FORWARDED, CLAIMED, RELEASED = ConnectorState.FORWARDED, ConnectorState.CLAIMED, ConnectorState.RELEASED


@pytest.mark.parametrize(
    "table, liars, why",
    [
        (
            changed(FORWARDED, ConnectorEvent.REFUSE, (RELEASED, (Effect.RELEASE_UP,))),
            "",
            "I5 . released upstream and may still have to pay",
        ),
        (
            changed(
                FORWARDED,
                ConnectorEvent.RECEIPT,
                (CLAIMED, (Effect.POST_DOWN, Effect.STORE_RECEIPT, Effect.CLAIM_UP)),
            ),
            "BY",
            "books differ from the lines",
        ),
        (
            changed(CLAIMED, ConnectorEvent.DOWN_RELEASED, (CLAIMED, (Effect.RELEASE_UP,))),
            "BY",
            "ended a lock twice|released upstream",
        ),
        (
            changed(FORWARDED, ConnectorEvent.DOWN_CLAIMED, (CLAIMED, (Effect.POST_DOWN,))),
            "",
            "has not claimed upstream",
        ),
        (
            changed(
                ConnectorState.WAIT, ConnectorEvent.RECEIPT, (ConnectorState.WAIT, (Effect.STORE_RECEIPT,))
            ),
            "",
            None,
        ),
    ],
    ids=["released by a clock", "posted before its time", "released after a claim", "not claimed", "no harm"],
)
def test_control_a_forbidden_shortcut_is_caught(table, liars, why):
    """Rule 11: negative controls. The last row is a change that does no harm, and is not accused."""
    _, wrong = explore(Model(frozenset(liars), table))

    if why is None:
        assert wrong is None
    else:
        assert wrong is not None
        assert re.search(why, wrong)


def test_control_a_handler_in_two_transactions_is_caught():
    """Rule 0.4, 7.5: a crash between storing an end and answering it."""
    _, wrong = explore(Model(frozenset(), CONNECTOR, split=True))

    assert wrong is not None
    assert wrong.startswith(("I5", "I17"))
