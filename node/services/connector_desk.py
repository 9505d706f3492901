"""A payment passes through: what a connector does, inside one unit of work.

Source: docs/protocol.md 7.2–7.4, 0.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, func, literal_column, select, update

from node import crash
from node.services.books import Books
from node.services.both_lost import freeze
from node.services.line_desk import LineDesk
from node.services.line_ends import owed_more
from node.services.line_rows import CLOSED, FROZEN, LIVE, OPEN, Line
from node.store import Tx
from node.store.schema import payments as schema
from node.store.statements import upsert
from protocol.entry import Words
from protocol.errors import OutOfOrder
from protocol.ledger import HOURS, SystemRole
from protocol.limits import LINE_OPEN_LOCKS_MAX
from protocol.line_ops import Lock, Step, epoch_of
from protocol.memo import Passing
from protocol.payment import (
    ConnectorEvent,
    ConnectorState,
    Effect,
    Onward,
    UnderWay,
    connector_step,
    forward_verdict,
    onward_lock,
    share_of_room,
)

_F: Final = schema.forward.c
_FORWARD: Final = select(_F.state, _F.out_line_no, _F.out_seq).where(
    _F.line_no == bindparam("line_no"), _F.lock_seq == bindparam("lock_seq")
)
_FORWARD_BY_OUT: Final = select(_F.line_no, _F.lock_seq, _F.state, _F.amount).where(
    _F.out_line_no == bindparam("line_no"), _F.out_seq == bindparam("lock_seq")
)
_FORWARDS_WAITING: Final = select(_F.line_no, _F.lock_seq).where(_F.state == literal_column("'wait'"))
_PUT_FORWARD: Final = upsert(
    schema.forward, key=("line_no", "lock_seq"), update=("state", "out_line_no", "out_seq")
)
_FORWARD_STATE: Final = (
    update(schema.forward)
    .where(_F.line_no == bindparam("which_line"), _F.lock_seq == bindparam("which_seq"))
    .values(state=bindparam("new_state"), receipt=func.coalesce(_F.receipt, bindparam("new_receipt")))
)
_LOST_IN: Final = select(_F.lock_seq, _F.state, _F.out_line_no, _F.out_seq, _F.amount).where(
    _F.line_no == bindparam("line_no"), _F.lock_seq < 0, _F.state.in_(["forwarded", "claimed"])
)
_KNOWN_AS: Final = select(_F.state, _F.receipt, _F.out_line_no, _F.out_seq).where(
    _F.line_no == bindparam("line_no"), _F.lock_seq == bindparam("known_as")
)
# A lock that is lost is known by its number below zero.
_RENUMBER: Final = (
    update(schema.forward)
    .where(_F.line_no == bindparam("which_line"), _F.lock_seq == bindparam("known_as"))
    .values(lock_seq=-_F.lock_seq)
)
_PASSED_NOWHERE: Final = select(_F.line_no, _F.lock_seq, _F.amount).where(
    _F.state == "claimed", _F.out_line_no.is_(None)
)
_OUT_OVER: Final = select(_F.line_no, _F.lock_seq).where(
    _F.state == "forwarded", _F.out_line_no == bindparam("line_no")
)
_PASSED_ON: Final = Words(text="", done_by="interlets", on_behalf_of=None, proved_by="system")


class _Known(NamedTuple):
    """A lock of a peer, as what I did about it tells of it."""

    state: ConnectorState
    receipt: bytes | None
    passed_on: Lock


class ConnectorDesk:
    """Carries out the connector's table of `protocol/payment.py`."""

    def __init__(self, tx: Tx, lines: LineDesk, books: Books):
        self._tx: Final = tx
        self._lines: Final = lines
        self._books: Final = books

    def state_of(self, line: Line, seq: int) -> ConnectorState:
        """Return how far the forwarding of the peer's lock has come."""
        row = self._tx.one(_FORWARD, line_no=line.no, lock_seq=seq)
        return ConnectorState.NEW if row is None else ConnectorState(row[0])

    def connect(self, line: Line, seq: int, lock: Lock) -> None:
        """Pass the peer's lock on, refuse it or let it wait."""
        onward = self._lines.by_peer(lock.route[0])
        # Over a line that has ended nothing of mine can be on its way: it is refused like one without room.
        ended = onward is not None and onward.status == CLOSED
        event, reason = forward_verdict(
            lock,
            Onward(
                exists=onward is not None,
                usable=onward is not None and (onward.usable or ended),
                compared=onward is not None and (onward.complete or onward.status not in LIVE | {FROZEN}),
                room=0 if onward is None or line.status != OPEN else self._room(line, onward, lock),
            ),
            now_ms=self._lines.now_ms,
            old=seq <= line.horizon,
        )
        before = self.state_of(line, seq)
        state, effects = connector_step(before, event)
        out_line_no = out_seq = None
        for effect in effects:
            if effect is Effect.LOCK:
                assert onward is not None
                memory = Passing(peer=line.peer, nonce=line.nonce, epoch=line.state.epoch, seq=seq)
                memo = self._lines.memo(memory, lock.quote_id)
                out = self._lines.author(onward, onward_lock(lock, memo))
                out_line_no, out_seq = onward.no, out.body.seq
                self._tx.on_commit(crash.point, "forward-committed")
            elif effect is Effect.RELEASE_UP:
                self._lines.decide(line, seq, None, reason)
        if event is not ConnectorEvent.REFUSE or before is not ConnectorState.NEW:
            self._tx.run_keeping(
                _PUT_FORWARD, line_no=line.no, lock_seq=seq, state=state.value, out_line_no=out_line_no,
                out_seq=out_seq, amount=lock.amount, receipt=None, started_ms=self._lines.now_ms,
            )  # fmt: skip
            if out_seq is not None:  # its end is near, and then the row is wanted again
                self._tx.kept(schema.forward)[out_line_no, out_seq] = line.no, seq, state.value, lock.amount

    def _room(self, line: Line, onward: Line, lock: Lock) -> int:
        """Return the most that a lock of the neighbour of `line` may take of `onward` now. Source: 6.4."""
        room, view, me = self._lines.room(onward, lock.mode), onward.state.mine, onward.state.me
        pending, open_max = view.pending[me], min(view.limits[me].open_max, LINE_OPEN_LOCKS_MAX)
        unseen = onward.state.own_length - onward.acknowledged
        everybodys = UnderWay(count=view.open_count[me], amount=pending, unseen=unseen)
        if lock.amount <= share_of_room(room, pending=pending, open_max=open_max, theirs=everybodys):
            return room  # there is room for it even if all that is under way were theirs, which spares the counting
        passed_on = [(seq, self._forward_of(onward, seq)) for side, seq in view.locks() if side == me]
        of_them = [(seq, row[3]) for seq, row in passed_on if row is not None and row[0] == line.no]
        theirs = UnderWay(
            count=len(of_them),
            amount=sum(amount for _, amount in of_them),
            unseen=sum(seq > onward.acknowledged for seq, _ in of_them),
        )
        return share_of_room(room, pending=pending, open_max=open_max, theirs=theirs)

    def _forward_of(self, onward: Line, seq: int) -> Sequence[Any] | None:
        """Return the row of the lock that a lock of mine passes on; None if that is a payment of ours."""
        kept: Sequence[Any] | None = self._tx.kept(schema.forward).get((onward.no, seq))
        return kept or self._tx.one(_FORWARD_BY_OUT, line_no=onward.no, lock_seq=seq)

    def waiting(self) -> list[tuple[int, int]]:
        """Return (line number, lock seq) of the locks that wait for a line to go on over."""
        return [(line_no, lock_seq) for line_no, lock_seq in self._tx.all(_FORWARDS_WAITING)]

    def lock_ended(self, line: Line, seq: int, receipt: bytes | None, reason: str) -> bool:
        """Carry the end of a lock of mine upstream; False if it forwarded nothing."""
        forward = self._tx.kept(schema.forward).pop((line.no, seq), None)
        if forward is None:
            forward = self._tx.one(_FORWARD_BY_OUT, line_no=line.no, lock_seq=seq)
        if forward is None:
            return False
        up_no, up_seq, state, amount = forward
        event = ConnectorEvent.DOWN_RELEASED if receipt is None else ConnectorEvent.DOWN_CLAIMED
        after, effects = connector_step(ConnectorState(state), event)
        amounts: list[tuple[int, int]] = []
        for effect in effects:
            match effect:
                case Effect.POST_DOWN:
                    amounts += [
                        *owed_more(self._lines, self._books, line, amount),
                        (self._transit(), -amount),
                    ]
                case Effect.CLAIM_UP | Effect.RELEASE_UP:
                    up = self._lines.by_no(up_no)
                    if effect is Effect.CLAIM_UP and _was_let_go(up, up_seq):
                        amounts += self._claimed_after_all(line, seq, amount)
                    written = self._lines.decide(up, up_seq, receipt, reason)
                    if written and effect is Effect.CLAIM_UP:
                        amounts += self._up_amounts(up, amount)
                    self._tx.on_commit(crash.point, "claim-stored")
                case Effect.REST_TO_CHEST:
                    # Claimed upstream and not down here: in transit is what we gained; the other way round, what we lost.
                    gained = -amount if Effect.POST_DOWN in effects else amount
                    amounts += self._to_chest(gained)
                case _:
                    assert effect is Effect.STORE_RECEIPT
        self._tx.run_keeping(
            _FORWARD_STATE, which_line=up_no, which_seq=up_seq, new_state=after.value, new_receipt=receipt
        )
        if _moves_something(amounts):
            self._books.post(self._tx, amounts, _PASSED_ON)
        return True

    def _claimed_after_all(self, line: Line, seq: int, amount: int) -> list[tuple[int, int]]:
        """Freeze a line on which a lock is CLAIMed whose RELEASE is lost here, and lost or hidden there; the chest pays. Source: 6.8."""
        if line.status in LIVE:
            freeze(self._lines, line, f"they CLAIM our lock {seq}, and we let go what it passed on")
        return self._to_chest(-amount)

    def receipt_learned(self, line: Line, seq: int, receipt: bytes) -> bool:
        """Claim upstream by a receipt that came in another way than by a CLAIM; False if that lock of mine forwarded nothing.

        The lock of mine stays open: what is owed over it is still for the peer to say, in the chain that counts.
        """
        forward = self._tx.one(_FORWARD_BY_OUT, line_no=line.no, lock_seq=seq)
        if forward is None:
            return False
        up_no, up_seq, state, amount = forward
        if ConnectorState(state) is not ConnectorState.FORWARDED:
            return True
        after, effects = connector_step(ConnectorState.FORWARDED, ConnectorEvent.RECEIPT)
        assert effects == (Effect.STORE_RECEIPT, Effect.CLAIM_UP)
        self._tx.run(
            _FORWARD_STATE, which_line=up_no, which_seq=up_seq, new_state=after.value, new_receipt=receipt
        )
        up = self._lines.by_no(up_no)
        if self._lines.decide(up, up_seq, receipt):
            self.post_up(up, amount)
        return True

    # --- ops of mine that came back after a restore: each counts as the event that made it (6.7 b) --------------

    def lock_came_back(self, line: Line, seq: int, lock: Lock, up: Line, up_seq: int) -> None:
        """Know again that this LOCK of mine passed on the peer's lock `up_seq` of `up`."""
        if self._is_lost(up, up_seq, lock):
            if up.usable and epoch_of(up_seq) == up.state.epoch:
                freeze(self._lines, up, f"lock {up_seq} of theirs, which we passed on, is nowhere any more")
            up_seq = -up_seq
        state = self.state_of(up, up_seq)
        if state not in (ConnectorState.CLAIMED, ConnectorState.SETTLED):
            # Also where its end upstream came back first: what happens downstream is still to be heard.
            state, _ = connector_step(ConnectorState.NEW, ConnectorEvent.FORWARD)
            if up_seq < 0 and epoch_of(-up_seq) < up.state.epoch:
                state, _ = connector_step(state, ConnectorEvent.REOPENED)  # people have agreed without it
        self._tx.run(
            _PUT_FORWARD, line_no=up.no, lock_seq=up_seq, state=state.value, out_line_no=line.no, out_seq=seq,
            amount=lock.amount, receipt=None, started_ms=self._lines.now_ms,
        )  # fmt: skip

    def _is_lost(self, up: Line, seq: int, passed_on: Lock) -> bool:
        """Tell whether both sides of `up` lost the lock that was passed on, and perhaps gave its number to another."""
        if seq > up.state.peer_length:
            return epoch_of(seq) <= up.state.epoch and up.complete and up.status in LIVE | {FROZEN}
        try:
            return not _goes_on_as(self._lines.peer_op(up, seq).body.step, passed_on)
        except OutOfOrder:
            return True  # of an epoch that has ended

    def claim_came_back(self, line: Line, seq: int, lock: Lock, receipt: bytes) -> None:
        """Book again a CLAIM of mine upstream, and know its receipt."""
        state = self.state_of(line, seq)
        if state is ConnectorState.NEW:
            self._tx.run(
                _PUT_FORWARD, line_no=line.no, lock_seq=seq, state=ConnectorState.WAIT.value, out_line_no=None,
                out_seq=None, amount=lock.amount, receipt=None, started_ms=self._lines.now_ms,
            )  # fmt: skip
            state, _ = connector_step(state, ConnectorEvent.HOLD_BACK)
        returned = state is ConnectorState.RELEASED
        state, effects = connector_step(
            state, ConnectorEvent.UP_CLAIM_RETURNED if returned else ConnectorEvent.RECEIPT
        )
        self._tx.run(
            _FORWARD_STATE, which_line=line.no, which_seq=seq, new_state=state.value, new_receipt=receipt
        )
        self.post_up(line, lock.amount)
        if Effect.REST_TO_CHEST in effects:
            self._books.post(self._tx, self._to_chest(lock.amount), _PASSED_ON)

    def release_came_back(self, line: Line, seq: int) -> None:
        """Know again that a lock was RELEASEd upstream; where it was passed on, its end downstream is to be heard."""
        if self.state_of(line, seq) is ConnectorState.WAIT:
            state, _ = connector_step(ConnectorState.WAIT, ConnectorEvent.REFUSE)
            self._tx.run(
                _FORWARD_STATE, which_line=line.no, which_seq=seq, new_state=state.value, new_receipt=None
            )

    def old_came(self, line: Line, seq: int, step: Step) -> None:
        """Look whether an op that the peer wrote before the line could be used is what its number means to us. Source: 6.8."""
        known = self._known_as(line, seq)
        if known is not None and not _goes_on_as(step, known.passed_on):
            self._tx.run(_RENUMBER, which_line=line.no, known_as=seq)
            self._lines.undecide(line, seq)
            if line.status in LIVE:
                freeze(self._lines, line, f"{seq} of theirs is not the lock any more that we passed on")

    def came_after_all(self, line: Line, seq: int, lock: Lock) -> None:
        """Know again a lock that was thought lost on both sides: the peer had kept it back. Source: 6.8."""
        known = self._known_as(line, -seq)
        if known is None or not _goes_on_as(lock, known.passed_on):
            return  # another that was given the number
        self._tx.run(_RENUMBER, which_line=line.no, known_as=-seq)
        if known.state is ConnectorState.CLAIMED:
            self._lines.decide(line, seq, known.receipt)
        elif known.state is ConnectorState.RELEASED:
            self._lines.decide(line, seq, None, "no-way")

    def _known_as(self, line: Line, number: int) -> _Known | None:
        """Return what is known of a lock of the peer that was passed on; None if nothing was, or in an epoch that has ended."""
        row = self._tx.one(_KNOWN_AS, line_no=line.no, known_as=number)
        if row is None or row[2] is None:
            return None
        state, receipt, out_no, out_seq = row
        try:
            passed_on = self._lines.own_op_of(self._lines.by_no(out_no))(out_seq).body.step
        except OutOfOrder:
            return None
        assert isinstance(passed_on, Lock), "what passes a lock on is a LOCK"
        return _Known(ConnectorState(state), receipt, passed_on)

    # --- a line that goes on anew after both sides lost ops of it (6.8) -----------------------------------------

    def settle_lost(self, line: Line) -> list[tuple[int, int]]:
        """Have done with the locks that `line` lost; return what leaves transit."""
        left = 0
        for seq, state, out_no, out_seq, amount in self._tx.all(_LOST_IN, line_no=line.no):
            out = None if out_no is None else self._lines.by_no(out_no)
            under_way = out is not None and (out.state.me, out_seq) in out.state.mine.locks()
            if ConnectorState(state) is ConnectorState.CLAIMED and not under_way:
                left -= amount  # claimed from us, and nobody to claim it from
            self._reopened(line.no, seq, ConnectorState(state))
        for up_no, seq, amount in self._tx.all(_PASSED_NOWHERE):
            up = self._lines.by_no(up_no)
            if seq > up.state.peer_length or up.is_open(seq):
                continue
            onward = self._lines.by_peer(self._lines.peer_lock(up, seq).route[0])
            if onward is not None and onward.no == line.no:
                left += amount  # claimed by us, and the claim on us is lost
                self._reopened(up_no, seq, ConnectorState.CLAIMED)
        for up_no, seq in self._tx.all(_OUT_OVER, line_no=line.no):
            up = self._lines.by_no(up_no)
            if seq <= up.state.peer_length and not up.is_open(seq):
                self._reopened(up_no, seq, ConnectorState.FORWARDED)  # let go upstream; here it goes on
        return self._to_chest(left) if left else []

    def _reopened(self, line_no: int, seq: int, state: ConnectorState) -> None:
        after, _ = connector_step(state, ConnectorEvent.REOPENED)
        self._tx.run(
            _FORWARD_STATE, which_line=line_no, which_seq=seq, new_state=after.value, new_receipt=None
        )

    def _to_chest(self, gained: int) -> list[tuple[int, int]]:
        """Return what takes out of transit what is gained, or below zero lost; the chest has it."""
        return [(self._transit(), -gained), (self._books.system(self._tx, SystemRole.CHEST, HOURS), gained)]

    def _transit(self) -> int:
        return self._books.system(self._tx, SystemRole.TRANSIT, HOURS)

    def _up_amounts(self, line: Line, amount: int) -> list[tuple[int, int]]:
        connector_step(ConnectorState.CLAIMED, ConnectorEvent.UP_CLAIM_AUTHORED)
        return [(self._books.line(self._tx, line.peer), -amount), (self._transit(), amount)]

    def post_up(self, line: Line, amount: int) -> None:
        """Book a CLAIM that was written upstream."""
        self._books.post(self._tx, self._up_amounts(line, amount), _PASSED_ON)


def _goes_on_as(theirs: Step, passed_on: Lock) -> bool:
    """Tell whether `passed_on`, a lock of mine, is what passes on the peer's op."""
    return isinstance(theirs, Lock) and onward_lock(theirs, passed_on.memo) == passed_on


def _was_let_go(up: Line, up_seq: int) -> bool:
    """Tell whether I RELEASEd a lock of the peer; asked only about one that was not CLAIMed."""
    return 0 < up_seq <= up.state.peer_length and not up.is_open(up_seq)


def _moves_something(amounts: list[tuple[int, int]]) -> bool:
    # A route that comes back over the line it went out by moves nothing here.
    sums: dict[int, int] = {}
    for no, amount in amounts:
        sums[no] = sums.get(no, 0) + amount
    return any(sums.values())
