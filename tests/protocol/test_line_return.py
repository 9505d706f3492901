"""Giving a side that lost ops what it can take, in an order in which it can. Rule 6.7 (b)."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from protocol.line_return import Returning, merged


def history(seed: int, length: int) -> tuple[list[Returning], list[Returning]]:
    """Two chains as two sides write them: each op acknowledges some of what the other had written by then."""
    random, chains, acks = Random(seed), ([], []), [0, 0]  # type: ignore[var-annotated]
    for _ in range(length):
        side = random.randrange(2)
        acks[side] = random.randint(acks[side], len(chains[1 - side]))
        chains[side].append(Returning(len(chains[side]) + 1, acks[side], bytes([side])))
    return chains


@given(st.integers(0, 10**6), st.integers(0, 60), st.data())
def test_every_op_can_be_taken_when_it_comes_and_none_is_left_out(
    seed: int, length: int, data: st.DataObject
):
    """Whatever a backup holds: its own ops up to some place, and of the other's at least what those acknowledge."""
    theirs, mine = history(seed, length)
    held = data.draw(st.integers(0, len(theirs)))
    seen = data.draw(st.integers(theirs[held - 1].ack if held else 0, len(mine)))
    while seen and mine[seen - 1].ack > held:  # nor does it hold an op that acknowledges what it lacks
        held += 1

    order, own, peer = merged(theirs[held:], mine[seen:], theirs_held=held, mine_held=seen)

    at = {0: held, 1: seen}
    for step in order:
        side = step.wire[0]
        assert step.seq == at[side] + 1
        assert step.ack <= at[1 - side]
        at[side] = step.seq
    assert (own, peer) == (len(theirs), len(mine)) == (at[0], at[1])


@given(st.integers(0, 10**6), st.integers(0, 60), st.integers(1, 5))
def test_pages_go_on_where_the_last_one_ended(seed: int, length: int, page: int):
    """A page of each chain at a time gets there, too: it never stands still before the end."""
    theirs, mine = history(seed, length)
    own = peer = 0
    while own < len(theirs) or peer < len(mine):
        order, own, peer = merged(
            theirs[own : own + page], mine[peer : peer + page], theirs_held=own, mine_held=peer
        )
        assert order


def test_what_acknowledges_something_unknown_is_not_sent():
    assert merged([Returning(1, 5, b"")], [], theirs_held=0, mine_held=0) == ([], 0, 0)
