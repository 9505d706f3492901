"""A session: frames to and from one proved peer over one channel, until it ends.

Three tasks a session and none a frame: one reads, one handles, one writes. Answers go straight to who asked,
so a handler may ask the same peer something itself. While the handler is behind, nothing more is read.
Which session with a peer counts is decided in `links.py`. Source: docs/protocol.md 9.3.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

import structlog

from crypto.canonical import Value
from node.federation.budget import Allowance, Budget
from node.federation.channel import Channel, ChannelClosed
from node.federation.dispatch import AnsweredWithError, Dispatch, FrameHandler, NoAnswer, Quarantine
from node.federation.outbox import Counts, Outbox
from node.store.errors import StoreError
from protocol.errors import MalformedMessage, NotAuthentic, ProtocolError
from protocol.frame import (
    ANSWER_OF,
    ANSWERS,
    NO_REQUEST,
    PRIORITY,
    CloseCode,
    Frame,
    FrameType,
    Priority,
    UnknownFrame,
    decode_frame,
    encode_frame,
)
from protocol.limits import (
    PING_INTERVAL_MS,
    REQUEST_ID_MAX,
    REQUEST_TIMEOUT_MS,
    SESSION_FAULTS_MAX,
    SESSION_FAULTS_WINDOW_MS,
    SESSION_IDLE_MS,
    SESSION_INBOX_BYTES,
    SESSION_INBOX_FRAMES,
    SESSION_REQUESTS_MAX,
)
from protocol.names import scheme_text
from protocol.session import Terms

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# A farewell that the other side does not take in this time is not said.
FAREWELL_S: Final = 2.0
# What no honest node sends even by accident: one is enough.
GRAVE: Final = (MalformedMessage, NotAuthentic)
ERROR_TEXT_CHARACTERS: Final = 200
# Frames read in one go, where very many have arrived: a few milliseconds, in which nobody else is served.
FRAMES_AT_A_TIME: Final = 32


class Session:
    """See the head of this file. `run` does everything; the other methods may be called while it runs."""

    def __init__(
        self,
        channel: Channel,
        terms: Terms,
        dispatch: Dispatch,
        quarantine: Quarantine,
        allowance: Allowance | None = None,
    ):
        self.terms: Final = terms
        self.peer: Final = terms.peer
        self.counts: Final = Counts()
        self.is_older = False  # a newer session took over: what comes is dropped unread, 6.7 e
        self._channel = channel
        self._dispatch = dispatch
        self._quarantine = quarantine
        self._loop = asyncio.get_running_loop()
        self._allowance = allowance or Allowance()
        self._budget = Budget(self._allowance, self._loop.time())
        self._outbox = Outbox()
        self._inbox: tuple[deque[tuple[Frame, bytes]], ...] = tuple(deque() for _ in Priority)
        self._inbox_size = 0
        self._inbox_bytes = 0
        self._writer_waits: asyncio.Future[None] | None = None
        self._worker_waits: asyncio.Future[None] | None = None
        self._reader_waits: asyncio.Future[None] | None = None
        self._room_waits: deque[asyncio.Future[None]] = deque()
        self._sending_directly = False
        self._throttled = False
        self._pending: dict[int, tuple[FrameType, asyncio.Future[Frame]]] = {}
        self._last_request_id = NO_REQUEST
        self._heard_at = self._loop.time()
        self._faults: deque[float] = deque()
        self._ending: asyncio.Future[ChannelClosed] = self._loop.create_future()
        self._timer = self._loop.call_later(PING_INTERVAL_MS / 1000, self._tick)

    # --- life ---

    async def run(self) -> ChannelClosed:
        """Carry the session to its end, and return how it ended."""
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(work()) for work in (self._read, self._work, self._write)]
                closed = await asyncio.shield(self._ending)
                for task in running:
                    task.cancel()
        finally:
            self.end(CloseCode.GOING_AWAY)
            self._timer.cancel()
            self._abandon_requests()
            await self._farewell()
        return closed

    def end(self, code: int) -> None:
        """Let the session end with `code`; `run` does the rest."""
        if not self._ending.done():
            self._ending.set_result(ChannelClosed(code, by_peer=False))

    @property
    def is_ended(self) -> bool:
        """Whether the session is over, or about to be."""
        return self._ending.done()

    @property
    def ended_with(self) -> ChannelClosed | None:
        """How the session ended; None while it lives."""
        return self._ending.result() if self._ending.done() else None

    def demote(self) -> None:
        """Drop what has come and will come: a newer session counts. Source: 6.7 e."""
        self.is_older = True
        self.counts.dropped += self._inbox_size
        for queue in self._inbox:
            queue.clear()
        self._inbox_size = self._inbox_bytes = 0
        _wake(self._reader_waits)

    def promote(self) -> None:
        """Count again: the newer session ended first."""
        self.is_older = False

    def allow(self, allowance: Allowance) -> None:
        """Let the peer cost this much from now on."""
        if allowance != self._allowance:
            self._allowance = allowance
            self._budget = Budget(allowance, self._loop.time())

    # --- sending ---

    def offer(self, kind: FrameType, payload: Value = None, *, request_id: int = NO_REQUEST) -> bool:
        """Queue a frame and return True, or False if its queue is full or the session over: then it is not sent.

        For what is repaired in another way: ops by SYNC, items by the next exchange of clocks.
        """
        return self.offer_encoded(PRIORITY[kind], encode_frame(Frame(kind, payload, request_id)))

    def offer_encoded(self, priority: Priority, data: bytes) -> bool:
        """Like `offer`, for a frame that goes to many and is encoded once."""
        if self._ending.done() or not self._outbox.put(priority, data):
            return False
        _wake(self._writer_waits)
        return True

    async def send(self, kind: FrameType, payload: Value = None, *, request_id: int = NO_REQUEST) -> None:
        """Send a frame, waiting for room. Raises ChannelClosed."""
        data = encode_frame(Frame(kind, payload, request_id))
        if self._ending.done():
            raise self._ending.result()
        if not self._sending_directly and self._writer_waits is not None and not self._writer_waits.done():
            # Nothing is queued: handing it over here spares waking another task.
            self._sending_directly = True
            try:
                await self._transmit(data)
            finally:
                self._sending_directly = False
            return
        while not self.offer_encoded(PRIORITY[kind], data):
            if self._ending.done():
                raise self._ending.result()
            room: asyncio.Future[None] = self._loop.create_future()
            self._room_waits.append(room)
            await room

    async def answer(self, question: Frame, payload: Value) -> None:
        """Answer a request with the type of frame that belongs to it. Raises ChannelClosed."""
        await self.send(ANSWER_OF[question.type], payload, request_id=question.request_id)

    async def request(
        self, kind: FrameType, payload: Value, *, timeout_ms: int = REQUEST_TIMEOUT_MS
    ) -> Frame:
        """Send a question and return its answer.

        Raises:
            NoAnswer: none came in time, the session ended, or too many requests wait already.
            AnsweredWithError: the peer says what is wrong with the question.
        """
        if self._ending.done() or len(self._pending) >= SESSION_REQUESTS_MAX:
            raise NoAnswer("the session is over" if self._ending.done() else "too many requests wait")
        request_id = self._last_request_id = self._last_request_id % REQUEST_ID_MAX + 1
        answer: asyncio.Future[Frame] = self._loop.create_future()
        self._pending[request_id] = (ANSWER_OF[kind], answer)
        timer = self._loop.call_later(timeout_ms / 1000, _fail, answer, NoAnswer("no answer in time"))
        try:
            await self.send(kind, payload, request_id=request_id)
            return await answer
        except ChannelClosed as closed:
            raise NoAnswer(str(closed)) from None
        finally:
            timer.cancel()
            self._pending.pop(request_id, None)
            if not answer.cancel() and not answer.cancelled():
                answer.exception()  # looked at, so that asyncio does not call it forgotten

    async def spend_checks(self, count: int) -> None:
        """Pay for `count` signature checks before making them; waits while the peer is over its budget."""
        wait = self._budget.checks(count, self._loop.time())
        if wait:
            await asyncio.sleep(wait)

    # --- the three tasks ---

    async def _read(self) -> None:
        channel, counts, time = self._channel, self.counts, self._loop.time
        try:
            while True:
                data = await channel.receive()
                now = self._heard_at = time()
                counts.frames_in += 1
                counts.bytes_in += len(data)
                wait = self._budget.frame(len(data), now)
                if wait:
                    await self._throttle(wait)
                elif counts.frames_in % FRAMES_AT_A_TIME == 0:
                    # What has arrived is handed over without a pause; others want their turn meanwhile.
                    await asyncio.sleep(0)
                if self.is_older:
                    counts.dropped += 1
                else:
                    await self._sort(data)
        except ChannelClosed as closed:
            if not self._ending.done():
                self._ending.set_result(closed)
        except MalformedMessage as error:
            self._log_fault(error)
            self.end(CloseCode.MALFORMED)

    async def _throttle(self, seconds: float) -> None:
        self._throttled = True
        await asyncio.sleep(seconds)
        self._throttled = False
        self._heard_at = self._loop.time()

    async def _sort(self, data: bytes) -> None:
        frame = decode_frame(data)
        if isinstance(frame, UnknownFrame):
            self.counts.unknown += 1
            if frame.request_id != NO_REQUEST:
                self.offer(FrameType.ERROR, "unknown", request_id=frame.request_id)
            return
        kind = frame.type
        if kind in ANSWERS and self._answered(frame):
            return
        if kind is FrameType.PING:
            self.offer(FrameType.PONG, None, request_id=frame.request_id)
        elif kind is FrameType.GREETING or kind is FrameType.HELLO:
            raise MalformedMessage("a second handshake")
        else:
            self._inbox[PRIORITY[kind]].append((frame, data))
            self._inbox_size += 1
            self._inbox_bytes += len(data)
            _wake(self._worker_waits)
            while self._inbox_size >= SESSION_INBOX_FRAMES or self._inbox_bytes > SESSION_INBOX_BYTES:
                self._reader_waits = self._loop.create_future()
                await self._reader_waits
                self._heard_at = self._loop.time()

    def _answered(self, frame: Frame) -> bool:
        """Give `frame` to who asked; tell whether it needs no handler."""
        expected, answer = self._pending.pop(frame.request_id, (None, None))
        if answer is None or answer.done():
            # A late answer may still be of use to a service (a SYNC answer is signed); others are forgotten.
            if self._dispatch.handler_of(frame.type) is not None:
                return False
            self.counts.unasked += frame.request_id != NO_REQUEST
        elif frame.type is FrameType.ERROR:
            code = frame.payload if type(frame.payload) is str else "error"
            answer.set_exception(AnsweredWithError(code[:ERROR_TEXT_CHARACTERS]))
        elif frame.type is not expected:
            answer.set_exception(NoAnswer("answered with something else"))
            raise MalformedMessage(f"{frame.type.name} does not answer what was asked")
        else:
            answer.set_result(frame)
        return True

    async def _work(self) -> None:
        while True:
            taken = self._take()
            if taken is None:
                self._worker_waits = self._loop.create_future()
                await self._worker_waits
                continue
            frame, data = taken
            handler = self._dispatch.handler_of(frame.type)
            if handler is None:
                self.counts.unknown += 1
                self._tell_error(frame, "unknown")
                continue
            await self._handle(handler, frame, data)

    def _take(self) -> tuple[Frame, bytes] | None:
        for queue in self._inbox:
            if queue:
                taken = queue.popleft()
                self._inbox_size -= 1
                self._inbox_bytes -= len(taken[1])
                if self._reader_waits is not None:
                    _wake(self._reader_waits)
                    self._reader_waits = None
                return taken
        return None

    async def _handle(self, handler: FrameHandler, frame: Frame, data: bytes) -> None:
        try:
            await handler.on_frame(self, frame)
        except ProtocolError as error:
            self._fault(frame, error)
        except (ChannelClosed, NoAnswer) as error:
            # The network's doing: whatever the handler wanted will be wanted again.
            log.info(
                "frame_unfinished", peer=scheme_text(self.peer), frame=frame.type.name, reason=str(error)
            )
        except StoreError:
            # Nobody's input is to blame for a failing disk; the store tells the node itself.
            log.exception("frame_not_stored", peer=scheme_text(self.peer), frame=frame.type.name)
            self.end(CloseCode.TROUBLE)
        except Exception as error:
            # Our own failure on foreign input: keep the input, leave this peer, go on with the others.
            log.exception("frame_failed", peer=scheme_text(self.peer), frame=frame.type.name)
            self._quarantine(self.peer, data, error)
            self.end(CloseCode.TROUBLE)

    async def _write(self) -> None:
        try:
            while True:
                data = self._outbox.take()
                if data is None:
                    self._writer_waits = self._loop.create_future()
                    await self._writer_waits
                    continue
                while self._room_waits:
                    _wake(self._room_waits.popleft())
                await self._transmit(data)
        except ChannelClosed:
            return  # the reader learns the code and ends the session

    async def _transmit(self, data: bytes) -> None:
        self.counts.frames_out += 1
        self.counts.bytes_out += len(data)
        await self._channel.send(data)

    # --- faults, silence, farewell ---

    def _fault(self, frame: Frame, error: ProtocolError) -> None:
        """Count a broken rule; end the session if it is grave or one too many."""
        self._log_fault(error)
        self._tell_error(frame, error.code)
        now = self._loop.time()
        self._faults.append(now)
        while self._faults[0] < now - SESSION_FAULTS_WINDOW_MS / 1000:
            self._faults.popleft()
        if isinstance(error, GRAVE) or len(self._faults) > SESSION_FAULTS_MAX:
            self.end(CloseCode.MISBEHAVED)

    def _log_fault(self, error: ProtocolError) -> None:
        self.counts.faults += 1
        log.warning(
            "peer_broke_a_rule", peer=scheme_text(self.peer), code=error.code, reason=str(error)[:200]
        )

    def _tell_error(self, frame: Frame, code: str) -> None:
        # An error is never answered with an error, so that two nodes cannot play ball.
        if frame.type not in ANSWERS:
            self.offer(FrameType.ERROR, code, request_id=frame.request_id)

    def _tick(self) -> None:
        """Every PING_INTERVAL_MS: ask a silent peer for a sign of life, and leave one that gives none."""
        waiting = self._throttled or (self._reader_waits is not None and not self._reader_waits.done())
        silent_ms = 0 if waiting else (self._loop.time() - self._heard_at) * 1000
        if silent_ms >= SESSION_IDLE_MS:
            self.end(CloseCode.IDLE)
        elif not self._ending.done():
            if silent_ms >= PING_INTERVAL_MS / 2:
                self.offer(FrameType.PING)
            self._timer = self._loop.call_later(PING_INTERVAL_MS / 1000, self._tick)

    def _abandon_requests(self) -> None:
        for _, answer in self._pending.values():
            _fail(answer, NoAnswer("the session ended"))
        while self._room_waits:
            _wake(self._room_waits.popleft())

    async def _farewell(self) -> None:
        """Send what is urgent and still waits (why we leave, say), then close."""
        closed = self._ending.result()
        if closed.by_peer:
            return
        try:
            async with asyncio.timeout(FAREWELL_S):
                while (data := self._outbox.take()) is not None:
                    await self._transmit(data)
                await self._channel.close(closed.code)
        except (TimeoutError, ChannelClosed):
            log.debug("farewell_unheard", peer=scheme_text(self.peer), code=closed.code)


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[Frame], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
