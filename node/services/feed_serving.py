"""Answering what others ask about feeds and identities: only neighbours get feeds. Source: docs/protocol.md 5.5, 5.6."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from node.federation.dispatch import Dispatch
from node.federation.session import Session
from node.services import feed_frames as frames
from node.services.directory import Directory
from node.services.feed_checks import rows_counted
from node.services.feed_store import FRAME_ITEMS_BYTES, find_feed, wires_above, wires_at
from node.services.routes import Routes
from node.services.turns import Turns
from node.store import ReadTx, Store
from node.supervisor import Supervisor
from protocol.errors import MalformedMessage, TooMuch
from protocol.frame import Frame, FrameType
from protocol.names import SchemeId

SERVED_AT_ONCE: Final = 8  # questions of one peer


class FeedServing:
    """See the head of this file. `run` must be running."""

    def __init__(
        self, *, store: Store, dispatch: Dispatch, directory: Directory, routes: Routes, own: SchemeId,
        before_own: Callable[[], Awaitable[None]],
    ):  # fmt: skip
        """`before_own` brings the head of the own feed in step with its rows."""
        self._store: Final = store
        self._directory: Final = directory
        self._routes: Final = routes
        self._own: Final = own
        self._before_own: Final = before_own
        self._serving: Final = Turns(SERVED_AT_ONCE)
        self.tasks: Final = Supervisor("feed-serving")
        dispatch.register(self, FrameType.DELTA_ASK, FrameType.IDS_ASK, FrameType.IDENTITY_ASK)

    async def on_frame(self, session: Session, frame: Frame) -> None:
        """Take a question. Raises ProtocolError."""
        if frame.type is FrameType.IDENTITY_ASK:
            await self._serve_identity(session, frame)
        else:
            self._serve(session, frame)

    async def _serve_identity(self, session: Session, frame: Frame) -> None:
        payload = frame.payload
        if type(payload) is not tuple or len(payload) != 2:
            raise MalformedMessage("not [scheme, seq]")
        scheme, after = payload
        if type(scheme) is not bytes or type(after) is not int:
            raise MalformedMessage("not [scheme, seq]")
        events = self._directory.log(SchemeId(scheme))[max(after, -1) + 1 :]
        await session.answer(frame, next(frames.in_frames(events, FRAME_ITEMS_BYTES), ()))

    def _serve(self, session: Session, frame: Frame) -> None:
        peer, ask = session.peer, frames.read_ask(frame)
        if not self._serving.are_left(peer):
            raise TooMuch("too many questions at once")
        self.tasks.spawn(self._answer(session, frame, ask), "serve")

    async def _answer(self, session: Session, frame: Frame, ask: frames.Ask) -> None:
        peer = session.peer
        with self._serving.one(peer):
            if ask.scheme == self._own and not ask.wanted and not ask.after:
                await self._before_own()
            delta = frame.type is FrameType.DELTA_ASK
            if peer not in self._routes.neighbours:
                value = (frames.NO_DELTA if delta else frames.NO_IDS).value()
            elif delta:
                value = (await self._store.read(_delta, ask)).value()
            else:
                value = (await self._store.read(_ids, ask)).value()
            await session.answer(frame, value)


def _delta(tx: ReadTx, ask: frames.Ask) -> frames.Delta:
    feed = find_feed(tx, ask.scheme)
    if feed is None:
        return frames.NO_DELTA
    if ask.wanted:
        return frames.Delta(b"", False, tuple(wires_at(tx, feed.no, ask.wanted)))
    wires, more = wires_above(tx, feed, ask.after)
    return frames.Delta(feed.head or b"", more, tuple(wires))


def _ids(tx: ReadTx, ask: frames.Ask) -> frames.Ids:
    feed = find_feed(tx, ask.scheme)
    if feed is None or feed.head is None:
        return frames.NO_IDS
    rows, more = rows_counted(tx, feed, ask.after)
    return frames.Ids(feed.head, more, frames.pack_rows(rows))
