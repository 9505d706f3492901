"""Lines over the network: ops out until acknowledged, ops in, in order, and SYNC that brings two copies together.

Nothing is decided here: what arrives goes through `line_desk.py` and `payment_desk.py` in one unit of work, and
what was committed is sent. A lost frame costs time, never more. Source: docs/protocol.md 6.5–6.7, 0.4, 0.5.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from sqlalchemy import insert

from crypto.canonical import Value
from crypto.keys import VerifyingKey
from crypto.signing import Signed
from node import crash
from node.clock import Chance, Clock
from node.federation.channel import ChannelClosed
from node.federation.dispatch import Dispatch, NoAnswer
from node.federation.links import Links
from node.federation.session import Session
from node.keyring import KeyRing
from node.services.books import Books
from node.services.line_desk import (
    ASKED,
    OFFERED,
    OPEN,
    REPLACED,
    SUSPENDED,
    Line,
    LineDesk,
    Outgoing,
    find_line,
    read_lines,
    read_ops_after,
    reset_for_boot,
)
from node.services.payment_desk import AcceptanceOf, Ended, PaymentDesk
from node.store import ReadTx, Store, StoreClosed, StoreError, Tx
from node.store.schema import lines as schema
from node.supervisor import Supervisor
from protocol.errors import Forked, InvalidOp, MalformedMessage, NotAuthentic, OutOfOrder
from protocol.frame import Frame, FrameType
from protocol.limits import SESSION_IDLE_MS, SYNC_INTERVAL_MS
from protocol.line import accept, new_line
from protocol.line_ops import Limit, Lock, Op, Open, SyncAnswer, SyncAsk, Terms
from protocol.message import decode_message, encode_message, open_message
from protocol.names import LineId, SchemeId, scheme_text
from protocol.quote import Acceptance
from protocol.session import Clocks

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# Ops of one line waiting for the writer. More are dropped and asked for again: SYNC repairs it.
INBOX_OPS_MAX: Final = 1024
BATCH_OPS_MAX: Final = 256
FRAME_OPS_BYTES: Final = 128 * 1024  # of ops in one frame; half of what a frame may hold
RESEND_OPS: Final = 256
SEEN_EVERY_S: Final = 0.2
ASKED_LINES_MAX: Final = 200  # lines opened by others and not answered yet, from all of them together

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


class LineRefused(Exception):
    """An admin's wish that the state of the line does not allow, in plain words."""


class LineService:
    """See the head of this file. `run` must be running."""

    def __init__(
        self,
        *,
        store: Store,
        keyring: KeyRing,
        clock: Clock,
        chance: Chance,
        links: Links,
        dispatch: Dispatch,
        directory: KeyDirectory,
        books: Books,
        acceptance_of: AcceptanceOf,
        on_payment_ended: Ended,
        on_lines: Callable[[tuple[Line, ...]], None] | None = None,
    ):
        self._store: Final = store
        self._keyring: Final = keyring
        self._clock: Final = clock
        self._chance: Final = chance
        self._links: Final = links
        self._directory: Final = directory
        self._books: Final = books
        self._acceptance_of: Final = acceptance_of
        self._on_payment_ended: Final = on_payment_ended
        self._on_lines: Final = on_lines  # told after each commit that changed lines: routes go by their room
        # Ops of one peer for one line: what a stranger says of somebody else's line never meets that line's own.
        self._inbox: Final[dict[tuple[SchemeId, LineId], deque[Signed[Op]]]] = {}
        self._sent: Final[dict[LineId, int]] = {}  # handed to the session that counts, up to this seq
        self._behind: Final[set[LineId]] = set()
        self._seen: dict[LineId, int] = {}  # acknowledged and not stored yet
        self._seen_waits: Final = asyncio.Event()
        self._lost_ms: Final[dict[SchemeId, int]] = {}  # since when a scheme is not connected
        self._syncing: Final[dict[LineId, Session]] = {}
        self._sync_again: Final[set[LineId]] = set()
        self._tasks: Supervisor | None = None
        dispatch.register(self, FrameType.OPS, FrameType.SYNC, FrameType.OPS_SEEN)
        links.watch(on_up=self._on_up, on_down=self._on_down)
        self._lines_of: Final[dict[SchemeId, set[LineId]]] = {}

    # --- life -------------------------------------------------------------------------------------------------

    async def boot(self) -> None:
        """Make every line count for nothing until the peer answers this boot, and know whose lines there are."""
        await self._store.write(reset_for_boot)
        for line in await self._store.read(read_lines, self._keyring.scheme):
            self._know(line)

    async def run(self) -> None:
        """Ask for what is missing, again and again, until cancelled."""
        async with Supervisor("lines") as self._tasks:
            self._spawn(self._keep_seen(), "seen")
            for scheme in self._links.live:
                self._sync_all(scheme)
            while True:
                await asyncio.sleep(SYNC_INTERVAL_MS / 1000)
                for line in await self._store.read(read_lines, self._keyring.scheme):
                    waiting = line.state.own_length > line.acknowledged
                    if (
                        line.status != REPLACED
                        and (waiting or not line.usable)
                        and line.peer in self._links.live
                    ):
                        self._spawn_sync(line.state.line, line.peer)

    def desks(self, tx: Tx) -> tuple[LineDesk, PaymentDesk]:
        """Return the desks of one unit of work; `finish` ends it."""
        lines = LineDesk(tx, self._keyring, self._clock.now_ms(), self._takes_locks)
        return lines, PaymentDesk(tx, lines, self._books, self._keyring, self._on_payment_ended)

    def finish(self, tx: Tx, lines: LineDesk) -> None:
        """Save the lines a unit touched, and send what it wrote once it is durable."""
        changed = lines.save()
        if changed and self._on_lines is not None:
            tx.on_commit(self._on_lines, changed)
        if lines.outgoing:
            tx.on_commit(self._send, tuple(lines.outgoing))

    def _know(self, line: Line) -> None:
        if line.status != REPLACED:
            self._lines_of.setdefault(line.peer, set()).add(line.state.line)

    def _takes_locks(self, peer: SchemeId) -> bool:
        """Tell whether a new lock may go to `peer`: not one silent for long, nor one whose clock is far off. Source: 6.7 d, 9.2."""
        session = self._links.live.get(peer)
        if session is not None:
            return session.terms.clocks is not Clocks.NO_NEW_LOCKS
        lost = self._lost_ms.get(peer)
        return lost is not None and self._clock.now_ms() - lost < SESSION_IDLE_MS

    def _spawn(self, work: Coroutine[Any, Any, object], what: str) -> None:
        assert self._tasks is not None, "run() is not running"
        self._tasks.spawn(work, what)

    # --- frames -----------------------------------------------------------------------------------------------

    async def on_frame(self, session: Session, frame: Frame) -> None:
        """Take ops, questions and acknowledgements of a peer. Raises ProtocolError."""
        match frame.type:
            case FrameType.OPS:
                await self._on_ops(session, frame)
            case FrameType.SYNC:
                ask = decode_message(SyncAsk, _bytes(frame.payload))
                self._spawn(self._answer_sync(session, frame, ask), "answer-sync")
            case _:
                line_id, seen = _line_and(frame.payload)
                if type(seen) is not int:
                    raise MalformedMessage("not [line, length]")
                self._note_seen(session.peer, line_id, seen)

    async def _on_ops(self, session: Session, frame: Frame) -> None:
        line_id, wires = _line_and(frame.payload)
        if type(wires) is not tuple:
            raise MalformedMessage("not [line, ops]")
        crash.point("ops-arrived")
        await session.spend_checks(len(wires))
        ops = []
        for wire in wires:
            op = open_message(
                Op, _bytes(wire), lambda body, key_seq: self._line_key(session.peer, body, key_seq)
            )
            if op.body.line != line_id:
                raise MalformedMessage("an op of another line")
            ops.append(op)
        inbox = self._inbox.get((session.peer, line_id))
        if inbox is not None:  # they are being stored
            inbox.extend(ops[: max(0, INBOX_OPS_MAX - len(inbox))])
        elif ops:
            self._inbox[session.peer, line_id] = deque(ops)
            self._spawn(self._pump(session.peer, line_id), "take-ops")

    def _line_key(self, peer: SchemeId, body: Op | SyncAnswer, key_seq: int) -> VerifyingKey | None:
        # What a neighbour passes on from somebody else is not accepted here, however well signed.
        return self._directory.key_for(peer, "line", key_seq) if body.author == peer else None

    async def _pump(self, peer: SchemeId, line_id: LineId) -> None:
        """Store what has come for a line, in batches, one after the other."""
        inbox = self._inbox[peer, line_id]
        try:
            while inbox:
                batch = [inbox.popleft() for _ in range(min(len(inbox), BATCH_OPS_MAX))]
                await self._store_batch(peer, line_id, batch)
        finally:
            del self._inbox[peer, line_id]

    async def _store_batch(self, peer: SchemeId, line_id: LineId, batch: list[Signed[Op]]) -> None:
        try:
            taken = await self._store.write(self.take_ops, line_id, peer, batch)
        except StoreError as error:
            # Nothing was kept; the peer sends it again when the store is well.
            log.warning("ops_not_stored", peer=scheme_text(peer), reason=str(error))
            return
        except Exception as error:  # rule 0.5: our bug on foreign input stops this line, not the node
            log.exception("ops_failed", peer=scheme_text(peer))
            await self._store.write(self._suspend_unit, line_id, peer, batch[0].wire, repr(error))
            return
        if taken.ask:
            self._spawn_sync(line_id, peer)
        elif not taken.answered:
            self._links.offer(peer, FrameType.OPS_SEEN, (line_id, taken.seen))

    # --- units ------------------------------------------------------------------------------------------------

    def take_ops(self, tx: Tx, line_id: LineId, peer: SchemeId, batch: Sequence[Signed[Op]]) -> Taken:
        """Store the peer's ops and all they cause. One transaction. Source: 0.4."""
        lines, payments = self.desks(tx)
        line = lines.by_id(line_id) or self._first_heard(lines, peer, batch[0])
        if line is None or line.peer != peer or line.status == SUSPENDED:
            return Taken(0, answered=False, ask=False)
        ask = False
        for op in batch:
            was_usable = line.usable
            try:
                fresh = lines.accept(line, op)
            except OutOfOrder:
                ask = True
                break
            except (InvalidOp, Forked) as error:
                self._suspend(lines, line, op.wire, f"{error.code}: {error}")
                break
            if not fresh:
                continue
            if isinstance(op.body.step, Open):
                ask = self._peer_opened(lines, line) or ask
            payments.on_step(line, op, self._acceptances(op))
            if line.usable and not was_usable:
                payments.became_usable(line, self._acceptance_of)
        answered = any(each[0] == line_id for each in lines.outgoing)
        self.finish(tx, lines)
        return Taken(line.state.peer_length, answered=answered, ask=ask)

    def _acceptances(self, op: Signed[Op]) -> dict[bytes, Signed[Acceptance]]:
        step = op.body.step
        if not isinstance(step, Lock) or step.route:
            return {}
        acceptance = self._acceptance_of(step)
        return {} if acceptance is None else {op.id: acceptance}

    def _first_heard(self, lines: LineDesk, peer: SchemeId, op: Signed[Op]) -> Line | None:
        """Return a new line that the peer opens, if its first op does; None for anything else."""
        step = op.body.step
        known = lines.all()
        asked = sum(line.status == ASKED for line in known)
        if not isinstance(step, Open) or op.body.seq != 1 or asked >= ASKED_LINES_MAX:
            return None
        if any(line.peer == peer and line.status in (ASKED, OPEN, SUSPENDED) for line in known):
            return None  # one line with each peer; a second proposal waits for the first to end
        terms = Terms(low=step.low, high=step.high, nonce=step.nonce)
        if {terms.low, terms.high} != {peer, self._keyring.scheme}:
            return None
        try:
            # Looked at before anything is stored: a stranger's nonsense leaves no line behind, not even a suspended one.
            accept(new_line(terms, self._keyring.scheme), op, _no_own_op)
        except (InvalidOp, OutOfOrder):
            return None
        line = lines.open_new(terms, ASKED)
        lines.tx.on_commit(self._know, line)
        return line

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

    def _quarantine(self, lines: LineDesk, peer: SchemeId, line_id: LineId, wire: bytes, reason: str) -> None:
        lines.tx.run(
            _QUARANTINE, at_ms=lines.now_ms, peer=peer, line_id=line_id, data=wire, reason=reason[:500]
        )

    def _suspend_unit(self, tx: Tx, line_id: LineId, peer: SchemeId, wire: bytes, reason: str) -> None:
        lines, _ = self.desks(tx)
        line = lines.by_id(line_id)
        if line is None or line.peer != peer:
            self._quarantine(lines, peer, line_id, wire, reason)
        else:
            self._suspend(lines, line, wire, reason)
            lines.save()

    def take_answer(self, tx: Tx, line_id: LineId, answer: SyncAnswer) -> bool:
        """Note what the peer holds; tell whether the line is usable now. Source: 6.7 (a), (c), (d)."""
        lines, payments = self.desks(tx)
        line = lines.by_id(line_id)
        if line is None or line.peer != answer.author or answer.epoch != line.state.epoch:
            return False
        if line.status == SUSPENDED:
            return False
        other_past = _other_past(lines, line, answer)
        if other_past:
            self._suspend(lines, line, encode_message(answer), other_past)
            self.finish(tx, lines)
            return False
        was_usable = line.usable
        if not was_usable:
            # Once it is usable, ops of the peer still on their way do not make it less so: (c) asks this of one answer.
            line.announced = answer.own_length
            line.horizon = max(line.horizon, answer.own_length)
        line.synced = True
        line.returned = answer.seen_length
        line.seen = min(answer.seen_length, line.state.own_length)
        line.heard_ms = lines.now_ms
        lines.touch(line)
        if line.usable and not was_usable:
            payments.became_usable(line, self._acceptance_of)
        self.finish(tx, lines)
        return line.usable

    # --- sending ----------------------------------------------------------------------------------------------

    def _send(self, outgoing: tuple[Outgoing, ...]) -> None:
        """Hand over what a unit wrote, if the session has all that came before it."""
        ready: dict[tuple[LineId, SchemeId], list[tuple[int, bytes]]] = {}
        for line_id, peer, seq, wire in outgoing:
            if self._sent.get(line_id) == seq - 1 and peer in self._links.live:
                self._sent[line_id] = seq
                ready.setdefault((line_id, peer), []).append((seq, wire))
            else:
                self._behind.add(line_id)
        for (line_id, peer), ops in ready.items():
            for part in _frames(ops):
                if not self._links.offer(peer, FrameType.OPS, (line_id, tuple(wire for _, wire in part))):
                    self._sent.pop(line_id, None)  # SYNC brings it in order again
                    break

    def _forget_sent(self, scheme: SchemeId) -> None:
        for line_id in self._lines_of.get(scheme, ()):
            self._sent.pop(line_id, None)

    def _note_seen(self, peer: SchemeId, line_id: LineId, seen: int) -> None:
        if line_id not in self._lines_of.get(peer, ()):
            return
        self._seen[line_id] = max(seen, self._seen.get(line_id, 0))
        self._seen_waits.set()

    async def _keep_seen(self) -> None:
        """Store what peers have acknowledged; together, for nothing waits for it but a word on a page."""
        while True:
            await self._seen_waits.wait()
            await asyncio.sleep(SEEN_EVERY_S)
            self._seen_waits.clear()
            seen, self._seen = self._seen, {}
            try:
                await self._store.write(_store_seen, seen, self._keyring, self._clock.now_ms())
            except StoreClosed:
                return
            except StoreError as error:
                log.warning("seen_not_stored", reason=str(error))  # the next SYNC tells it again

    async def _resend(self, line_id: LineId, peer: SchemeId, after: int) -> None:
        """Send my ops after `after`, then let new ones follow directly."""
        while peer in self._links.live:
            self._behind.discard(line_id)
            ops = await self._store.read(_ops_after, line_id, self._keyring.scheme, after)
            if not ops:
                if line_id in self._behind:
                    continue  # something was committed while the store was read
                # Not less than what a new op or another resend handed over meanwhile.
                self._sent[line_id] = max(after, self._sent.get(line_id, after))
                return
            for part in _frames(ops):
                if not self._links.offer(peer, FrameType.OPS, (line_id, tuple(wire for _, wire in part))):
                    return
                after = part[-1][0]

    # --- SYNC -------------------------------------------------------------------------------------------------

    def _on_down(self, scheme: SchemeId, _session: Session, _closed: ChannelClosed) -> None:
        self._forget_sent(scheme)
        self._lost_ms[scheme] = self._clock.now_ms()

    def _on_up(self, scheme: SchemeId, _session: Session) -> None:
        self._forget_sent(scheme)
        self._lost_ms.pop(scheme, None)
        if self._tasks is not None:
            self._sync_all(scheme)

    def _sync_all(self, scheme: SchemeId) -> None:
        for line_id in sorted(self._lines_of.get(scheme, ())):
            # A session that counts again dropped what came in between, answers too: do not wait for those.
            self._syncing.pop(line_id, None)
            self._spawn_sync(line_id, scheme)

    def _spawn_sync(self, line_id: LineId, peer: SchemeId) -> None:
        # One at a time over a session, and one more if somebody missed something meanwhile.
        session = self._links.live.get(peer)
        if session is None:
            return  # asked when it is connected
        if self._syncing.get(line_id) is session:
            self._sync_again.add(line_id)
            return
        self._syncing[line_id] = session
        self._spawn(self._sync_over(session, line_id, peer), "sync")

    async def _sync_over(self, session: Session, line_id: LineId, peer: SchemeId) -> None:
        try:
            await self.sync(line_id, peer)
        finally:
            if self._syncing.get(line_id) is session:
                del self._syncing[line_id]
                if line_id in self._sync_again:
                    self._sync_again.discard(line_id)
                    self._spawn_sync(line_id, peer)

    async def sync(self, line_id: LineId, peer: SchemeId) -> bool:
        """Ask the peer where its copies end, note it, send what it lacks; tell whether the line is usable."""
        line = await self._store.read(find_line, line_id, self._keyring.scheme)
        if line is None:
            return False
        ask = SyncAsk(
            line=line_id,
            epoch=line.state.epoch,
            boot=self._links.boot,
            own_length=line.state.own_length,
            seen_length=line.state.peer_length,
        )
        try:
            frame = await self._links.request(peer, FrameType.SYNC, encode_message(ask))
        except NoAnswer:
            return False  # asked again at the next connection, or in 15 seconds
        answer = open_message(
            SyncAnswer, _bytes(frame.payload), lambda body, key_seq: self._line_key(peer, body, key_seq)
        ).body
        if answer.line != line_id or answer.boot != self._links.boot:
            raise NotAuthentic("an answer to another question")
        usable = await self._store.write(self.take_answer, line_id, answer)
        await self._resend(line_id, peer, answer.seen_length)
        return usable

    async def _answer_sync(self, session: Session, frame: Frame, ask: SyncAsk) -> None:
        line = await self._store.read(find_line, ask.line, self._keyring.scheme)
        if line is not None and line.peer != session.peer:
            return
        state = None if line is None else line.state
        answer = SyncAnswer(
            line=ask.line,
            epoch=ask.epoch if state is None else state.epoch,
            author=self._keyring.scheme,
            boot=ask.boot,
            own_length=0 if state is None else state.own_length,
            own_id=bytes(32) if state is None else state.own_id,
            seen_length=0 if state is None else state.peer_length,
            seen_id=bytes(32) if state is None else state.peer_id,
        )
        await session.answer(frame, self._keyring.sign("line", answer).wire)
        if state is not None and ask.seen_length <= state.own_length:
            # Also with nothing to send: from here on new ops can follow directly, even if my own SYNC was lost.
            await self._resend(ask.line, session.peer, ask.seen_length)

    # --- what admins do ---------------------------------------------------------------------------------------

    async def propose(self, peer: SchemeId, limit: Limit, own_ceiling: int | None = None) -> LineId:
        """Open a line with `peer`: they may owe us up to `limit`. It begins when their admins agree. Source: 6.1.

        Raises:
            LineRefused: there is one already.
        """
        nonce = self._chance.bytes(16)
        line_id = await self._store.write(self._propose, peer, nonce, limit, own_ceiling)
        await self._deliver_new(line_id, peer)
        return line_id

    def _propose(self, tx: Tx, peer: SchemeId, nonce: bytes, limit: Limit, own_ceiling: int | None) -> LineId:
        if peer == self._keyring.scheme:
            raise LineRefused("That is us.")
        lines, _ = self.desks(tx)
        known = lines.by_peer(peer)
        if known is not None:
            raise LineRefused(
                "They have asked us already."
                if known.status == ASKED
                else "We are in touch with them already."
            )
        low, high = sorted((peer, self._keyring.scheme))
        line = lines.open_new(Terms(low=low, high=high, nonce=nonce), OFFERED, own_ceiling)
        self._agree(lines, line, limit)
        self.finish(tx, lines)
        return line.state.line

    async def agree(self, peer: SchemeId, limit: Limit, own_ceiling: int | None = None) -> LineId:
        """Open our side of a line the peer proposed.

        Raises:
            LineRefused: they have not asked.
        """
        line_id = await self._store.write(self._agree_unit, peer, limit, own_ceiling)
        await self._deliver_new(line_id, peer)
        return line_id

    def _agree_unit(self, tx: Tx, peer: SchemeId, limit: Limit, own_ceiling: int | None) -> LineId:
        lines, payments = self.desks(tx)
        line = lines.by_peer(peer)
        if line is None or line.status != ASKED:
            raise LineRefused("They have not asked us.")
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

    async def _deliver_new(self, line_id: LineId, peer: SchemeId) -> None:
        self._lines_of.setdefault(peer, set()).add(line_id)
        if peer in self._links.live:
            await self.sync(line_id, peer)
        else:
            self._links.want(peer)

    async def set_limit(self, peer: SchemeId, limit: Limit, own_ceiling: int | None) -> None:
        """Change what the peer may owe us, and what we allow ourselves to owe.

        Raises:
            LineRefused: the line is not usable now.
        """
        await self._store.write(self._set_limit, peer, limit, own_ceiling)

    def _set_limit(self, tx: Tx, peer: SchemeId, limit: Limit, own_ceiling: int | None) -> None:
        lines, _ = self.desks(tx)
        line = lines.by_peer(peer)
        if line is None or not line.usable:
            raise LineRefused("We are not in touch with them now. Try again when they have been heard.")
        if line.window_full:
            raise LineRefused("They have not yet taken what we wrote before. Try again later.")
        line.own_ceiling = own_ceiling
        lines.author(line, limit)
        self.finish(tx, lines)


# --- reading ------------------------------------------------------------------------------------------------


def _ops_after(tx: ReadTx, line_id: LineId, me: SchemeId, after: int) -> list[tuple[int, bytes]]:
    line = find_line(tx, line_id, me)
    return [] if line is None else read_ops_after(tx, line, after, RESEND_OPS)


def _no_own_op(seq: int) -> Signed[Op]:
    raise OutOfOrder(f"op {seq} is not held")


def _other_past(lines: LineDesk, line: Line, answer: SyncAnswer) -> str:
    """Return how the answer contradicts the ops I hold; empty if it does not. Source: 6.5, 6.8."""
    state = line.state
    if 0 < answer.seen_length <= state.own_length:
        held = (
            state.own_id
            if answer.seen_length == state.own_length
            else lines.own_op_of(line)(answer.seen_length).id
        )
        if held != answer.seen_id:
            return "they hold another op of ours than we do"
    if 0 < answer.own_length <= state.peer_length:
        held = (
            state.peer_id
            if answer.own_length == state.peer_length
            else lines.peer_op(line, answer.own_length).id
        )
        if held != answer.own_id:
            return "they name another op of theirs than we hold"
    return ""


def _store_seen(tx: Tx, seen: dict[LineId, int], keyring: KeyRing, now_ms: int) -> None:
    lines = LineDesk(tx, keyring, now_ms)
    for line_id, length in seen.items():
        line = lines.by_id(line_id)
        if line is not None and line.seen < length <= line.state.own_length:
            line.seen, line.heard_ms = length, now_ms
            lines.touch(line)
    lines.save()


def _frames(ops: list[tuple[int, bytes]]) -> list[list[tuple[int, bytes]]]:
    parts: list[list[tuple[int, bytes]]] = [[]]
    size = 0
    for op in ops:
        size += len(op[1])
        if parts[-1] and size > FRAME_OPS_BYTES:
            parts.append([])
            size = len(op[1])
        parts[-1].append(op)
    return parts


def _bytes(value: Value) -> bytes:
    if type(value) is not bytes:
        raise MalformedMessage("not bytes")
    return value


def _line_and(value: Value) -> tuple[LineId, Value]:
    if type(value) is not tuple or len(value) != 2 or type(value[0]) is not bytes:
        raise MalformedMessage("not [line, …]")
    return LineId(value[0]), value[1]
