"""The state of a line and how it is spelled, in the first epoch and later ones. Source: docs/protocol.md 6.2, 6.8."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.limits import SEQ_MAX
from protocol.line_ops import EPOCH_SEQS, LOCK_ROW, Reopen, before_epoch, epoch_of
from protocol.line_view import HIGH, LOW, View, apply, decode_view, room
from protocol.reopening import EPOCH_LAST
from tests.builders import limits, open_line
from tests.vector_making import filler

STEP = Reopen(
    old=0, low_length=9, low_id=filler("low"), high_length=6, high_id=filler("high"), owed_by_low=5,
    locks=LOCK_ROW.pack(LOW, 7, 30) + LOCK_ROW.pack(LOW, 8, 2) + LOCK_ROW.pack(HIGH, 4, 10),
)  # fmt: skip
FIRST = before_epoch(1) + 1


def begun() -> View:
    return apply(apply(View(), LOW, FIRST, STEP), HIGH, FIRST, STEP)


def test_a_reopened_line_has_the_balance_and_the_locks_that_were_agreed_and_no_limits():
    """Rule 6.8: what was lent is lent anew; what is open stays open."""
    view = begun()

    assert view.owed_by_low == 5
    assert dict(view.locks()) == {(LOW, 7): 30, (LOW, 8): 2, (HIGH, 4): 10}
    assert (view.pending, view.open_count) == ((32, 10), (2, 1))
    assert view.opened == (True, True)
    assert room(view, LOW) == room(view, HIGH) == 0


def test_both_words_make_the_same_state_in_either_order():
    """I2."""
    assert begun() == apply(apply(View(), HIGH, FIRST, STEP), LOW, FIRST, STEP)


@pytest.mark.parametrize(
    "change",
    [{"owed_by_low": 6}, {"low_id": filler("another")}, {"high_length": 7}, {"old": 1}, {"locks": b""}],
)
def test_every_later_state_hash_is_bound_to_what_was_said(change):
    """Rule 6.8: whoever said another thing differs at every op."""
    other = replace(STEP, **change)
    view = apply(apply(View(), LOW, FIRST, other), HIGH, FIRST, other)
    same_figures = replace(view, owed_by_low=5, open_locks=begun().open_locks)

    assert view.digest() != begun().digest()
    assert same_figures.digest() != begun().digest()


@pytest.mark.parametrize(
    "view", [View(), open_line().view, begun(), apply(begun(), LOW, FIRST + 1, limits(7))]
)
def test_a_view_is_read_back_as_it_was_spelled(view):
    """Also with what a later epoch is bound to."""
    assert decode_view(view.encode()) == view


def test_each_epoch_has_numbers_of_its_own():
    """Rule 6.2: a lock keeps its number in a later epoch, and no other op ever has it."""
    assert before_epoch(0) == 0
    assert [epoch_of(seq) for seq in (1, EPOCH_SEQS, EPOCH_SEQS + 1, 2 * EPOCH_SEQS, 2 * EPOCH_SEQS + 1)] == [
        0, 0, 1, 1, 2,
    ]  # fmt: skip
    assert before_epoch(EPOCH_LAST) + EPOCH_SEQS <= SEQ_MAX
