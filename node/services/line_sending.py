"""My ops on their way out: each line's in order, those of one commit together, and again from wherever SYNC says.

A lost frame costs time, never more: what is not handed over here is found in the store at the next SYNC.
Source: docs/protocol.md 6.5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from node.federation.links import Links
from node.keyring import KeyRing
from node.services.line_desk import Outgoing
from node.services.line_frames import frames
from node.services.line_return import next_beginning, return_page
from node.services.line_rows import own_ops_after
from node.services.line_seen import Seen
from node.store import Store
from protocol.frame import FrameType
from protocol.line_ops import Op, epoch_of
from protocol.names import LineId, SchemeId

RESEND_OPS: Final = 256

_Ops = list[tuple[int, bytes]]  # seq, wire


class Sending:
    """See the head of this file."""

    def __init__(self, store: Store, links: Links, seen: Seen, keyring: KeyRing):
        self._store: Final = store
        self._links: Final = links
        self._seen: Final = seen
        self._me: Final = keyring.scheme
        self._keyring: Final = keyring
        self._sent: Final[dict[LineId, int]] = {}  # handed to the session that counts, up to this seq
        self._behind: Final[set[LineId]] = set()
        # What the units of one commit wrote and is not handed over yet; None between commits.
        self._turn: dict[tuple[LineId, SchemeId], _Ops] | None = None

    def send(self, outgoing: tuple[Outgoing, ...]) -> None:
        """Hand over what a unit wrote, if the session has all that came before it.

        What other units of the same commit wrote follows in one frame for each line.
        """
        first, self._turn = self._turn is None, self._turn or {}
        for line_id, peer, seq, wire in outgoing:
            if self._sent.get(line_id) == seq - 1 and peer in self._links.live:
                self._sent[line_id] = seq
                self._turn.setdefault((line_id, peer), []).append((seq, wire))
            else:
                self._behind.add(line_id)
        if first:
            self._hand_over()
            asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._hand_over()
        self._turn = None

    def _hand_over(self) -> None:
        ready, self._turn = self._turn or {}, {}
        for (line_id, peer), ops in ready.items():
            self._seen.told_by_op(line_id)
            if not self._offer(line_id, peer, ops):
                self._sent.pop(line_id, None)  # SYNC brings it in order again

    def _offer(self, line_id: LineId, peer: SchemeId, ops: _Ops) -> bool:
        return all(
            self._links.offer(peer, FrameType.OPS, (line_id, tuple(wire for _, wire in part)))
            for part in frames(ops)
        )

    def forget(self, peer: SchemeId, lines: Iterable[LineId]) -> None:
        """Let SYNC say from where to go on: another session counts with `peer`, or none."""
        for line_id in lines:
            self._sent.pop(line_id, None)
            if self._turn is not None:
                self._turn.pop((line_id, peer), None)

    async def bring_up(self, line_id: LineId, peer: SchemeId, *, theirs: int, mine: int) -> None:
        """Send what a peer lacks that holds `theirs` ops of its own and `mine` of mine. Source: 6.5, 6.7 (b)."""
        while peer in self._links.live:
            page = await self._store.read(return_page, line_id, self._me, theirs, mine, self._renewed)
            if page is None:
                break  # it lacks none of its own
            steps, theirs, mine = page
            if not self._offer(line_id, peer, [(step.seq, step.wire) for step in steps]):
                return
        # What an epoch that has ended lacks was sent above; in the one that stands my ops follow.
        epoch = epoch_of(theirs + 1)
        beginning = await self._store.read(next_beginning, line_id, self._me, epoch)
        if len(beginning) <= 1:
            await self._send_again(line_id, peer, mine)
        if beginning:
            wires = [self._keyring.renewed("line", Op, wire) if mine else wire for mine, wire in beginning]
            self._offer(line_id, peer, [(0, wire) for wire in wires])

    async def give_offer_back(self, line_id: LineId, peer: SchemeId, epoch: int) -> bool:
        """Send a peer its own offer that waits in `epoch`: an old copy forgot it. False if it cannot be sent now. Source: 6.8."""
        beginning = await self._store.read(next_beginning, line_id, self._me, epoch)
        theirs = [(0, wire) for mine, wire in beginning if not mine]
        return len(beginning) != 1 or not theirs or self._offer(line_id, peer, theirs)

    def _renewed(self, wire: bytes) -> bytes:
        return self._keyring.renewed("line", Op, wire)

    async def _send_again(self, line_id: LineId, peer: SchemeId, after: int) -> None:
        """Send my ops after `after`, then let new ones follow directly."""
        while peer in self._links.live:
            self._behind.discard(line_id)
            ops = await self._store.read(own_ops_after, line_id, self._me, after, RESEND_OPS)
            if not ops:
                if line_id in self._behind:
                    continue  # something was committed while the store was read
                # Not less than what a new op or another resend handed over meanwhile.
                self._sent[line_id] = max(after, self._sent.get(line_id, after))
                return
            if not self._offer(line_id, peer, [(seq, self._renewed(wire)) for seq, wire in ops]):
                return
            after = ops[-1][0]
