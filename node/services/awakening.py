"""Before a node is awake: whether a neighbour keeps newer books of ours than these, and those books.

A node that starts on an old backup must not write one word before it has them. So nothing else runs yet: sessions are
there, neighbours are asked for what they keep, theirs is given to them, every other question is answered with "unknown" and
asked again later. The keeper that is known is waited for, a little also for the others; where nobody tells of anything
newer the node goes on. Source: docs/protocol.md 6.7 (g).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from crypto.canonical import Value
from node.clock import Chance, Clock
from node.federation.channel import Channel
from node.federation.dispatch import Dispatch, NoAnswer
from node.federation.handshake import Handshaker
from node.federation.links import Dial, Links
from node.federation.session import Session
from node.keyring import Credentials, KeyRing
from node.quarantine import Quarantine
from node.services.copy_fetching import ANSWER_MS, Ask, NothingKept, fetch_parts, find_ahead
from node.services.directory import Directory
from node.services.keeping import Held, Keeping
from node.services.kept_copy import CopyUnusable, Position, read_keeper, read_position
from node.services.line_rows import CLOSED, LIVE, read_lines
from node.services.peers import Network, Peers
from node.store import Store
from node.supervisor import Supervisor
from protocol.errors import MalformedMessage
from protocol.frame import Frame, FrameType
from protocol.limits import WAKE_KEEPER_MS, WAKE_OTHERS_MS
from protocol.names import SchemeId, scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

LOOK_S: Final = 0.1  # how often it is looked whether everybody has answered, or an admin wants to go on
TRY_AGAIN_S: Final = 5.0
LINKS_END_S: Final = 1.0


class Newer(NamedTuple):
    """Books of ours that are newer than the database."""

    keeper: SchemeId
    generation: int
    parts: list[bytes]


class Awakening:
    """See the head of this file. Made on an open store in which nothing else runs."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, keyring: KeyRing, network: Network, allow_lan: bool,
        dial: Dial | None = None,
    ):  # fmt: skip
        self._store: Final = store
        self._keyring: Final = keyring
        dispatch = Dispatch()
        self.directory: Final = Directory(store=store, keyring=keyring, clock=clock)
        self.links: Final = Links(
            own=keyring.scheme,
            handshaker=Handshaker(Credentials(keyring), self.directory, clock, chance),
            dial=dial or self._dial,
            dispatch=dispatch,
            quarantine=Quarantine(store, clock).take,
            chance=chance,
        )
        self._peers: Final = Peers(
            store=store, clock=clock, links=self.links, directory=self.directory, network=network, own=keyring.scheme,
            allow_lan=allow_lan,
        )  # fmt: skip
        self._keeping: Final = Keeping(store=store, dispatch=dispatch, neighbours=frozenset, takes=False)
        self._tasks: Final = Supervisor("awakening")
        self._position = Position(0, 0, 0)
        self._answers: Final[dict[SchemeId, Held | None]] = {}
        self.links.watch(on_up=self._on_up)

    async def _dial(self, scheme: SchemeId) -> Channel:
        return await self._peers.dial(scheme)

    async def find_newer(
        self, hindered: Callable[[str], None], may_go_on: Callable[[], bool]
    ) -> Newer | None:
        """Return the books that a neighbour keeps and this database lacks; None where there are none.

        Where a neighbour says that it has them and does not give them, it is told to `hindered`, and tried again until
        `may_go_on`: only people can decide to do without.
        """
        await self.directory.load()
        self._position = await self._store.read(read_position)
        lines = await self._store.read(read_lines, self._keyring.scheme)
        neighbours = {line.peer for line in lines if line.status in LIVE - {CLOSED}}
        if not neighbours:
            return None
        for neighbour in sorted(neighbours):
            self.links.want(neighbour)
        running = asyncio.get_running_loop().create_task(self.links.run())
        try:
            async with self._keeping.tasks, self._tasks:
                await self._wait_for(neighbours, await self._store.read(read_keeper))
                return await self._fetch(hindered, may_go_on)
        finally:
            self.links.stop()
            await asyncio.wait({running}, timeout=LINKS_END_S)
            running.cancel()

    async def _wait_for(self, neighbours: set[SchemeId], keeper: SchemeId | None) -> None:
        now = asyncio.get_running_loop().time
        began = now()
        while neighbours - self._answers.keys():
            waited_ms = (now() - began) * 1000
            keeper_is_late = keeper in neighbours and keeper not in self._answers
            if waited_ms >= (WAKE_KEEPER_MS if keeper_is_late else WAKE_OTHERS_MS):
                log.info("keepers_not_heard", missing=len(neighbours - self._answers.keys()))
                return
            await asyncio.sleep(LOOK_S)

    def _on_up(self, peer: SchemeId, _session: Session) -> None:
        self._tasks.spawn(self._look_at(peer), "look")

    async def _look_at(self, peer: SchemeId) -> None:
        try:
            self._answers[peer] = await find_ahead(self._asking(peer), self._position, self._keyring.safe)
        except (MalformedMessage, NothingKept) as error:
            log.warning("keeper_not_understood", peer=scheme_text(peer), reason=str(error))
            self._answers[peer] = None
        except CopyUnusable as error:
            # More of a copy that we began, and not to be read with our keys: it is fetched, and people are told.
            log.error("kept_copy_unreadable", peer=scheme_text(peer), reason=str(error))
            self._answers[peer] = Held(self._position.generation, self._position.parts, whole=True)

    def _asking(self, peer: SchemeId) -> Ask:
        async def ask(payload: Value) -> Frame:
            return await self.links.request(peer, FrameType.KEPT_ASK, payload, timeout_ms=ANSWER_MS)

        return ask

    async def _fetch(self, hindered: Callable[[str], None], may_go_on: Callable[[], bool]) -> Newer | None:
        ahead = {peer: held for peer, held in self._answers.items() if held is not None}
        if not ahead:
            return None
        keeper, held = max(ahead.items(), key=lambda each: each[1])
        log.error("kept_copy_is_newer", peer=scheme_text(keeper), generation=held.generation)
        while True:
            try:
                return Newer(keeper, held.generation, await fetch_parts(self._asking(keeper), held))
            except (NoAnswer, MalformedMessage, NothingKept) as error:
                hindered(f"a neighbour keeps newer books and did not send them: {error}")
                if await waited_in_vain(may_go_on):
                    return None


async def waited_in_vain(may_go_on: Callable[[], bool]) -> bool:
    """Wait until something may be tried again; tell whether people want to go on without it before."""
    for _ in range(round(TRY_AGAIN_S / LOOK_S)):
        if may_go_on():
            return True
        await asyncio.sleep(LOOK_S)
    return False
