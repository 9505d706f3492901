"""Schemes that lie: they run the same node with the same keys, and beside it send what no honest node would.

Each lie is one of the faults that `--faults` names. Whoever hears it must neither lose nor create credit by it.
Source: docs/protocol.md 0.3, 6.5; the exhaustive check (`tests/protocol/`) covers what a liar can do at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crypto.signing import Signed
from node.federation.session import Session
from node.services.line_frames import sync_answer
from node.services.line_rows import Line, find_line, read_ops_after
from node.simulation.network import Weather
from node.store import StoreError
from protocol import line_view
from protocol.frame import Frame, FrameType
from protocol.line_ops import MODE_NORMAL, ZERO32, Claim, Limit, Lock, Op, Release, Step, SyncAsk
from protocol.names import QuoteId
from protocol.units import HOUR

if TYPE_CHECKING:
    from tests.simulator.accidents import Happenings
    from tests.simulator.town import SimNode


class Liar:
    """What one scheme does beside what its node does."""

    def __init__(self, node: SimNode, happenings: Happenings, lies: list[str]):
        self.node, self.happenings, self.random = node, happenings, happenings.random
        self.lies = [lie for lie in lies if lie in DO]

    def booted(self) -> None:
        """Corrupt the node that was just started, where it lies all the time."""
        if "lying-sync" in self.lies:
            self.node.lines._say_where_we_are = self._lie_about_lengths  # type: ignore[method-assign]

    def lie(self) -> None:
        """Tell one lie, if there is anything to lie about."""
        if self.node.is_up:
            self.happenings.spawn(self._tell(self.random.choice(self.lies)))

    async def _tell(self, lie: str) -> None:
        try:
            lines = [line for line in await self.node.line_states() if line.status == "open"]
            if lines and self.node.is_up and await DO[lie](self, self.random.choice(lines)):
                self.happenings.told(f"lies: {lie}", f"{self.node.name} lies: {lie}")
        except StoreError:
            return  # it went down meanwhile

    def _send(self, line: Line, *ops: Signed[Op]) -> bool:
        wires = tuple(op.wire for op in ops)
        return self.node.links.offer(line.peer, FrameType.OPS, (line.state.line, wires))

    def _write(self, line: Line, step: Step) -> Signed[Op]:
        """Sign the next op of my chain, valid or not, and do not keep it."""
        state = line.state
        draft = Op(
            line=state.line, author=self.node.scheme, epoch=state.epoch, seq=state.own_length + 1, prev=state.own_id,
            ack=state.peer_length, ack_id=state.peer_id, time=self.node.clock.now_ms(), state=ZERO32, step=step,
        )  # fmt: skip
        try:
            after = line_view.apply(state.mine, state.me, draft.seq, step).digest()
        except KeyError:  # it ends what is not open
            after = state.mine.digest()
        return self.node.keyring.sign("line", replace(draft, state=after))

    # --- the lies ---------------------------------------------------------------------------------------------

    async def fork(self, line: Line) -> bool:
        """Write an op that my node will not remember: what it writes next stands at the same place."""
        choices: list[Step] = [
            Limit(owed_max=self.random.randrange(100) * HOUR, pending_max=HOUR, open_max=5)
        ]
        choices += [Release(lock=seq, reason="not-wanted") for seq in line.open_locks_of_peer()]
        return self._send(line, self._write(line, self.random.choice(choices)))

    async def beyond_the_limit(self, line: Line) -> bool:
        """Lock more than the peer lets me owe."""
        most = line_view.room(line.state.mine, line.state.me)
        lock = Lock(
            quote_id=QuoteId(self.random.randbytes(32)), part=1, parts=1, amount=most + 1,
            receipt_key=self.node.keyring.signing["receipt"][1].public.raw, mode=MODE_NORMAL,
            deadline=self.node.clock.now_ms() + 600_000, route=(), note=b"", memo=b"",
        )  # fmt: skip
        return self._send(line, self._write(line, lock))

    async def forge_a_receipt(self, line: Line) -> bool:
        """Claim with a signature that is not the payee's, whatever is open; or what never was."""
        open_locks = line.open_locks_of_peer() or [self.random.randrange(1, 20)]
        claim = Claim(lock=self.random.choice(open_locks), receipt=self.random.randbytes(64), memo=b"")
        return self._send(line, self._write(line, claim))

    async def replay(self, line: Line) -> bool:
        """Send what belongs to one line to somebody else, as theirs and as its own."""
        others = [
            each for each in await self.node.line_states() if each.peer != line.peer and each.status == "open"
        ]
        ops = await self.node.store.read(read_ops_after, line, 0, 256)
        theirs = await self.node.store.read(_ops_of_peer, line)
        if not others or not self.node.is_up:
            return False
        other = self.random.choice(others)
        wires = tuple(wire for _, wire in self.random.choice([ops, theirs])[:20])
        named = self.random.choice([line, other]).state.line
        return self.node.links.offer(other.peer, FrameType.OPS, (named, wires))

    async def fall_silent(self, line: Line) -> bool:
        """Go, and never come back."""
        self.node.down_for_good = True
        await self.node.crash()
        return True

    async def be_late(self, line: Line) -> bool:
        """Answer everything much later."""
        late = Weather(delay_s=(3.0, 40.0), reorder=0.3, late_s=600.0)
        self.node.town.network.set_weather(self.node.name, self.node.town.name_of(line.peer), late)
        return True

    async def lie_about_lengths(self, line: Line) -> bool:
        """Ask the peer to ask: what it is told is in `_lie_about_lengths`."""
        self.node.town.network.reset(self.node.name, self.node.town.name_of(line.peer))
        return True

    async def _lie_about_lengths(self, session: Session, frame: Frame, ask: SyncAsk) -> None:
        line = await self.node.store.read(find_line, ask.line, self.node.scheme)
        if line is None:
            return
        answer = sync_answer(ask, self.node.scheme, line.state)
        own, seen = answer.own_length, answer.seen_length
        lies: list[dict[str, Any]] = [
            {},
            {"own_length": own + self.random.randrange(1, 9)},
            {"own_length": max(0, own - 1)},
            {"own_length": 0, "own_id": ZERO32, "seen_length": 0, "seen_id": ZERO32},
            {"seen_length": seen + self.random.randrange(1, 9)},
            {"seen_length": max(0, seen - 1)},
            {"seen_id": self.random.randbytes(32)},
        ]
        answer = replace(answer, **self.random.choice(lies))
        await session.answer(frame, self.node.keyring.sign("line", answer).wire)
        await self.node.lines._sending.bring_up(
            ask.line, session.peer, theirs=ask.own_length, mine=ask.seen_length
        )


def _ops_of_peer(tx: Any, line: Line) -> list[tuple[int, bytes]]:
    return read_ops_after(tx, line, 0, 256, mine=False)


DO: dict[str, Callable[[Liar, Line], Any]] = {
    "silent": Liar.fall_silent,
    "late": Liar.be_late,
    "forking": Liar.fork,
    "over-limit": Liar.beyond_the_limit,
    "lying-sync": Liar.lie_about_lengths,
    "forged-receipt": Liar.forge_a_receipt,
    "replay": Liar.replay,
}
