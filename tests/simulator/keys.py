"""Keys of a simulated town that are changed while payments are under way, and thieves of old ones. Source: docs/protocol.md 2.2, 2.3, 6.3."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from node.keychange import ONLINE
from node.services.line_rows import LIVE
from node.store import StoreError
from protocol import line as rules
from protocol.frame import FrameType
from protocol.line_ops import Limit
from protocol.units import HOUR

if TYPE_CHECKING:
    from tests.simulator.accidents import Happenings
    from tests.simulator.town import SimNode

# As many as a run bears: each makes the identity log longer, which every handshake shows.
CHANGES_MAX: Final = 6
# Which keys are changed: those that ops are signed by, any one, or all, as after a theft.
CHOICES: Final = (("line",), ("line", "session"), ("session",), ("receipt",), ("ledger",), ONLINE, ONLINE)


def change_keys(h: Happenings) -> None:
    """Stop somebody's node, give it fresh keys in the place of some, and start it again."""
    node = h.anybody()
    if node is not None and not node.down_for_good and len(node.stolen) < CHANGES_MAX:
        h.spawn(_change(h, node))


async def _change(h: Happenings, node: SimNode) -> None:
    for _ in range(20):  # rather somebody who has written what nobody acknowledged
        if node.is_up and await _has_unacknowledged(node):
            break
        await asyncio.sleep(0.05)
    if not node.is_up or node.down_for_good:
        return
    waiting = await _has_unacknowledged(node)
    if not node.is_up:
        return
    h.town.down.add(node.name)
    await node.crash()
    purposes, by_sheet = h.random.choice(CHOICES), h.random.random() < 0.25
    node.change_keys(purposes, by_sheet=by_sheet)
    h.told("keys", f"{node.name} changes its keys for {', '.join(purposes)}{' by its sheet' * by_sheet}")
    if waiting:
        h.town.story.counts["keys with ops in flight"] += 1
    await asyncio.sleep(h.random.choice([0.01, 1.0, 40.0]))
    await h.town.start(node)
    # Neighbours learn it at the handshake, all others by gossip.
    await asyncio.sleep(h.random.choice([0.5, 20.0, 200.0]))
    await h.town.tell_keys()


async def _has_unacknowledged(node: SimNode) -> bool:
    try:
        return any(line.state.own_length > line.acknowledged for line in await node.line_states())
    except StoreError:
        return False  # it went down meanwhile


def use_stolen_keys(h: Happenings) -> None:
    """Let a thief write on somebody's line with a key that was revoked since, and get it before the neighbour somehow."""
    node = h.anybody()
    if node is not None and node.liar is None and node.stolen:
        h.spawn(_use_stolen(h, node))


async def _use_stolen(h: Happenings, node: SimNode) -> None:
    stolen = h.random.choice(node.stolen)
    given = node.keyring.identity.delegation(stolen.signing["line"][0])
    assert given is not None
    if given.revoked_seq is None:
        return  # another key was changed
    try:
        lines = [line for line in await node.line_states() if line.status in LIVE and line.usable]
    except StoreError:
        return
    live = [line for line in lines if line.peer in node.links.live]
    if not live or not node.is_up:
        return
    line = h.random.choice(live)
    peer = h.town[h.town.name_of(line.peer)]
    if not peer.is_up or peer.directory.seq(node.scheme) < node.keyring.identity.seq:
        return  # who has not heard of it yet cannot know: what the thief writes before that is the scheme's word
    owed = h.random.choice([0, 1000 * HOUR])
    body, _ = rules.author(
        line.state, Limit(owed_max=owed, pending_max=1000 * HOUR, open_max=50), node.clock.now_ms()
    )
    if node.links.offer(line.peer, FrameType.OPS, (line.state.line, (stolen.sign("line", body).wire,))):
        h.told("thefts", f"a thief writes to {peer.name} as {node.name}, with a key that was revoked")
