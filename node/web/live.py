"""Open pages are told at once that something of their reader's changed: server-sent events, one stream for each page in view.

A stream carries no content: the kinds that changed and the new marks (`live_marks.py`). The page then asks for itself again, as for any
page. What woke a stream is a commit; nothing is asked of the database until one wrote to what the page shows. Nothing is missed between
two streams: whoever comes back says which marks they have. A stream is no use of a session: it neither begins one nor lets it last.

This door has its own checks, as it answers a script and no reader. Source: docs/pages.md 0.4; docs/operating.md; decision 50.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Never

from aiohttp import web

from node.app import Node
from node.services.sessions import Session
from node.store import Remembered
from node.web.live_marks import QUERIES, Marks, marks_text, parse_marks
from node.web.security import HEADERS, Origin

PATH: Final = "/live"
# Sent with a page that a script asks for because it was told to: nobody is at the keyboard, so it is no use of a session.
ASKED_BY_SCRIPT: Final = "X-Live"
# A page in view holds one; so many windows side by side have only people who do not look at them.
STREAMS_OF_MEMBER_MAX: Final = 6
STREAMS_MAX: Final = 200
# Web servers in front of a node end what is silent for a minute.
BEAT_S: Final = 20.0
# A telephone that went out of reach says nothing: its place is free again after this. Whoever is there comes back by itself.
STREAM_S: Final = 600.0
WRITE_TIMEOUT_S: Final = 10.0
COME_BACK_MS: Final = 3000
TRY_AGAIN_S: Final = 60
# Commits that come together are told of together; and with many streams, so many look a second at most: a tenth of a core.
TOGETHER_S: Final = 0.2
LOOKS_PER_S: Final = 50

WhoAsks = Callable[[web.Request], Awaitable[Session | None]]


@dataclass(eq=False, slots=True)
class _Stream:
    """One page in view."""

    request: web.Request
    member_no: int
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_open(self) -> bool:
        """Whether the browser is still there, as far as we know."""
        transport = self.request.transport
        return transport is not None and not transport.is_closing()


class Live:
    """The streams of one application."""

    def __init__(
        self, node: Node, origin: Origin, remembered: Remembered, who_asks: WhoAsks, *, beat_s: float = BEAT_S
    ):
        """Streams show a sign of life every `beat_s` seconds, and look then whether their session has ended."""
        self._node: Final = node
        self._origin: Final = origin
        self._remembered: Final = remembered
        self._who_asks: Final = who_asks
        self._beat_s: Final = beat_s
        self._streams: Final[set[_Stream]] = set()
        self._closing: Final = asyncio.Event()

    def __len__(self) -> int:
        return len(self._streams)

    def add_to(self, app: web.Application) -> None:
        """Open the door in an application, and close it with that."""
        app.router.add_get(PATH, self.serve, allow_head=False)
        app.on_shutdown.append(self._close)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer GET /live?since=MARKS: an event for each change of what the marks name, until one side ends it."""
        marks = parse_marks(request.headers.get("Last-Event-ID", "")) or parse_marks(
            request.query.get("since", "")
        )
        session = await self._admitted(request)
        if marks is None:
            raise web.HTTPBadRequest(text="Which changes are meant?\n")
        stream = _Stream(request, session.member.no)
        if not self._streams:
            self._node.store.changes.watch(self._wake)
        self._streams.add(stream)
        try:
            return await self._tell(stream, marks)
        finally:
            self._streams.discard(stream)
            if not self._streams:
                self._node.store.changes.unwatch(self._wake)

    # --- who may listen ----------------------------------------------------------------------------------------

    async def _admitted(self, request: web.Request) -> Session:
        """Return who listens. Raises an answer in plain words: another site, nobody, not now, too many."""
        # No other site's page can read what is told; neither may it hold places.
        site, sent = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if site not in (None, "same-origin") or sent not in (None, self._origin.url):
            raise web.HTTPForbidden(text="This was asked for by another site's page.\n")
        session = await self._who_asks(request)
        if session is None:
            raise web.HTTPUnauthorized(text="Nobody is logged in here.\n")
        if session.acting is not None:
            # What changes of the member somebody acts for is told to the member.
            raise web.HTTPForbidden(text="Pages of somebody you act for are not told of changes.\n")
        if self._closing.is_set() or self._node.settings.now.maintenance:
            _not_now("The node is being looked after.\n")
        there = [each for each in self._streams if each.is_open]
        if len(there) >= STREAMS_MAX:
            _not_now("Too many pages are open here.\n")
        if sum(each.member_no == session.member.no for each in there) >= STREAMS_OF_MEMBER_MAX:
            raise web.HTTPTooManyRequests(
                text="Too many pages of yours are open.\n", headers={"Retry-After": str(TRY_AGAIN_S)}
            )
        return session

    # --- what is told ------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        for stream in self._streams:
            stream.woken.set()

    async def _close(self, _app: web.Application) -> None:
        """End all streams: the process is about to."""
        self._closing.set()
        self._wake()

    async def _tell(self, stream: _Stream, marks: Marks) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                **HEADERS,
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                # nginx would keep events until a page is full.
                "X-Accel-Buffering": "no",
            }
        )
        try:
            await response.prepare(stream.request)
            await _send(response, f"retry: {COME_BACK_MS}\n\n")
            await self._listen(stream, response, marks)
        except (ConnectionError, TimeoutError):
            pass  # the browser has gone, or takes nothing any more
        return response

    async def _listen(self, stream: _Stream, response: web.StreamResponse, known: Marks) -> None:
        now = asyncio.get_running_loop().time
        until, first = now() + STREAM_S, True
        while first or now() < until:
            first = False
            stream.woken.clear()
            session = await self._who_asks(stream.request)
            if self._closing.is_set() or not stream.is_open:
                return
            if session is None or session.acting is not None or self._node.settings.now.maintenance:
                await _send(response, "event: over\ndata: \n\n")
                return
            marks = await self._marks_of(session, known)
            if different := [kind for kind in marks if marks[kind] != known[kind]]:
                known = marks
                await _send(
                    response,
                    f"event: changed\nid: {marks_text(marks)}\ndata: {' '.join(different)}\n\n",
                )
            if await self._woken(stream):
                await self._gather()
            else:
                await _send(response, ": still here\n\n")

    async def _gather(self) -> None:
        """Wait a moment, as others come with a commit; whoever ends the process does not wait for it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(TOGETHER_S, len(self) / LOOKS_PER_S)):
                await self._closing.wait()

    async def _woken(self, stream: _Stream) -> bool:
        """Wait for a commit; False if there was none until it is time for a sign of life."""
        try:
            async with asyncio.timeout(self._beat_s):
                await stream.woken.wait()
        except TimeoutError:
            return False
        return True

    async def _marks_of(self, session: Session, known: Marks) -> Marks:
        member, now_ms = session.member, self._node.clock.now_ms()
        own = self._node.scheme
        return {
            kind: (await self._remembered.read(now_ms, QUERIES[kind], member.no, member.account_no, own))[0]
            for kind in known
        }


def _not_now(why: str) -> Never:
    raise web.HTTPServiceUnavailable(text=why, headers={"Retry-After": str(TRY_AGAIN_S)})


async def _send(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(WRITE_TIMEOUT_S):
        await response.write(text.encode())
