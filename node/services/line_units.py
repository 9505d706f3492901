"""What happens on lines, as units of work: ops and answers of peers taken in, and what admins decide.

Each is one transaction with everything it causes. Sending and asking is in `lines.py`.
Source: docs/protocol.md 0.4, 0.5, 6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from sqlalchemy import insert

from crypto.keys import VerifyingKey
from crypto.signing import Signed
from node.clock import Clock
from node.keyring import KeyRing
from node.services.books import Books
from node.services.both_lost import find_lost, freeze, missing_on
from node.services.line_desk import LineDesk, Outgoing
from node.services.line_ends import keep_word
from node.services.line_pasts import acks_what_is_lost, other_past
from node.services.line_rows import ASKED, CLOSED, FROZEN, LIVE, OFFERED, OPEN, REPLACED, SUSPENDED, Line
from node.services.misdeeds import Misdeeds
from node.services.payer_desk import Ended, Tell
from node.services.payment_desk import AcceptanceOf, PaymentDesk
from node.services.reopen_desk import CAN_GO_ON, ReopenDesk
from node.services.restore_desk import RestoreDesk
from node.store import Tx
from node.store.schema import lines as schema
from node.texts import to_translate
from protocol.entry import Words
from protocol.errors import Forked, InvalidOp, OutOfOrder
from protocol.line import accept, new_line, returned
from protocol.line_ops import Limit, Lock, Op, Open, SyncAnswer, Terms
from protocol.message import encode_message
from protocol.names import LineId, SchemeId, scheme_text
from protocol.quote import Acceptance

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# Lines opened by others and not answered yet, from all of them together; for one more the oldest goes. Whoever still
# means it is heard again: an op that we do not hold is sent until we do.
PROPOSALS_MAX: Final = 200

NOT_IN_TOUCH: Final = to_translate("We are not in touch with them now. Try again when they have been heard.")
NOT_TAKEN: Final = to_translate("They have not yet taken what we wrote before. Try again later.")
CONTRADICTED: Final = to_translate(
    "They contradicted themselves. They may owe more again once an admin has settled that."
)

# In whose name the books are set right when a line goes on anew and its answer arrives.
GO_ON: Final = Words(
    text="a line goes on anew", done_by="interlets", on_behalf_of=None, proved_by="neighbour"
)

_QUARANTINE: Final = insert(schema.quarantine)


class KeyDirectory(Protocol):
    """Whose keys count for what."""

    def key_for(self, scheme: SchemeId, purpose: str, key_seq: int) -> VerifyingKey | None:
        """Return the key, or None."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch of ops."""

    seen: int  # how much of the peer's chain is stored now
    answered: bool  # an op of mine that acknowledges it is on the way
    ask: bool  # something is missing: SYNC
    held: int = 0  # how much of both chains is held


class LineRefused(Exception):
    """An admin's wish that the state of the line does not allow, in plain words, which pages translate."""


class LineUnits:
    """The units of work of lines. They hold no state; what must happen after a commit is given to them."""

    def __init__(
        self, *, keyring: KeyRing, clock: Clock, books: Books, acceptance_of: AcceptanceOf, on_payment_ended: Ended,
        tell: Tell, takes_locks: Callable[[SchemeId], bool], send: Callable[[tuple[Outgoing, ...]], None],
        know: Callable[[Line], None], forget: Callable[[Line], None], on_lines: Callable[[tuple[Line, ...]], None],
        owed_ceiling: Callable[[], int | None], misdeeds: Misdeeds,
    ):  # fmt: skip
        self._keyring: Final = keyring
        self._clock: Final = clock
        self._books: Final = books
        self._acceptance_of: Final = acceptance_of
        self._on_payment_ended: Final = on_payment_ended
        self._tell: Final = tell
        self._takes_locks: Final = takes_locks
        self._misdeeds: Final = misdeeds
        self._send: Final = send
        self._know: Final = know
        self._forget: Final = forget
        self._owed_ceiling: Final = owed_ceiling
        self.booted_ms = 0  # when `LineService.boot` ran
        self._on_lines: Final = on_lines  # told after each commit that changed lines

    def desks(self, tx: Tx) -> tuple[LineDesk, PaymentDesk]:
        """Return the desks of one unit of work; `finish` ends it."""
        lines = LineDesk(
            tx, self._keyring, self._clock.now_ms(), self._takes_locks, self._owed_ceiling(), self._misdeeds.may_owe_more
        )  # fmt: skip
        return lines, PaymentDesk(tx, lines, self._books, self._keyring, self._on_payment_ended, self._tell)

    def finish(self, tx: Tx, lines: LineDesk) -> None:
        """Save the lines a unit touched, and send what it wrote once it is durable."""
        for line in lines.touched():
            keep_word(lines, line)
        changed = lines.save()
        if changed:
            tx.on_commit(self._on_lines, changed)
        if lines.outgoing:
            tx.on_commit(self._send, tuple(lines.outgoing))

    # --- what peers send --------------------------------------------------------------------------------------

    def take_ops(self, tx: Tx, line_id: LineId, peer: SchemeId, batch: Sequence[Signed[Op]]) -> Taken:
        """Store the peer's ops, and mine that it returns, with all they cause. One transaction. Source: 0.4, 6.7 (b)."""
        lines, payments = self.desks(tx)
        restore = RestoreDesk(tx, lines, payments, self._keyring, self._know)
        reopen = ReopenDesk(tx, lines, payments, self._keyring)
        line = lines.by_id(line_id) or self._first_heard(lines, peer, batch[0])
        if line is None or line.peer != peer or line.status == SUSPENDED:
            return Taken(0, answered=False, ask=False)
        ask = False
        for op in batch:
            was_usable = line.usable
            try:
                if op.body.epoch < line.state.epoch:
                    payments.old_op(line, op)
                    continue
                if op.body.epoch > line.state.epoch:
                    # Begun or not: what comes next is for the SYNC of the epoch in which we are then.
                    if line.status in CAN_GO_ON:
                        ask = reopen.take(line, op, GO_ON) or ask
                    continue
                if acks_what_is_lost(line, op):
                    freeze(
                        lines, line, f"op {op.body.seq} of theirs acknowledges ops of ours that neither has"
                    )
                    break
                if op.body.author == self._keyring.scheme:
                    fresh = restore.take_back(line, op, self._acceptance_of)
                else:
                    fresh = lines.accept(line, op)
            except OutOfOrder:
                ask = True
                break
            except (InvalidOp, Forked) as error:
                found = self._misdeeds.note_op(lines, line, op) if op.body.author == peer else None
                if found is None or found.kind != "two-ops":
                    self._suspend(lines, line, op.wire, f"{error.code}: {error}")
                # Of two ops the first stands: what is open can end, new locks are frozen by the evidence (6.5).
                payments.receipts_seen(line, peer, batch[batch.index(op) :])
                break
            if not fresh:
                continue
            if op.body.author == peer:
                if isinstance(op.body.step, Open):
                    ask = self._peer_opened(lines, line) or ask
                payments.on_step(line, op, self._acceptances(op))
            if line.usable and not was_usable:
                self._can_be_used(lines, payments, line)
        answered = any(each[0] == line_id for each in lines.outgoing)
        self.finish(tx, lines)
        held = line.state.own_length + line.state.peer_length
        return Taken(line.state.peer_length, answered=answered, ask=ask, held=held)

    def _acceptances(self, op: Signed[Op]) -> dict[bytes, Signed[Acceptance]]:
        step = op.body.step
        if not isinstance(step, Lock) or step.route:
            return {}
        acceptance = self._acceptance_of(step)
        return {} if acceptance is None else {op.id: acceptance}

    def _first_heard(self, lines: LineDesk, peer: SchemeId, op: Signed[Op]) -> Line | None:
        """Return a new line that the peer opens, if its first op does; None for anything else.

        Where the first op is my own, a restore has forgotten a line that I opened.
        """
        step, mine = op.body.step, op.body.author == self._keyring.scheme
        known = lines.all()
        if not isinstance(step, Open) or op.body.seq != 1:
            return None
        if any(line.peer == peer and _stands(line) for line in known):
            return None  # one line with each peer; a second proposal waits for the first to end
        terms = Terms(low=step.low, high=step.high, nonce=step.nonce)
        if {terms.low, terms.high} != {peer, self._keyring.scheme}:
            return None
        try:
            # Looked at before anything is stored: a stranger's nonsense leaves no line behind, not even a suspended one.
            empty = new_line(terms, self._keyring.scheme)
            (returned if mine else accept)(empty, op, _no_op)
        except (InvalidOp, OutOfOrder):
            return None
        self._make_place(lines, [line for line in known if line.proposal], peer)
        line = lines.open_new(terms, OFFERED if mine else ASKED)
        lines.tx.on_commit(self._know, line)
        return line

    def _make_place(self, lines: LineDesk, proposals: list[Line], peer: SchemeId) -> None:
        """Forget the peer's earlier proposals, and the oldest of all where there are too many."""
        gone = [line for line in proposals if line.peer == peer]
        rest = [line for line in proposals if line.peer != peer]
        for line in gone + rest[: max(0, len(rest) + 1 - PROPOSALS_MAX)]:
            lines.forget(line)
            lines.tx.on_commit(self._forget, line)

    def _peer_opened(self, lines: LineDesk, line: Line) -> bool:
        """Note that the peer opened `line`; tell whether it is open on both sides now."""
        offered = next(
            (
                each
                for each in lines.all()
                if each.peer == line.peer and each.status == OFFERED and each.no != line.no
            ),
            None,
        )
        if offered is not None:
            # Both asked at once: the terms with the lower id stand, and both sides find so by themselves.
            loser, winner = sorted((offered, line), key=lambda each: each.state.line, reverse=True)
            loser.status = REPLACED
            lines.touch(loser)
            if winner is line:
                limits = offered.state.mine.limits[1 - offered.state.me]
                line.own_ceiling = offered.own_ceiling
                self._agree(lines, line, Limit(
                    owed_max=limits.owed_max, pending_max=limits.pending_max, open_max=limits.open_max
                ))  # fmt: skip
        if line.status in (ASKED, OFFERED) and all(line.state.mine.opened):
            line.status = OPEN
            lines.touch(line)
        return line.status == OPEN

    def _suspend(self, lines: LineDesk, line: Line, wire: bytes, reason: str) -> None:
        log.error("line_suspended", peer=scheme_text(line.peer), reason=reason)
        line.status = SUSPENDED
        lines.touch(line)
        self._quarantine(lines, line.peer, line.state.line, wire, reason)

    def _can_be_used(self, lines: LineDesk, payments: PaymentDesk, line: Line) -> None:
        """Do what waited for a line that can be written to now, unless it shows at once that both sides lost ops."""
        if (missing := missing_on(lines.tx, line)) is not None:
            # Before a new lock takes the number of the one that is gone.
            freeze(lines, line, missing)
        else:
            payments.became_usable(line, self._acceptance_of)

    def _quarantine(self, lines: LineDesk, peer: SchemeId, line_id: LineId, wire: bytes, reason: str) -> None:
        lines.tx.run(
            _QUARANTINE, at_ms=lines.now_ms, peer=peer, line_id=line_id, data=wire, reason=reason[:500]
        )

    def suspend(self, tx: Tx, line_id: LineId, peer: SchemeId, wire: bytes, reason: str) -> None:
        """Stop the line, our own code having failed on an op of the peer; the op is kept for the admin. Source: 0.5."""
        lines, _ = self.desks(tx)
        line = lines.by_id(line_id)
        if line is None or line.peer != peer:
            self._quarantine(lines, peer, line_id, wire, reason)
        else:
            self._suspend(lines, line, wire, reason)
            self.finish(tx, lines)

    def stop_where_both_lost(self, tx: Tx) -> list[SchemeId]:
        """Stop the lines on which both sides lost ops; return with whom. Source: 6.8."""
        lines, _ = self.desks(tx)
        lost = find_lost(tx, lines, self._books)
        for line, reason in lost:
            freeze(lines, line, reason)
        self.finish(tx, lines)
        return [line.peer for line, _ in lost]

    def take_answer(self, tx: Tx, line_id: LineId, answer: SyncAnswer, wire: bytes = b"") -> bool:
        """Note what the peer holds, and keep its first `wire` form; tell whether the line is usable now. Source: 6.7 (a), (c), (d)."""
        lines, payments = self.desks(tx)
        line = lines.by_id(line_id)
        if line is None or line.peer != answer.author or answer.epoch != line.state.epoch:
            return False
        if line.status == SUSPENDED:
            return False
        contradicts = other_past(lines, line, answer)
        if contradicts:
            self._suspend(lines, line, encode_message(answer), contradicts)
            self.finish(tx, lines)
            return False
        was_usable = line.usable
        if not was_usable:
            # Once it is usable, ops of the peer still on their way do not make it less so: (c) asks this of one answer.
            line.announced = answer.own_length
            line.horizon = max(line.horizon, answer.own_length)
        if wire and not line.synced:
            self._misdeeds.keep_answer(tx, line, wire)
        line.synced = True
        line.returned = answer.seen_length
        line.seen = min(answer.seen_length, line.state.own_length)
        line.heard_ms = lines.now_ms
        lines.touch(line)
        if line.usable and not was_usable:
            self._can_be_used(lines, payments, line)
        self.finish(tx, lines)
        return line.usable

    def store_seen(self, tx: Tx, seen: dict[LineId, int]) -> None:
        """Note how much of my chains peers have stored."""
        lines, _ = self.desks(tx)
        for line_id, length in seen.items():
            line = lines.by_id(line_id)
            if line is not None and line.seen < length <= line.state.own_length:
                line.seen, line.heard_ms = length, lines.now_ms
                lines.touch(line)
        self.finish(tx, lines)

    # --- what admins do ---------------------------------------------------------------------------------------

    def propose(self, tx: Tx, peer: SchemeId, nonce: bytes, limit: Limit, own_ceiling: int | None) -> LineId:
        """Open a line over new terms. Raises LineRefused."""
        if peer == self._keyring.scheme:
            raise LineRefused("That is us.")
        lines, _ = self.desks(tx)
        known = lines.by_peer(peer)
        if known is not None and known.status == ASKED:
            raise LineRefused("They have asked us already.")
        if known is not None and known.status == CLOSED and known.state.owed:
            raise LineRefused(
                "What is owed from the time before must be settled first, or you go on with it together."
            )
        if known is not None and known.status != CLOSED:
            raise LineRefused("We are in touch with them already.")
        low, high = sorted((peer, self._keyring.scheme))
        line = lines.open_new(Terms(low=low, high=high, nonce=nonce), OFFERED, own_ceiling)
        self._agree(lines, line, limit)
        self.finish(tx, lines)
        return line.state.line

    def agree(self, tx: Tx, peer: SchemeId, limit: Limit, own_ceiling: int | None) -> LineId:
        """Open our side of a line that the peer opened. Raises LineRefused."""
        lines, payments = self.desks(tx)
        line = lines.by_peer(peer)
        if line is None or line.status != ASKED:
            raise LineRefused("They have not asked us.")
        if line.opened_ms < self.booted_ms and not line.synced:
            # We may have agreed already, and forgotten it in a restore: a second OPEN would fork our chain.
            raise LineRefused(NOT_IN_TOUCH)
        line.own_ceiling = own_ceiling
        self._agree(lines, line, limit)
        line.status = OPEN
        lines.touch(line)
        if line.usable:  # a SYNC was answered while they waited for us
            payments.became_usable(line, self._acceptance_of)
        self.finish(tx, lines)
        return line.state.line

    def _agree(self, lines: LineDesk, line: Line, limit: Limit) -> None:
        terms = line.terms
        lines.author(line, Open(low=terms.low, high=terms.high, nonce=terms.nonce))
        lines.author(line, limit)

    def set_limit(self, tx: Tx, peer: SchemeId, limit: Limit, own_ceiling: int | None) -> None:
        """Write a LIMIT, and keep our own ceiling. Raises LineRefused."""
        lines, _ = self.desks(tx)
        line = lines.by_peer(peer)
        if line is None or line.status != OPEN or not line.usable:
            raise LineRefused(NOT_IN_TOUCH)
        if line.window_full:
            raise LineRefused(NOT_TAKEN)
        before = line.state.mine.limits[1 - line.state.me].owed_max
        if limit.owed_max > before and not self._misdeeds.may_owe_more(peer):
            raise LineRefused(CONTRADICTED)
        line.own_ceiling = own_ceiling
        lines.author(line, limit)
        self.finish(tx, lines)


def _stands(line: Line) -> bool:
    """Tell whether a line keeps its peer from proposing another."""
    return line.status in LIVE - {CLOSED} | {ASKED, SUSPENDED, FROZEN} or (
        line.status == CLOSED and line.state.owed != 0
    )


def _no_op(seq: int) -> Signed[Op]:
    raise OutOfOrder(f"op {seq} is not held")
