"""One payment between schemes, seen by its payer, by a connector, and by its payee.

Every transition is in this file, and nothing else is. No clock leads out of LOCKED or FORWARDED: a lock is
ended only by an op of its beneficiary. Source: docs/protocol.md 0.1, 7.2–7.4.

Each machine has one shape: state and event in; state and effects out. The node carries out the effects of
one event in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias, TypeVar

from protocol.errors import OutOfOrder
from protocol.limits import (
    FROZEN_AFTER_MS,
    HOP_MARGIN_MS,
    LATE_AFTER_MS,
    LINE_WINDOW_OPS,
    NEIGHBOUR_SHARE_OF,
    PAYEE_MARGIN_MS,
)
from protocol.line_ops import Lock
from protocol.names import SchemeId
from protocol.quote import Acceptance, Quote

AnyState = TypeVar("AnyState", bound=Enum)
AnyEvent = TypeVar("AnyEvent", bound=Enum)

# --- Effects: what the node does, all in the transaction of the event ---------------------------------------


class Effect(Enum):
    """What one event makes the node do. The values are the words of table 7.2."""

    HOLD = "set the member's amount aside"
    LOCK = "append LOCK to the next line"
    DROP_HOLD = "drop the hold"
    POST_HOLD = "the hold becomes a posting"
    HOLD_TO_CHEST = "the hold moves from the member to the chest"
    STORE_RECEIPT = "store the receipt"
    TELL_PAID = "tell the member it is done"
    TELL_FAILED = "tell the member the reason"
    TELL_LATE = "tell the member it is late"
    RELEASE_UP = "decide RELEASE upstream"
    CLAIM_UP = "decide CLAIM upstream"
    POST_DOWN = "line:down against transit"
    POST_UP = "line:up against transit"
    REST_TO_CHEST = "transit to chest, shown to the admin"
    SIGN_RECEIPT = "sign the receipt"
    CREDIT_MEMBER = "credit the member; the quote is paid"


# --- Payer ---------------------------------------------------------------------------------------------------


class PayerState(Enum):
    """A payment as the payer's scheme keeps it."""

    NEW = "new"
    LOCKED = "locked"
    FROZEN = "frozen"  # locked; two organisers moved the hold to the chest after 14 days
    PAID = "paid"
    FAILED = "failed"


class PayerEvent(Enum):
    """What can happen to it."""

    CONFIRMED = "the member confirmed, and balance, limits, quote and line allow it"
    CLAIMED = "CLAIM"
    RELEASED = "RELEASE"
    RECEIPT = "the receipt by another way"
    LATE = "ten minutes past the deadline"
    ORGANISERS = "14 days late, and two organisers say so"


PAYER: Final[Mapping[PayerState, Mapping[PayerEvent, tuple[PayerState, tuple[Effect, ...]]]]] = {
    PayerState.NEW: {PayerEvent.CONFIRMED: (PayerState.LOCKED, (Effect.HOLD, Effect.LOCK))},
    PayerState.LOCKED: {
        PayerEvent.CLAIMED: (PayerState.PAID, (Effect.POST_HOLD, Effect.STORE_RECEIPT, Effect.TELL_PAID)),
        PayerEvent.RELEASED: (PayerState.FAILED, (Effect.DROP_HOLD, Effect.TELL_FAILED)),
        PayerEvent.RECEIPT: (PayerState.LOCKED, (Effect.STORE_RECEIPT,)),
        PayerEvent.LATE: (PayerState.LOCKED, (Effect.TELL_LATE,)),
        PayerEvent.ORGANISERS: (PayerState.FROZEN, (Effect.HOLD_TO_CHEST,)),
    },
    PayerState.FROZEN: {
        PayerEvent.CLAIMED: (PayerState.PAID, (Effect.POST_HOLD, Effect.STORE_RECEIPT, Effect.TELL_PAID)),
        PayerEvent.RELEASED: (PayerState.FAILED, (Effect.DROP_HOLD, Effect.TELL_FAILED)),
        PayerEvent.RECEIPT: (PayerState.FROZEN, (Effect.STORE_RECEIPT,)),
    },
    PayerState.PAID: {},
    PayerState.FAILED: {},
}

# --- Connector -----------------------------------------------------------------------------------------------


class ConnectorState(Enum):
    """An incoming lock that asks to be forwarded."""

    NEW = "new"
    WAIT = "wait"  # an old lock whose next line is not usable yet (6.7 d)
    FORWARDED = "forwarded"
    CLAIMED = "claimed"
    RELEASED = "released"
    SETTLED = "settled"  # its lock, or the one it went on as, was lost on both sides, and people agreed (6.8)


class ConnectorEvent(Enum):
    """What can happen to it. The first three are what `forward_verdict` answers on a valid LOCK."""

    FORWARD = "valid LOCK; next line usable, room, time enough"
    REFUSE = "valid LOCK, otherwise"
    HOLD_BACK = "an old lock while the next line is not usable"
    DOWN_RELEASED = "RELEASE from downstream"
    DOWN_CLAIMED = "CLAIM from downstream"
    RECEIPT = "the receipt by any other way"
    UP_CLAIM_AUTHORED = "my CLAIM upstream is authored"
    UP_CLAIM_RETURNED = "my CLAIM upstream comes back, and the outgoing lock was RELEASEd"
    REOPENED = "REOPEN settles a lock that was lost"


_C: TypeAlias = ConnectorState
_CE: TypeAlias = ConnectorEvent

CONNECTOR: Final[
    Mapping[ConnectorState, Mapping[ConnectorEvent, tuple[ConnectorState, tuple[Effect, ...]]]]
] = {
    _C.NEW: {
        _CE.FORWARD: (_C.FORWARDED, (Effect.LOCK,)),
        _CE.REFUSE: (_C.RELEASED, (Effect.RELEASE_UP,)),
        _CE.HOLD_BACK: (_C.WAIT, ()),
    },
    _C.WAIT: {
        _CE.FORWARD: (_C.FORWARDED, (Effect.LOCK,)),
        _CE.REFUSE: (_C.RELEASED, (Effect.RELEASE_UP,)),
        _CE.HOLD_BACK: (_C.WAIT, ()),
        _CE.RECEIPT: (_C.CLAIMED, (Effect.STORE_RECEIPT, Effect.CLAIM_UP)),
        _CE.REOPENED: (_C.SETTLED, (Effect.REST_TO_CHEST,)),
    },
    _C.FORWARDED: {
        _CE.DOWN_RELEASED: (_C.RELEASED, (Effect.RELEASE_UP,)),
        _CE.DOWN_CLAIMED: (_C.CLAIMED, (Effect.POST_DOWN, Effect.STORE_RECEIPT, Effect.CLAIM_UP)),
        _CE.RECEIPT: (_C.CLAIMED, (Effect.STORE_RECEIPT, Effect.CLAIM_UP)),
        _CE.REOPENED: (_C.SETTLED, (Effect.REST_TO_CHEST,)),
    },
    _C.CLAIMED: {
        _CE.DOWN_CLAIMED: (_C.CLAIMED, (Effect.POST_DOWN,)),
        _CE.DOWN_RELEASED: (_C.CLAIMED, (Effect.REST_TO_CHEST,)),
        _CE.RECEIPT: (_C.CLAIMED, ()),
        _CE.UP_CLAIM_AUTHORED: (_C.CLAIMED, (Effect.POST_UP,)),
        _CE.REOPENED: (_C.SETTLED, (Effect.REST_TO_CHEST,)),
    },
    _C.RELEASED: {
        _CE.UP_CLAIM_RETURNED: (_C.CLAIMED, (Effect.STORE_RECEIPT, Effect.POST_UP, Effect.REST_TO_CHEST)),
    },
    _C.SETTLED: {
        _CE.DOWN_CLAIMED: (_C.SETTLED, (Effect.POST_DOWN, Effect.STORE_RECEIPT, Effect.REST_TO_CHEST)),
        _CE.DOWN_RELEASED: (_C.SETTLED, ()),
        _CE.RECEIPT: (_C.SETTLED, ()),
    },
}

# --- Payee ---------------------------------------------------------------------------------------------------


class PayeeState(Enum):
    """An incoming lock that is for a quote of mine, or says so."""

    NEW = "new"
    CLAIMED = "claimed"
    RELEASED = "released"


class PayeeEvent(Enum):
    """What can happen to it. The first two are what `payee_verdict` answers."""

    GOOD = "own quote, unpaid, accepted by its payer scheme, in time; the member can be credited"
    REFUSE = "otherwise"
    UP_CLAIM_AUTHORED = "my CLAIM is authored"


PAYEE: Final[Mapping[PayeeState, Mapping[PayeeEvent, tuple[PayeeState, tuple[Effect, ...]]]]] = {
    PayeeState.NEW: {
        PayeeEvent.GOOD: (PayeeState.CLAIMED, (Effect.SIGN_RECEIPT, Effect.CLAIM_UP, Effect.CREDIT_MEMBER)),
        PayeeEvent.REFUSE: (PayeeState.RELEASED, (Effect.RELEASE_UP,)),
    },
    PayeeState.CLAIMED: {PayeeEvent.UP_CLAIM_AUTHORED: (PayeeState.CLAIMED, (Effect.POST_UP,))},
    PayeeState.RELEASED: {},
}


def payer_step(state: PayerState, event: PayerEvent) -> tuple[PayerState, tuple[Effect, ...]]:
    """Return the payer's next state and effects. Raises OutOfOrder; nothing changed."""
    return _look_up(PAYER, state, event)


def connector_step(state: ConnectorState, event: ConnectorEvent) -> tuple[ConnectorState, tuple[Effect, ...]]:
    """Return the connector's next state and effects. Raises OutOfOrder; nothing changed."""
    return _look_up(CONNECTOR, state, event)


def payee_step(state: PayeeState, event: PayeeEvent) -> tuple[PayeeState, tuple[Effect, ...]]:
    """Return the payee's next state and effects. Raises OutOfOrder; nothing changed."""
    return _look_up(PAYEE, state, event)


def _look_up(
    table: Mapping[AnyState, Mapping[AnyEvent, tuple[AnyState, tuple[Effect, ...]]]],
    state: AnyState,
    event: AnyEvent,
) -> tuple[AnyState, tuple[Effect, ...]]:
    found = table[state].get(event)
    if found is None:
        raise OutOfOrder(f"{event.name} while {state.name}")
    return found


# --- What the events of an incoming lock are -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """What a connector knows of the line to the next scheme of a lock's route."""

    exists: bool
    usable: bool
    compared: bool  # whether what the peer holds of my chain is all here since this boot: else a lock of mine may lie there
    room: int  # the most that may be locked on it now, by limits, own ceiling, the lock's mode, and the share of its neighbour


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """Locks of mine that are open on one line and pass on those of one neighbour."""

    count: int
    amount: int
    unseen: int  # of them, those the peer has not acknowledged


def share_of_room(room: int, *, pending: int, open_max: int, theirs: UnderWay) -> int:
    """Return how much of `room` on a line one more lock of a neighbour may take. Source: 6.4.

    `pending` is what all my locks on that line come to, `open_max` how many the LIMIT allows. Of the locks of one
    neighbour, half of the line is left to everybody else; a single one may take what there is.
    """
    if not theirs.count:
        return room
    most, most_unseen = max(1, open_max // NEIGHBOUR_SHARE_OF), LINE_WINDOW_OPS // NEIGHBOUR_SHARE_OF
    if theirs.count >= most or theirs.unseen >= most_unseen:
        return 0
    return max(0, min(room, (room + pending) // NEIGHBOUR_SHARE_OF - theirs.amount))


def forward_verdict(lock: Lock, onward: Onward, *, now_ms: int, old: bool) -> tuple[ConnectorEvent, str]:
    """Return what a connector does with a valid LOCK, and the reason where it refuses. Source: 7.2, 6.7 (d).

    `old`: the lock may have been forwarded before this boot, so it is neither released nor forwarded
    before the next line is usable. One that looks new waits as well until the next line was compared: a peer that
    told a restored scheme of a shorter chain than it has may show as new what had gone on.
    """
    if not onward.exists or not onward.usable:
        # A line that a restored database has never heard of may still hold my lock: so it waits, too.
        waits = old or (onward.exists and not onward.compared)
        return (ConnectorEvent.HOLD_BACK, "") if waits else (ConnectorEvent.REFUSE, "no-way")
    if now_ms >= lock.deadline - HOP_MARGIN_MS * len(lock.route):
        return ConnectorEvent.REFUSE, "too-late"
    if lock.amount > onward.room:
        return ConnectorEvent.REFUSE, "no-way"
    return ConnectorEvent.FORWARD, ""


def onward_lock(lock: Lock, memo: bytes) -> Lock:
    """Return the LOCK a connector appends downstream: same quote, part, amount, key, mode, deadline. Source: 7.2."""
    return Lock(
        quote_id=lock.quote_id,
        part=lock.part,
        parts=lock.parts,
        amount=lock.amount,
        receipt_key=lock.receipt_key,
        mode=lock.mode,
        deadline=lock.deadline,
        route=lock.route[1:],
        note=lock.note,
        memo=memo,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A quote of mine as my store knows it."""

    quote: Quote
    paid: bool
    member_can_be_credited: bool


def payee_verdict(
    lock: Lock, promise: Promise | None, acceptance: Acceptance | None, *, me: SchemeId, now_ms: int
) -> tuple[PayeeEvent, str]:
    """Return what the payee does with a valid LOCK whose route ends here, and the reason where it refuses. Source: 7.2.

    `acceptance` is the verified acceptance found in the note, signed by the scheme it names; None if there is none.
    """
    if promise is None or promise.quote.payee_scheme != me or lock.parts != 1:
        return PayeeEvent.REFUSE, "gone"
    quote = promise.quote
    if promise.paid or lock.amount != quote.hours or lock.receipt_key != quote.receipt_key:
        return PayeeEvent.REFUSE, "gone"
    if (
        acceptance is None
        or acceptance.quote_id != lock.quote_id
        or acceptance.payer_scheme != quote.payer_scheme
    ):
        return PayeeEvent.REFUSE, "gone"
    if lock.deadline > quote.valid_until:  # else a payer could keep the price as long as it likes
        return PayeeEvent.REFUSE, "gone"
    if now_ms >= lock.deadline - PAYEE_MARGIN_MS:
        return PayeeEvent.REFUSE, "too-late"
    if not promise.member_can_be_credited:
        return PayeeEvent.REFUSE, "cannot-now"
    return PayeeEvent.GOOD, ""


def is_late(deadline_ms: int, now_ms: int) -> bool:
    """Tell whether a member should read that this payment is late. Source: 6.6, 7.2."""
    return now_ms >= deadline_ms + LATE_AFTER_MS


def may_freeze(deadline_ms: int, now_ms: int) -> bool:
    """Tell whether two organisers may move its hold to the chest. Source: 7.2."""
    return now_ms >= deadline_ms + FROZEN_AFTER_MS
