"""Lines over the network: ops out until acknowledged, ops in, in order, and SYNC that brings two copies together.

Nothing is decided here: what arrives goes through the units of `line_units.py`, and what was committed is sent. A lost frame costs time, never more. Source: docs/protocol.md 6.5–6.7, 0.4, 0.5.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

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
from node.services.ended_schemes import SchemeDirectory, must_go_on
from node.services.line_desk import LineDesk, reset_for_boot
from node.services.line_frames import bytes_of, line_and, sync_answer
from node.services.line_return import key_of_returned
from node.services.line_rows import REPLACED, Line, Standing, find_line, read_lines
from node.services.line_seen import Seen
from node.services.line_sending import Sending
from node.services.line_stops import Stops
from node.services.line_units import LineUnits
from node.services.misdeeds import Misdeeds, NoMisdeeds
from node.services.nudges import Nudges
from node.services.payer_desk import Ended, Tell
from node.services.payment_desk import AcceptanceOf, PaymentDesk
from node.services.turns import Turns
from node.store import Store, StoreError, Tx
from node.supervisor import Supervisor
from protocol.errors import MalformedMessage, NotAuthentic
from protocol.frame import Frame, FrameType
from protocol.limits import SESSION_IDLE_MS, SYNC_INTERVAL_MS
from protocol.line_ops import Limit, Op, SyncAnswer, SyncAsk
from protocol.message import decode_message, encode_message, open_message
from protocol.names import LineId, SchemeId, scheme_text
from protocol.session import Clocks

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# Ops of one line waiting for the writer. More are dropped and asked for again: SYNC repairs it.
INBOX_OPS_MAX: Final = 1024
BATCH_OPS_MAX: Final = 256
# Questions of one peer about where its copies end, being answered. It has one or two lines and asks about each once.
SYNCS_OF_ONE: Final = 16
# What the last question did not bring is not asked for again before this.
ASK_AGAIN_MS: Final = 1_000


class LineService:
    """See the head of this file. `run` must be running."""

    def __init__(
        self, *, store: Store, keyring: KeyRing, clock: Clock, chance: Chance, links: Links, dispatch: Dispatch,
        directory: SchemeDirectory, books: Books, acceptance_of: AcceptanceOf, on_payment_ended: Ended, tell: Tell = lambda _tx, _trade: None,
        on_lines: Callable[[tuple[Line, ...]], None] | None = None,
        owed_ceiling: Callable[[], int | None] = lambda: None, misdeeds: Misdeeds | None = None,
    ):  # fmt: skip
        self._store: Final = store
        self._keyring: Final = keyring
        self._clock: Final = clock
        self._chance: Final = chance
        self._links: Final = links
        self._directory: Final = directory
        self._misdeeds: Final = misdeeds or NoMisdeeds()
        self._standing: Final = Standing(on_lines, owed_ceiling)
        self._seen: Final = Seen(store, links.offer, self._store_seen)
        self._sending: Final = Sending(store, links, self._seen, keyring)
        self.stops: Final = Stops(clock, links.offer)
        self.units: Final = LineUnits(
            keyring=keyring, clock=clock, books=books, acceptance_of=acceptance_of, on_payment_ended=on_payment_ended,
            tell=tell, takes_locks=self._takes_locks, send=self._sending.send, know=self._know, forget=self._forget,
            on_lines=self._took, owed_ceiling=owed_ceiling, misdeeds=self._misdeeds,
        )  # fmt: skip
        # Ops of one peer for one line: what a stranger says of somebody else's line never meets that line's own.
        self._inbox: Final[dict[tuple[SchemeId, LineId], deque[Signed[Op]]]] = {}
        self._lost_ms: Final[dict[SchemeId, int]] = {}  # since when a scheme is not connected
        self._syncing: Final[dict[LineId, Session]] = {}
        self._answering: Final = Turns(SYNCS_OF_ONE)
        self._asked: Final[dict[LineId, tuple[int, int]]] = {}  # ops held of both chains, and when
        self._sync_again: Final[set[LineId]] = set()
        # There before `run` is, for a peer may be connected sooner; `run` ends what is begun here.
        self._tasks: Final = Supervisor("lines")
        self._nudges: Final = Nudges(store=store, clock=clock, own=keyring.scheme, ask=self._spawn_sync)
        dispatch.register(self, FrameType.OPS, FrameType.SYNC, FrameType.OPS_SEEN, FrameType.LINE_FROZEN)
        links.watch(on_up=self._on_up, on_down=self._on_down)
        self._lines_of: Final[dict[SchemeId, set[LineId]]] = {}

    # --- life -------------------------------------------------------------------------------------------------

    async def boot(self) -> None:
        """Make every line count for nothing until the peer answers this boot, and know whose lines there are."""
        await self._store.write(reset_for_boot)
        self.units.booted_ms = self._clock.now_ms()
        lines = tuple(await self._store.read(read_lines, self._keyring.scheme))
        for line in lines:
            self._know(line)
        self._standing.note(lines)
        self.stops.took(lines)

    async def run(self) -> None:
        """Ask for what is missing, again and again, until cancelled."""
        async with self._tasks:
            self._spawn(self._seen.run_storing(), "seen")
            self._spawn(self._seen.run_telling(), "seen")
            self._spawn(self._nudges.run(), "nudges")
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

    def _store_seen(self, tx: Tx, heard: dict[LineId, int]) -> None:
        self.units.store_seen(tx, heard)  # made after what calls this

    def desks(self, tx: Tx) -> tuple[LineDesk, PaymentDesk]:
        """Return the desks of one unit of work; `finish` ends it."""
        return self.units.desks(tx)

    def finish(self, tx: Tx, lines: LineDesk) -> None:
        """Save the lines a unit touched, and send what it wrote once it is durable."""
        self.units.finish(tx, lines)

    def room_to(self, peer: SchemeId) -> int:
        """Return the most we may lock towards `peer`, by what was last committed; nothing after it wrote two ops at one place, or froze the line."""
        trusted = self._misdeeds.may_be_trusted_with(peer) and not self.stops.is_frozen_at(peer)
        return self._standing.room_to(peer) if trusted else 0

    def credit_to(self, peer: SchemeId) -> int | None:
        """Return the most `peer` may lock towards us where evidence counts against it; None where none does. Source: 10.4."""
        return None if self._misdeeds.may_owe_more(peer) else self._standing.credit_to(peer)

    def _took(self, lines: tuple[Line, ...]) -> None:
        self.stops.took(lines)
        self._standing.changed(lines)

    def _know(self, line: Line) -> None:
        if line.status != REPLACED:
            self._lines_of.setdefault(line.peer, set()).add(line.state.line)

    def _forget(self, line: Line) -> None:
        self._standing.forget(line)
        self._lines_of.get(line.peer, set()).discard(line.state.line)
        if not self._lines_of.get(line.peer):
            self._lines_of.pop(line.peer, None)

    def _takes_locks(self, peer: SchemeId) -> bool:
        """Tell whether a new lock may go to `peer`: not one silent for long, nor whose clock is far off or line frozen. Source: 6.7 d, 6.8, 9.2."""
        if not self._misdeeds.may_be_trusted_with(peer) or self.stops.is_frozen_at(peer):
            return False
        session = self._links.live.get(peer)
        if session is not None:
            return session.terms.clocks is not Clocks.NO_NEW_LOCKS
        lost = self._lost_ms.get(peer)
        return lost is not None and self._clock.now_ms() - lost < SESSION_IDLE_MS

    def _spawn(self, work: Coroutine[Any, Any, object], what: str) -> None:
        self._tasks.spawn(work, what)

    # --- frames -----------------------------------------------------------------------------------------------

    async def on_frame(self, session: Session, frame: Frame) -> None:
        """Take ops, questions and acknowledgements of a peer. Raises ProtocolError."""
        match frame.type:
            case FrameType.OPS:
                await self._on_ops(session, frame)
            case FrameType.SYNC:
                ask = decode_message(SyncAsk, bytes_of(frame.payload))
                if self._answering.are_left(session.peer):
                    self._spawn(self._answer_sync(session, frame, ask), "answer-sync")
            case FrameType.LINE_FROZEN:
                line_id, epoch = line_and(frame.payload)
                if type(epoch) is not int:
                    raise MalformedMessage("not [line, epoch]")
                if line_id in self._lines_of.get(session.peer, ()):
                    self.stops.hear(session.peer, line_id, epoch)
            case _:
                line_id, seen = line_and(frame.payload)
                if type(seen) is not int:
                    raise MalformedMessage("not [line, length]")
                if line_id in self._lines_of.get(session.peer, ()):
                    self._seen.hear(line_id, seen)

    async def _on_ops(self, session: Session, frame: Frame) -> None:
        line_id, wires = line_and(frame.payload)
        if type(wires) is not tuple:
            raise MalformedMessage("not [line, ops]")
        crash.point("ops-arrived")
        await session.spend_checks(len(wires))
        ops = []
        for wire in wires:
            op = open_message(Op, bytes_of(wire), self._line_key_of(session.peer))
            if op.body.line != line_id:
                raise MalformedMessage("an op of another line")
            ops.append(op)
        inbox = self._inbox.get((session.peer, line_id))
        if inbox is not None:  # they are being stored
            inbox.extend(ops[: max(0, INBOX_OPS_MAX - len(inbox))])
        elif ops and self._may_begin(session.peer, line_id):
            self._inbox[session.peer, line_id] = deque(ops)
            self._spawn(self._pump(session.peer, line_id), "take-ops")

    def _may_begin(self, peer: SchemeId, line_id: LineId) -> bool:
        """Tell whether ops may be taken now: anybody may open a line, but one at a time."""
        known = self._lines_of.get(peer, set())
        return line_id in known or all(each != peer or line in known for each, line in self._inbox)

    def _line_key_of(self, peer: SchemeId) -> Callable[[Op | SyncAnswer, int], VerifyingKey | None]:
        # What a neighbour passes on from somebody else is not accepted here, however well signed.
        def key_for(body: Op | SyncAnswer, key_seq: int) -> VerifyingKey | None:
            if body.author == peer:
                return self._directory.key_for(peer, "line", key_seq)
            if body.author == self._keyring.scheme and isinstance(body, Op):
                return key_of_returned(self._keyring.identity, key_seq)
            return None

        return key_for

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
            taken = await self._store.write(self.units.take_ops, line_id, peer, batch)
        except StoreError as error:
            # Nothing was kept; the peer sends it again when the store is well.
            log.warning("ops_not_stored", peer=scheme_text(peer), reason=str(error))
            return
        except Exception as error:  # rule 0.5: our bug on foreign input stops this line, not the node
            log.exception("ops_failed", peer=scheme_text(peer))
            await self._store.write(self.units.suspend, line_id, peer, batch[0].wire, repr(error))
            return
        if taken.ask:
            self._ask_for_missing(line_id, peer, taken.held)
        elif not taken.answered:
            self._seen.tell(peer, line_id, taken.seen)

    def _ask_for_missing(self, line_id: LineId, peer: SchemeId, held: int) -> None:
        """Ask at once for ops that are missing; where asking just now brought nothing, leave it to the next round."""
        now = self._clock.now_ms()
        before, asked_ms = self._asked.get(line_id, (-1, 0))
        if held == before and 0 <= now - asked_ms < ASK_AGAIN_MS:
            return  # else two nodes, one of which lacks what the other acknowledges, would talk without end
        self._asked[line_id] = held, now
        self._spawn_sync(line_id, peer)

    # --- SYNC -------------------------------------------------------------------------------------------------

    def _on_down(self, scheme: SchemeId, _session: Session, _closed: ChannelClosed) -> None:
        self._sending.forget(scheme, self._lines_of.get(scheme, ()))
        self.stops.forget(scheme)
        self._lost_ms[scheme] = self._clock.now_ms()

    def _on_up(self, scheme: SchemeId, _session: Session) -> None:
        self._sending.forget(scheme, self._lines_of.get(scheme, ()))
        self._lost_ms.pop(scheme, None)
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
        self.stops.say(line)
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
        signed = open_message(SyncAnswer, bytes_of(frame.payload), self._line_key_of(peer))
        answer = signed.body
        if answer.line != line_id or answer.boot != self._links.boot:
            raise NotAuthentic("an answer to another question")
        usable = await self._store.write(self.units.take_answer, line_id, answer, signed.wire)
        await self._sending.bring_up(line_id, peer, theirs=answer.own_length, mine=answer.seen_length)
        return usable

    async def _answer_sync(self, session: Session, frame: Frame, ask: SyncAsk) -> None:
        # Counted until it is sent: a peer that does not read what it asks for soon gets no more.
        with self._answering.one(session.peer):
            await self._say_where_we_are(session, frame, ask)

    async def _say_where_we_are(self, session: Session, frame: Frame, ask: SyncAsk) -> None:
        line = await self._store.read(find_line, ask.line, self._keyring.scheme)
        if line is not None and line.peer != session.peer:
            return
        state = None if line is None else line.state
        if not await self._sending.give_offer_back(ask.line, session.peer, ask.epoch):
            return  # they must not offer anew before they know what they offered; they ask again
        answer = sync_answer(ask, self._keyring.scheme, state)
        await session.answer(frame, self._keyring.sign("line", answer).wire)
        if state is not None and ask.epoch > state.epoch:
            # They have gone on, and we do not know of it: asked, they send what we lack (6.8).
            self._spawn_sync(ask.line, session.peer)
        elif state is not None and ask.seen_length <= state.own_length:
            # Also with nothing to send: from here on new ops can follow directly, even if my own SYNC was lost.
            await self._sending.bring_up(ask.line, session.peer, theirs=ask.own_length, mine=ask.seen_length)

    def bring_together(self, peer: SchemeId) -> None:
        """Ask `peer` where its copies end, and send what it lacks, as soon as it is connected: something is to be told."""
        self._sync_all(peer)

    # --- what admins do ---------------------------------------------------------------------------------------

    async def propose(self, peer: SchemeId, limit: Limit, own_ceiling: int | None = None) -> LineId:
        """Open a line with `peer`: they may owe us up to `limit`. It begins when their admins agree. Source: 6.1.

        Raises:
            LineRefused: there is one already, or that scheme has ended.
        """
        must_go_on(self._directory, peer)
        nonce = self._chance.bytes(16)
        line_id = await self._store.write(self.units.propose, peer, nonce, limit, own_ceiling)
        await self._deliver_new(line_id, peer)
        return line_id

    async def agree(self, peer: SchemeId, limit: Limit, own_ceiling: int | None = None) -> LineId:
        """Open our side of a line the peer proposed.

        Raises:
            LineRefused: they have not asked, or have ended.
        """
        must_go_on(self._directory, peer)
        line_id = await self._store.write(self.units.agree, peer, limit, own_ceiling)
        await self._deliver_new(line_id, peer)
        return line_id

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
        await self._store.write(self.units.set_limit, peer, limit, own_ceiling)
