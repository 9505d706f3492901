"""Who comes into session: asked for its signed descriptor, so that organisers read a name and not a number.

A scheme that asks to trade is heard of by nothing else: its feed is not followed before both have agreed, and its
address is not known here. What it says of itself is kept in memory, for as long as there is room; what follows from
it is for `described` to know. Source: docs/protocol.md 9.1, docs/pages.md 8.12.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from crypto.signing import Signed
from node.clock import Clock
from node.federation.dispatch import Dispatch
from node.federation.links import Links
from node.federation.session import Session
from node.services.directory import Directory
from node.supervisor import Supervisor
from protocol.descriptor import Descriptor, is_current, open_descriptor
from protocol.errors import MalformedMessage, NotAuthentic
from protocol.frame import Frame, FrameType
from protocol.names import SchemeId

# Anybody may come into session; the newest are the ones an organiser is about to look at.
MET_MAX: Final = 256


class Introductions:
    """Asks whoever comes, and answers whoever asks."""

    def __init__(
        self, *, links: Links, dispatch: Dispatch, directory: Directory, clock: Clock, own: Callable[[], bytes],
        described: Callable[[SchemeId, Signed[Descriptor]], Awaitable[None]],
    ):  # fmt: skip
        """`own` returns our own descriptor's wire form; `described` is told what others showed, verified."""
        self._directory: Final = directory
        self._clock: Final = clock
        self._own: Final = own
        self._described: Final = described
        self._met: Final[OrderedDict[SchemeId, Descriptor]] = OrderedDict()
        self._tasks: Final = Supervisor("introductions")
        dispatch.register(self, FrameType.DESCRIPTOR_ASK)
        links.watch(on_up=self._on_up)

    def met(self, scheme: SchemeId) -> Descriptor | None:
        """Return what a scheme said of itself when it was last in session."""
        return self._met.get(scheme)

    async def on_frame(self, session: Session, frame: Frame) -> None:
        """Answer with our own descriptor."""
        await session.answer(frame, self._own())

    def _on_up(self, _scheme: SchemeId, session: Session) -> None:
        self._tasks.spawn(self._ask(session), "introduction")

    async def _ask(self, session: Session) -> None:
        answer = await session.request(FrameType.DESCRIPTOR_ASK, ())
        state = self._directory.state(session.peer)
        if state is None:
            return  # forgotten meanwhile
        if type(answer.payload) is not bytes:
            raise MalformedMessage("a descriptor is bytes")
        # Signed by a session key of whom the session is with: another scheme's cannot be passed on.
        shown = open_descriptor(answer.payload, state)
        if not is_current(shown.body, self._clock.now_ms()):
            raise NotAuthentic("a descriptor that is out of date")
        self._met[session.peer] = shown.body
        self._met.move_to_end(session.peer)
        while len(self._met) > MET_MAX:
            self._met.popitem(last=False)
        await self._described(session.peer, shown)
