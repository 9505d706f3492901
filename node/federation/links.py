"""Links: with whom this node is in session now, whom it dials, and which of two sessions counts.

Two nodes may dial each other at the same moment, and each may see the two sessions complete in another order.
So that both keep the same one, only one of them closes the other session: the node with the lower scheme id.
Its counterpart sends on the newest and drops what comes on older ones, as rule 6.7 (e) says, but leaves them
open; if the newest is then closed as superseded, the older one counts again and `on_up` is told.
A peer that booted anew cannot use its old session, so then whoever notices closes it.
Source: docs/protocol.md 6.7 (e), 9.1, 9.2; what arrives is handled through `dispatch.py`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

import structlog

from crypto.canonical import Value
from node.clock import Chance
from node.federation.addresses import network_of
from node.federation.budget import FRIEND, STRANGER, Allowance
from node.federation.channel import Channel, ChannelClosed
from node.federation.dispatch import Dispatch, NoAnswer, Quarantine
from node.federation.handshake import HandshakeFailed, Handshaker, Shaken
from node.federation.session import Session
from protocol.frame import NO_REQUEST, PRIORITY, CloseCode, Frame, FrameType, encode_frame
from protocol.limits import (
    DIAL_TIMEOUT_MS,
    HANDSHAKE_TIMEOUT_MS,
    HANDSHAKES_MAX,
    HANDSHAKES_OF_ONE_MAX,
    REDIAL_FIRST_MS,
    REDIAL_FORGIVEN_AFTER_MS,
    REDIAL_MOST_MS,
    REQUEST_TIMEOUT_MS,
    SESSIONS_MAX,
    STRANGER_SESSIONS_MAX,
)
from protocol.names import SchemeId, scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# One that counts, and one older one while its closing is on the way.
SESSIONS_PER_PEER: Final = 2

# A node whose place another copy took waits as after this many failed dials: about a minute.
COPY_FAILURES: Final = 6

# Ends that say nothing about either node: a session that carried something before is taken up again soon.
WEATHER: Final = frozenset({CloseCode.LOST, CloseCode.IDLE, CloseCode.GOING_AWAY})

# Opens a channel to a scheme at one of its known addresses. Raises OSError or ChannelClosed.
Dial: TypeAlias = Callable[[SchemeId], Awaitable[Channel]]
OnUp: TypeAlias = Callable[[SchemeId, Session], None]
OnDown: TypeAlias = Callable[[SchemeId, Session, ChannelClosed], None]
OnIdentity: TypeAlias = Callable[[SchemeId, tuple[bytes, ...]], None]


class _Dialled(NamedTuple):
    """What came of a dial."""

    code: int  # with which it, or its session, ended
    carried: bool = False  # whether anything of the peer came in session


class _Wanted:
    """A scheme to keep in session with."""

    __slots__ = ("down", "hurry")

    def __init__(self) -> None:
        self.down = asyncio.Event()  # the last session with it is over
        self.hurry = asyncio.Event()  # dial now, whatever the back-off says


class Links:
    """See the head of this file. `run` must be running for anything to happen."""

    def __init__(
        self,
        *,
        own: SchemeId,
        handshaker: Handshaker,
        dial: Dial,
        dispatch: Dispatch,
        quarantine: Quarantine,
        chance: Chance,
        is_friend: Callable[[SchemeId], bool] = lambda _scheme: True,
    ):
        """`is_friend` tells whether a scheme is more than a stranger; those we dial are in any case."""
        self._own = own
        self._handshaker = handshaker
        self._dial = dial
        self._dispatch = dispatch
        self._quarantine = quarantine
        self._chance = chance
        self._is_friend = is_friend
        self._sessions: dict[SchemeId, list[Session]] = {}  # the newest last; that one counts
        self._current: dict[SchemeId, Session] = {}
        self._wanted: dict[SchemeId, _Wanted] = {}
        self._diallers: dict[SchemeId, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._stopping = asyncio.Event()
        self._shaking: Counter[str] = Counter()  # callers not yet proved, by network
        self._on_up: list[OnUp] = []
        self._on_down: list[OnDown] = []
        self._on_identity: list[OnIdentity] = []
        self._on_copy: list[Callable[[SchemeId], None]] = []

    # --- what others ask ---

    @property
    def boot(self) -> bytes:
        """The nonce of this boot. Source: 6.7 a."""
        return self._handshaker.boot

    @property
    def live(self) -> Mapping[SchemeId, Session]:
        """The session that counts, for each scheme that is connected."""
        return MappingProxyType(self._current)

    def watch(
        self,
        *,
        on_up: OnUp | None = None,
        on_down: OnDown | None = None,
        on_identity: OnIdentity | None = None,
        on_copy: Callable[[SchemeId], None] | None = None,
    ) -> None:
        """Be told when a session begins to count, when it ends, which identity events a proved peer showed,
        and when a peer says that another copy of this node took our place (attack T31)."""
        self._on_up += [on_up] if on_up else []
        self._on_down += [on_down] if on_down else []
        self._on_identity += [on_identity] if on_identity else []
        self._on_copy += [on_copy] if on_copy else []

    def offer(
        self, scheme: SchemeId, kind: FrameType, payload: Value = None, *, request_id: int = NO_REQUEST
    ) -> bool:
        """Queue a frame to `scheme`; False if it is not connected or its queue is full."""
        session = self._current.get(scheme)
        return session is not None and session.offer(kind, payload, request_id=request_id)

    def offer_all(
        self, kind: FrameType, payload: Value, *, but: SchemeId | None = None
    ) -> tuple[SchemeId, ...]:
        """Queue one frame to everybody connected, encoded once; return who gets it."""
        data = encode_frame(Frame(kind, payload))
        return tuple(
            scheme
            for scheme, session in self._current.items()
            if scheme != but and session.offer_encoded(PRIORITY[kind], data)
        )

    async def send(self, scheme: SchemeId, kind: FrameType, payload: Value = None) -> None:
        """Send a frame, waiting for room. Raises ChannelClosed, also when `scheme` is not connected."""
        session = self._current.get(scheme)
        if session is None:
            raise ChannelClosed()
        await session.send(kind, payload)

    async def request(
        self, scheme: SchemeId, kind: FrameType, payload: Value, *, timeout_ms: int = REQUEST_TIMEOUT_MS
    ) -> Frame:
        """Ask `scheme` and return its answer. Raises NoAnswer, also when it is not connected."""
        session = self._current.get(scheme)
        if session is None:
            raise NoAnswer("not connected")
        return await session.request(kind, payload, timeout_ms=timeout_ms)

    # --- whom to keep in touch with ---

    def want(self, scheme: SchemeId) -> None:
        """Keep a session with `scheme`: dial it whenever there is none. Dials at once if it is already wanted."""
        if scheme == self._own:
            return
        if scheme in self._wanted:
            self._wanted[scheme].hurry.set()
            return
        self._wanted[scheme] = _Wanted()
        self.look_again()
        if self._tasks is not None:
            self._diallers[scheme] = self._tasks.create_task(self._keep_dialling(scheme))

    def look_again(self) -> None:
        """Take in who is a friend now."""
        for sessions in self._sessions.values():
            for session in sessions:
                session.allow(self._allowance_of(session.peer))

    def _trusts(self, scheme: SchemeId) -> bool:
        return scheme in self._wanted or self._is_friend(scheme)

    def _allowance_of(self, scheme: SchemeId) -> Allowance:
        return FRIEND if self._trusts(scheme) else STRANGER

    def forget(self, scheme: SchemeId, code: CloseCode = CloseCode.DONE) -> None:
        """Dial `scheme` no more, and end its sessions."""
        self._wanted.pop(scheme, None)
        dialler = self._diallers.pop(scheme, None)
        if dialler is not None:
            dialler.cancel()
        for session in self._sessions.get(scheme, ()):
            session.end(code)

    async def run(self) -> None:
        """Dial and redial until `stop`; then end every session and return."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for scheme in self._wanted:
                self._diallers[scheme] = tasks.create_task(self._keep_dialling(scheme))
            await self._stopping.wait()
            for dialler in self._diallers.values():
                dialler.cancel()
            for sessions in self._sessions.values():
                for session in sessions:
                    session.end(CloseCode.GOING_AWAY)

    def stop(self) -> None:
        """Let `run` come to its end."""
        self._stopping.set()

    async def accept(self, channel: Channel) -> None:
        """Serve a channel that somebody else dialled; returns when it is over."""
        if self._stopping.is_set():
            await channel.close(CloseCode.GOING_AWAY)
            return
        if (
            self._shaking.total() >= HANDSHAKES_MAX
            or self._shaking[network_of(channel.address)] >= HANDSHAKES_OF_ONE_MAX
            or self._count() >= SESSIONS_MAX
        ):
            await channel.close(CloseCode.BUSY)
            return
        await self._serve(channel, None)

    # --- dialling ---

    async def _keep_dialling(self, scheme: SchemeId) -> None:
        wanted, now, failures = self._wanted[scheme], asyncio.get_running_loop().time, 0
        while True:
            if scheme in self._current:
                wanted.down.clear()
                await wanted.down.wait()
                failures = 0
            else:
                began = now()
                dialled = await self._dial_once(scheme)
                if scheme in self._current:  # the peer's own dial won
                    continue
                lasted = (now() - began) * 1000 > REDIAL_FORGIVEN_AFTER_MS
                served = dialled.carried and dialled.code in WEATHER
                failures = 0 if lasted or served else failures + 1
                if (
                    dialled.code == CloseCode.SUPERSEDED
                ):  # by another copy of this node: do not wrestle with it
                    failures = max(failures, COPY_FAILURES)
            delay_ms = min(REDIAL_MOST_MS, REDIAL_FIRST_MS << min(failures, 16))
            # Half of it by chance, so that the neighbours of a node that restarts do not all come at once.
            delay_ms = delay_ms // 2 + self._chance.below(delay_ms // 2 + 1)
            wanted.hurry.clear()
            try:
                async with asyncio.timeout(delay_ms / 1000):
                    await wanted.hurry.wait()
                failures = 0
            except TimeoutError:
                continue

    async def _dial_once(self, scheme: SchemeId) -> _Dialled:
        """Dial, and stay in session to its end; return what came of it."""
        try:
            async with asyncio.timeout(DIAL_TIMEOUT_MS / 1000):
                channel = await self._dial(scheme)
        except (OSError, TimeoutError, ChannelClosed) as error:
            log.info("dial_failed", peer=scheme_text(scheme), reason=str(error) or type(error).__name__)
            return _Dialled(CloseCode.LOST)
        return await self._serve(channel, scheme)

    async def _serve(self, channel: Channel, peer: SchemeId | None) -> _Dialled:
        """Shake hands as dialler of `peer`, or as listener, and carry the session; return how it ended."""
        try:
            shaken = await self._shake(channel, peer)
            return await self._carry(channel, shaken)
        except HandshakeFailed as failed:
            log.info("handshake_failed", address=channel.address, code=failed.code, by_peer=failed.by_peer)
            return _Dialled(failed.code)
        except Exception:
            # Our own failure on foreign input, outside of any frame: leave this peer, go on with the others.
            log.exception("session_failed", address=channel.address)
            await channel.close(CloseCode.TROUBLE)
            return _Dialled(CloseCode.TROUBLE)

    async def _shake(self, channel: Channel, peer: SchemeId | None) -> Shaken:
        if peer is not None:
            return await self._handshaker.dial(channel, peer)
        caller = network_of(channel.address)
        self._shaking[caller] += 1
        try:
            return await self._handshaker.listen(channel)
        finally:
            self._shaking[caller] -= 1
            self._shaking += Counter()  # keeps only those that are counted

    # --- which session counts ---

    async def _carry(self, channel: Channel, shaken: Shaken) -> _Dialled:
        """Run the session that a handshake opened, from its beginning to its end."""
        peer = shaken.terms.peer
        session = Session(channel, shaken.terms, self._dispatch, self._quarantine, self._allowance_of(peer))
        try:
            for tell in self._on_identity:
                tell(peer, shaken.identity_log)
            self._enter(session)
            if self._stopping.is_set():
                session.end(CloseCode.GOING_AWAY)
            closed = await session.run()
            return _Dialled(closed.code, carried=session.counts.frames_in > 0)
        finally:
            session.end(CloseCode.TROUBLE)
            self._leave(session)

    def _enter(self, session: Session) -> None:
        """Let the newest session count. Source: 6.7 e."""
        peer = session.peer
        if not self._trusts(peer):
            self._make_room_for_stranger()
        sessions = self._sessions.setdefault(peer, [])
        # The peer booted since, or it is ours to choose, or there are more than any honest race leaves.
        for older in sessions:
            other_boot = older.terms.peer_boot != session.terms.peer_boot
            if self._own < peer or other_boot or len(sessions) >= SESSIONS_PER_PEER:
                older.end(CloseCode.SUPERSEDED)
            older.demote()
        sessions.append(session)
        self._count_on(session)

    def _make_room_for_stranger(self) -> None:
        """End the session of whoever came first, if strangers have as many as they may: it has said what it came for."""
        strangers = [each for peer, each in self._sessions.items() if each and not self._trusts(peer)]
        if sum(map(len, strangers)) >= STRANGER_SESSIONS_MAX:
            for session in strangers[0]:
                session.end(CloseCode.BUSY)

    def _leave(self, session: Session) -> None:
        peer, closed = session.peer, session.ended_with
        assert closed is not None
        sessions = self._sessions.get(peer, [])
        if session in sessions:
            sessions.remove(session)
        if not sessions:
            self._sessions.pop(peer, None)
        log.info("session_ended", peer=scheme_text(peer), code=closed.code, by_peer=closed.by_peer)
        if self._current.get(peer) is session:
            del self._current[peer]
            for tell in self._on_down:
                tell(peer, session, closed)
            self._fall_back(peer, closed)
        if peer not in self._current and peer in self._wanted:
            self._wanted[peer].down.set()

    def _fall_back(self, peer: SchemeId, closed: ChannelClosed) -> None:
        """Let the newest session that is left count again."""
        left = [session for session in self._sessions.get(peer, ()) if not session.is_ended]
        if left:
            left[-1].promote()
            self._count_on(left[-1])
        elif closed.by_peer and closed.code == CloseCode.SUPERSEDED:
            # The session that took its place may be ours, its last message still on the way.
            loop = asyncio.get_running_loop()
            loop.call_later(HANDSHAKE_TIMEOUT_MS / 1000, self._suspect_copy, peer)

    def _suspect_copy(self, peer: SchemeId) -> None:
        """Superseded by a session that is not ours: somebody else holds our keys, a second copy most likely."""
        if peer not in self._sessions and not self._stopping.is_set():
            log.error("another_copy_suspected", peer=scheme_text(peer))
            for tell in self._on_copy:
                tell(peer)

    def _count_on(self, session: Session) -> None:
        terms = session.terms
        self._current[session.peer] = session
        log.info(
            "session_counts",
            peer=scheme_text(session.peer),
            role=terms.role,
            peer_session_no=terms.peer_session_no,
            clocks=terms.clocks,
        )
        for tell in self._on_up:
            tell(session.peer, session)

    def _count(self) -> int:
        return sum(map(len, self._sessions.values()))
