"""A line as a pure fold over two chains, and what each side may add to its own. Source: docs/protocol.md 6.

Each side writes one chain of its own ops. The state of the line is the fold of both; the order *between* the
chains does not matter, so nobody takes turns. An op is valid against its author's whole chain and the part of
the peer's chain it acknowledges: so a node keeps two views, its own and the one the peer has shown to have.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple, assert_never

from crypto.keys import BadKey, VerifyingKey
from crypto.signing import Signed, signed_bytes
from protocol.errors import Forked, InvalidOp, InvalidValue, OutOfOrder
from protocol.limits import AMOUNT_MAX
from protocol.line_ops import (
    RECEIPT_TAG,
    VERSION,
    ZERO32,
    Claim,
    Close,
    Credit,
    Limit,
    Lock,
    Mark,
    Op,
    Open,
    Release,
    Reopen,
    Step,
    Terms,
    before_epoch,
    receipt_bytes,
)
from protocol.line_view import HIGH, LOW, Side, View, apply, credit_room, other, room
from protocol.names import LineId, QuoteId, SchemeId


class LineState(NamedTuple):
    """One node's copy of a line: where both chains end, and the two views.

    A length is the seq of a chain's last op, or `before_epoch` where it has none in this epoch.

    A tuple, not a dataclass: every op makes new ones, in a third of the time.
    """

    line: LineId
    low: SchemeId
    high: SchemeId
    me: Side
    epoch: int = 0
    own_length: int = 0
    own_id: bytes = ZERO32
    peer_length: int = 0
    peer_id: bytes = ZERO32
    peer_ack: int = 0  # how much of my chain the peer's last op acknowledges
    mine: View = View()  # both chains whole
    theirs: View = View()  # the peer's chain whole, mine up to `peer_ack`

    def scheme(self, side: Side) -> SchemeId:
        """Return the scheme of a side."""
        return self.low if side == LOW else self.high

    @property
    def peer(self) -> SchemeId:
        """The scheme at the other end."""
        return self.scheme(other(self.me))

    @property
    def owed(self) -> int:
        """What I owe the peer by all ops I hold; negative: it owes me."""
        return self.mine.owed(self.me)

    @property
    def unacknowledged(self) -> int:
        """How many ops of mine the peer has not acknowledged."""
        return self.own_length - self.peer_ack


def new_line(terms: Terms, me: SchemeId) -> LineState:
    """Return the empty line over `terms`, as `me` sees it.

    Raises:
        InvalidValue: `me` is neither end.
    """
    if me not in (terms.low, terms.high):
        raise InvalidValue("the terms are between two other schemes")
    return LineState(
        line=terms.line_id(), low=terms.low, high=terms.high, me=LOW if me == terms.low else HIGH
    )


OwnStep = Callable[[int], Op]  # my own op at a seq, from the store


def check(view: View, author: Side, op: Op, lock_of: Callable[[int], Lock] | None) -> None:
    """Raise InvalidOp unless `op` is valid against `view`: the author's chain before it, the peer's up to its ack.

    `lock_of(seq)` is the lock of the author's peer that a CLAIM names; without it the receipt is not looked
    at, which only the author itself may ask for: it made or verified that receipt a moment ago. Source: 6.3.
    """
    step = op.step
    if not isinstance(step, Open | Reopen) and not view.opened[author]:
        raise InvalidOp("the first op of a chain is OPEN")
    if op.epoch and not isinstance(step, Reopen) and not all(view.opened):
        raise InvalidOp("before both have signed the same REOPEN nothing else is written")
    match step:
        case Reopen():
            _check_reopen(view, author, op, step)
        case Open():
            _check_open(view, author, op, step)
        case Limit() | Close():
            if view.closed[author]:
                raise InvalidOp("after CLOSE there is no LIMIT and no second CLOSE")
        case Lock():
            if step.amount > room(view, author, step.mode):
                raise InvalidOp("LOCK beyond what the limits leave")
        case Claim() | Release():
            if (other(author), step.lock) not in view.locks():
                raise InvalidOp("it ends a lock that is not open")
            if isinstance(step, Claim) and lock_of is not None:
                lock = lock_of(step.lock)
                if not receipt_opens(lock.receipt_key, lock.quote_id, step.receipt):
                    raise InvalidOp("the receipt does not open the lock")
        case Credit():
            if step.amount > credit_room(view, author):
                raise InvalidOp("CREDIT beyond what the peer owes, less my own open locks")
        case Mark():
            if (step.owed, step.own_length, step.peer_length) != (view.owed(author), op.seq - 1, op.ack):
                raise InvalidOp("MARK states other figures than the line's")
            if step.state != view.digest():
                raise InvalidOp("MARK states another state")
        case _:
            assert_never(step)


def _check_open(view: View, author: Side, op: Op, step: Open) -> None:
    if view.opened[author] or op.seq != 1 or op.epoch:
        raise InvalidOp("a chain has one OPEN, its first op")
    if step.version != VERSION:
        raise InvalidOp("OPEN with a set of ops that this version does not know")
    if Terms(low=step.low, high=step.high, nonce=step.nonce).line_id() != op.line:
        raise InvalidOp("OPEN over other terms than the line's")


def _check_reopen(view: View, author: Side, op: Op, step: Reopen) -> None:
    """The lower side says how the line goes on; the other says the same, having seen it, or nothing. Source: 6.8."""
    first = before_epoch(op.epoch) + 1
    if view.opened[author] or op.seq != first or not step.old < op.epoch:
        raise InvalidOp("REOPEN is the first op of a chain in a later epoch, and the only one")
    if step.version != VERSION:
        raise InvalidOp("REOPEN with a set of ops that this version does not know")
    if author == LOW and view.opened[HIGH]:
        raise InvalidOp("the REOPEN of the side with the lower id comes first")
    if author == HIGH and view.begun != step.digest():
        raise InvalidOp("it says another thing than the REOPEN it answers")


def receipt_opens(receipt_key: bytes, quote_id: QuoteId, receipt: bytes) -> bool:
    """Tell whether `receipt` is that key's over that quote. Nothing else counts: no revocation, no clock. Source: 6.3, 7.4."""
    key = _receipt_key(receipt_key)
    return key is not None and key.verifies(receipt, signed_bytes(RECEIPT_TAG, receipt_bytes(quote_id)))


@lru_cache(maxsize=1024)
def _receipt_key(raw: bytes) -> VerifyingKey | None:
    # Looking at a key costs more than a signature does, and a payee uses one key for many quotes.
    try:
        return VerifyingKey(raw)
    except BadKey:
        return None


def author(state: LineState, step: Step, time_ms: int) -> tuple[Op, LineState]:
    """Return my next op and the line with it; the receipt of a CLAIM is the caller's to have verified.

    Raises:
        InvalidOp: the op would be invalid; nothing may be signed.
    """
    draft = Op(
        line=state.line,
        author=state.scheme(state.me),
        epoch=state.epoch,
        seq=state.own_length + 1,
        prev=state.own_id,
        ack=state.peer_length,
        ack_id=state.peer_id,
        time=time_ms,
        state=ZERO32,
        step=step,
    )
    check(state.mine, state.me, draft, None)
    mine = apply(state.mine, state.me, draft.seq, step)
    # Nobody has seen the draft yet, and a second one would be checked field by field again.
    object.__setattr__(draft, "state", mine.digest())
    return draft, state._replace(mine=mine, own_length=draft.seq)


def authored(state: LineState, op: Signed[Op]) -> LineState:
    """Return the line after my op was signed: its id is known only then."""
    return state._replace(own_id=op.id)


class Position(Enum):
    """Where an op of the peer stands relative to what I hold."""

    NEXT = "next"
    KNOWN = "known"  # at a place I already hold: the same op, or a fork
    GAP = "gap"  # ops before it are missing
    AHEAD = "ahead"  # it acknowledges ops of mine I do not hold: kept unread until my chain is back (6.5)


def position(state: LineState, op: Op) -> Position:
    """Return where `op` stands.

    Raises:
        InvalidOp: it belongs to another line, author or epoch.
    """
    if op.line != state.line or op.author != state.peer or op.epoch != state.epoch:
        raise InvalidOp("an op of another line, author or epoch")
    if op.seq <= state.peer_length:
        return Position.KNOWN
    if op.seq > state.peer_length + 1:
        return Position.GAP
    return Position.AHEAD if op.ack > state.own_length else Position.NEXT


def accept(
    state: LineState, op: Signed[Op], own_op: Callable[[int], Signed[Op]], known: Signed[Op] | None = None
) -> LineState:
    """Return the line with the peer's next op.

    `own_op(seq)` reads my own chain; `known` is the peer's op I hold at that seq, and is needed when
    `position` says KNOWN.

    Raises:
        OutOfOrder: a gap, or an op that acknowledges what I do not hold; try again when it is filled.
        InvalidOp: invalid at its own ack, or it does not continue its chain.
        Forked: another op stands at its place.
    """
    body, peer = op.body, other(state.me)
    match position(state, body):
        case Position.KNOWN:
            # A slip here would accuse an honest peer and freeze the line.
            assert known is not None, "the op held at that seq is needed"
            assert known.body.seq == body.seq, "this is the op of another seq"
            if known.id == op.id:
                return state
            raise Forked("two ops at one seq")
        case Position.GAP | Position.AHEAD:
            raise OutOfOrder("ops in between are missing")
        case Position.NEXT:
            pass
    if body.prev != state.peer_id:
        raise InvalidOp("it does not continue its author's chain")
    if body.ack < state.peer_ack:
        raise InvalidOp("it acknowledges less than the op before it")
    if body.ack_id != _own_id(state, body.ack, own_op):
        raise InvalidOp("it acknowledges an op I did not write")

    def lock_of(seq: int) -> Lock:
        step = own_op(seq).body.step
        if not isinstance(step, Lock):
            raise InvalidOp("it ends an op that is not a lock")
        return step

    # Once the peer has seen all of my chain the two views are one (I2).
    seen_all = body.ack == state.own_length
    theirs = state.mine if seen_all else _advance(state, body.ack, own_op)
    check(theirs, peer, body, lock_of)
    theirs = apply(theirs, peer, body.seq, body.step)
    if theirs.digest() != body.state:
        raise InvalidOp("its state hash is not the line's (I2)")
    mine = theirs if seen_all else apply(state.mine, peer, body.seq, body.step)
    return state._replace(peer_length=body.seq, peer_id=op.id, peer_ack=body.ack, theirs=theirs, mine=mine)


def _advance(state: LineState, ack: int, own_op: Callable[[int], Signed[Op]]) -> View:
    view = state.theirs
    for seq in range(state.peer_ack + 1, ack + 1):
        view = apply(view, state.me, seq, own_op(seq).body.step)
    return view


def _own_id(state: LineState, seq: int, own_op: Callable[[int], Signed[Op]]) -> bytes:
    if seq == before_epoch(state.epoch):
        return ZERO32
    return state.own_id if seq == state.own_length else own_op(seq).id


def returned(state: LineState, op: Signed[Op], peer_op: Callable[[int], Signed[Op]]) -> LineState:
    """Return the line with my own next op, which the peer gave back after a restore. Source: 6.7 (b).

    It was valid when I signed it, so only its place is looked at. `peer_op(seq)` reads the peer's chain.

    Raises:
        OutOfOrder: not my next op, or it acknowledges ops of the peer that I lost too and do not hold yet.
        InvalidOp: not mine, or it continues other chains than these: the peer does not give back the past we had.
    """
    body = op.body
    if body.line != state.line or body.author != state.scheme(state.me) or body.epoch != state.epoch:
        raise InvalidOp("an op of another line, author or epoch")
    if body.seq != state.own_length + 1 or body.ack > state.peer_length:
        raise OutOfOrder("ops in between are missing")
    if body.prev != state.own_id:
        raise InvalidOp("it does not continue my chain")
    none_yet = body.ack == before_epoch(state.epoch)
    if body.ack_id != (ZERO32 if none_yet else peer_op(body.ack).id):
        raise InvalidOp("it acknowledges another op than the peer's chain now has")
    mine = apply(state.mine, state.me, body.seq, body.step)
    return state._replace(mine=mine, own_length=body.seq, own_id=op.id)


def fold(low: list[Step], high: list[Step], epoch: int = 0) -> View:
    """Return the view over two whole chains of an epoch, for audits and tests: all that opens first, then all that ends.

    Raises:
        InvalidOp: a lock is ended that is not open: it never was, or has another end (I4).
        InvalidValue: the balance is beyond what an amount may be.
    """
    view = View()
    ordered = [
        (side, seq, step)
        for side, chain in ((LOW, low), (HIGH, high))
        for seq, step in enumerate(chain, before_epoch(epoch) + 1)
    ]
    for side, seq, step in ordered:
        if not isinstance(step, (Claim, Release)):
            view = apply(view, side, seq, step)
    for side, seq, step in ordered:
        if isinstance(step, (Claim, Release)):
            if (other(side), step.lock) not in view.locks():
                raise InvalidOp("it ends a lock that is not open")
            view = apply(view, side, seq, step)
    if abs(view.owed_by_low) > AMOUNT_MAX:
        raise InvalidValue("the balance of the line is beyond what an amount may be")
    return view
