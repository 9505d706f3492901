"""Disks of a simulated town that break, and old backups that take their place. Source: docs/protocol.md 6.7."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.simulator.town import SimNode

if TYPE_CHECKING:
    from tests.simulator.accidents import Happenings


def back_up(h: Happenings) -> None:
    """Take a backup of somebody's database."""
    node = h.anybody()
    if node is not None:
        node.backups = [*node.backups[-3:], node.snapshot()]
        h.told("backups", f"{node.name} is backed up")


def restore(h: Happenings) -> None:
    """Let a disk break, and an old backup take its place."""
    node = h.anybody()
    if node is not None:
        h.spawn(_restore(h, node))


async def _restore(h: Happenings, node: SimNode) -> None:
    for _ in range(20):  # rather somebody with something under way
        busy = node.is_up and any(line.state.mine.locks() for line in await node.line_states())
        if busy and await _may_restore(h, node):
            break
        await asyncio.sleep(0.15)
        node = h.anybody() or node
    if not node.is_up or not await _may_restore(h, node) or not node.is_up:
        return
    h.town.down.add(node.name)
    await node.crash()
    node.put_back()
    h.told("restores", f"{node.name} starts again from an old backup")
    h.town.story.counts["restores beside liars"] += len(h.town.honest) < len(h.town.nodes)
    if "partition" in h.faults and h.random.random() < 0.6:
        other = h.random.choice(h.town.neighbours_of(node.name))
        edge = next(each for each in h.town.edges if set(each) == {node.name, other})
        seconds = h.random.choice([3.0, 20.0, 70.0])
        h.told("partitions", f"{node.name} and {other} are cut off for {seconds} s")
        h.spawn(h.cut_off([edge], seconds))
    await asyncio.sleep(h.random.choice([0.01, 0.5, 5.0, 100.0]))
    await h.town.start(node)
    await asyncio.sleep(h.random.choice([0.5, 20.0]))
    await h.town.tell_keys()  # it may have forgotten some that its neighbours have not


async def _may_restore(h: Happenings, node: SimNode) -> bool:
    """Tell whether what this node forgets is remembered by its neighbours: two that lost ops at once need people (6.8)."""
    if node.liar is not None:
        return False
    for line in await node.line_states():
        peer = h.town[h.town.name_of(line.peer)]
        if peer.name not in h.town.neighbours_of(node.name) or peer.liar is not None:
            continue  # what a liar remembers nobody knows
        if not peer.is_up or not line.usable:
            return False
        twin = next(each for each in await peer.line_states() if each.state.line == line.state.line)
        if not twin.usable or line.state.own_length < twin.state.peer_length:
            return False
        if twin.state.own_length < line.state.peer_length:
            return False
    return True
