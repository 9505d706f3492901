"""How a line goes on in a new epoch: what both sides sign, and the state it begins with. Source: docs/protocol.md 6.8.

People agree on the balance; everything else follows from the chains that both hold. The side with the lower id signs
first (an *offer*), the other signs the same or nothing: so no two REOPENs can cross, and the new epoch has begun once the
second signature is made. An offer that is not answered binds nobody; another may follow it, under a higher epoch.
"""

from __future__ import annotations

from typing import Final

from crypto.signing import Signed
from protocol.errors import InvalidOp, OutOfOrder
from protocol.limits import SEQ_MAX
from protocol.line import LineState, accept, author, returned
from protocol.line_ops import EPOCH_SEQS, ZERO32, Op, Reopen, before_epoch
from protocol.line_view import LOW, View

EPOCH_LAST: Final = SEQ_MAX // EPOCH_SEQS - 1  # all of whose seqs are below SEQ_MAX


def reopen_step(state: LineState, owed_by_low: int) -> Reopen:
    """Return the only REOPEN that continues the line as `state` has it, with that balance.

    `owed_by_low` is in hours' 3 600 000ths; negative: the side with the higher id owes.
    """
    own, peer = (state.own_length, state.own_id), (state.peer_length, state.peer_id)
    low, high = (own, peer) if state.me == LOW else (peer, own)
    return Reopen(
        old=state.epoch, low_length=low[0], low_id=low[1], high_length=high[0], high_id=high[1],
        owed_by_low=owed_by_low, locks=state.mine.rows(),
    )  # fmt: skip


def empty_epoch(state: LineState, epoch: int) -> LineState:
    """Return the line in `epoch`, before anybody wrote in it.

    Raises:
        InvalidOp: no later epoch than the line's, or one beyond all numbers.
    """
    if not state.epoch < epoch <= EPOCH_LAST:
        raise InvalidOp("not a later epoch")
    before = before_epoch(epoch)
    return state._replace(
        epoch=epoch, own_length=before, own_id=ZERO32, peer_length=before, peer_id=ZERO32, peer_ack=before,
        mine=View(), theirs=View(),
    )  # fmt: skip


def offer(state: LineState, epoch: int, owed_by_low: int, time_ms: int) -> Op:
    """Return the REOPEN with which the side of the lower id offers to go on. Nothing has changed yet.

    Raises:
        InvalidOp: the other side offers; or no later epoch.
    """
    if state.me != LOW:
        raise InvalidOp("the REOPEN of the side with the lower id comes first")
    op, _ = author(empty_epoch(state, epoch), reopen_step(state, owed_by_low), time_ms)
    return op


def read_offer(state: LineState, offered: Signed[Op]) -> Reopen:
    """Return what the side with the lower id offers, valid in itself; whether it `fits` is another question.

    Raises:
        OutOfOrder: it continues an epoch that I have not come to.
        InvalidOp: no REOPEN, or not a valid one.
    """
    step = offered.body.step
    if not isinstance(step, Reopen):
        raise InvalidOp("a later epoch begins with REOPEN")
    if step.old > state.epoch:
        raise OutOfOrder("it continues a later epoch")
    with_offer(state, offered)
    return step


def with_offer(state: LineState, offered: Signed[Op]) -> LineState:
    """Return the line in the epoch of an offer, of which there is nothing but that offer.

    Raises:
        InvalidOp: not a valid one.
    """
    fresh = empty_epoch(state, offered.body.epoch)
    return (returned if state.me == LOW else accept)(fresh, offered, _nothing)


def fits(state: LineState, step: Reopen) -> bool:
    """Tell whether a REOPEN names the epoch, the chains and the locks that I have; its balance is for people."""
    return step == reopen_step(state, step.owed_by_low)


def answer(state: LineState, offered: Signed[Op], time_ms: int) -> tuple[Op, LineState]:
    """Return my REOPEN, equal to the offer of the other side, and the line in the new epoch.

    Raises:
        InvalidOp: it does not fit what I hold; nothing may be signed.
        OutOfOrder: it continues an epoch that I have not come to.
    """
    step = read_offer(state, offered)
    if not fits(state, step):
        raise InvalidOp("it does not continue the line as I have it")
    return author(with_offer(state, offered), step, time_ms)


def begin(state: LineState, offered: Signed[Op], answered: Signed[Op]) -> LineState:
    """Return the line in the epoch that both have signed, as either side sees it.

    Raises:
        OutOfOrder: they continue chains of which I lack something.
        InvalidOp: they differ, or continue other chains than these.
    """
    step = read_offer(state, offered)
    if not fits(state, step):
        mine = reopen_step(state, step.owed_by_low)
        if mine.low_length < step.low_length or mine.high_length < step.high_length:
            raise OutOfOrder("ops of the epoch before are missing")
        raise InvalidOp("it does not continue the line as I have it")
    begun = with_offer(state, offered)

    def lower(_seq: int) -> Signed[Op]:
        return offered

    if state.me == LOW:
        return accept(begun, answered, lower)
    after = returned(begun, answered, lower)
    if answered.body.step != step:
        raise InvalidOp("it says another thing than the REOPEN it answers")
    return after


def _nothing(seq: int) -> Signed[Op]:
    raise OutOfOrder(f"op {seq} is not held")
