"""A line that goes on in a new epoch: who signs what, in which state, and what is refused. Source: docs/protocol.md 6.8."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crypto.signing import Signed
from protocol.errors import InvalidOp, InvalidValue, OutOfOrder
from protocol.limits import LINE_OPEN_LOCKS_MAX, SEQ_MAX
from protocol.line import Position, accept, author, position, returned
from protocol.line_ops import EPOCH_SEQS, LOCK_ROW, ZERO32, Close, Credit, Op, Release, Reopen, before_epoch
from protocol.line_view import HIGH, LOW, View, apply
from protocol.message import sign_message
from protocol.reopening import EPOCH_LAST, answer, begin, empty_epoch, fits, offer, read_offer, reopen_step
from protocol.units import HOUR
from tests.builders import (
    HILLTOP,
    KEY_SEQ,
    NOW,
    OAKVALE,
    Copy,
    Line,
    claim,
    limits,
    lock,
    mark,
    new_pair,
    open_line,
    open_op,
    open_step,
    paid,
    terms_between,
)
from tests.vector_making import filler


def worn_line() -> Line:
    """A line on which low owes an hour and each side has a lock open."""
    line = open_line(owed_by_low=HOUR)
    line.says(LOW, lock(HOUR, quote="jam"))
    line.says(HIGH, lock(2 * HOUR, quote="tea"))
    return line


def signed(copy: Copy, op: Op) -> Signed[Op]:
    return open_op(sign_message(op, copy.scheme.line_key, KEY_SEQ).wire)


def offered(line: Line, owed: int = HOUR, epoch: int = 1) -> Signed[Op]:
    return signed(line.low, offer(line.low.state, epoch, owed, NOW))


def answered(line: Line, offer_: Signed[Op]) -> Signed[Op]:
    op, _ = answer(line.high.state, offer_, NOW)
    return signed(line.high, op)


def forged(
    line: Line, side: int, epoch: int = 1, ack: Signed[Op] | None = None, **changes: Any
) -> Signed[Op]:
    """A REOPEN whose frame fits and whose content is changed."""
    copy = line.low if side == LOW else line.high
    first = before_epoch(epoch) + 1
    step = replace(reopen_step(copy.state, HOUR), **changes)
    view = View() if ack is None else apply(View(), LOW, first, ack.body.step)
    return signed(copy, Op(
        line=copy.state.line, author=copy.scheme.id, epoch=epoch, seq=first, prev=ZERO32,
        ack=first if ack else first - 1, ack_id=ack.id if ack else ZERO32, time=NOW,
        state=apply(view, copy.state.me, first, step).digest(), step=step,
    ))  # fmt: skip


# --- the way it goes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agreed", [HOUR, 0, -3 * HOUR])
def test_a_line_goes_on_from_what_was_agreed(agreed: int):
    """Rule 6.8: the balance is what people say, the locks are those that are open."""
    line = worn_line()
    open_before = line.view.locks()
    line.reopens(agreed)

    assert line.view.owed_by_low == agreed
    assert line.view.locks() == open_before
    assert {line.low.state.epoch, line.high.state.epoch} == {1}
    assert line.low.state.own_length == line.high.state.peer_length == EPOCH_SEQS + 1


def test_locks_of_the_old_epoch_end_in_the_new_one_by_their_old_numbers():
    """Rules 6.2, 6.3: the receipt key and the quote are those of the lock as it was signed."""
    line = open_line()
    by_low, by_high = line.says(LOW, lock(HOUR)), line.says(HIGH, lock(2 * HOUR, quote="tea"))
    line.reopens(0)

    line.says(HIGH, claim(by_low))
    assert line.view.owed_by_low == HOUR
    line.says(LOW, Release(lock=by_high.body.seq, reason="gone"))
    assert not line.view.locks()


def test_a_wrong_receipt_opens_no_lock_of_the_old_epoch_either():
    """Rule 6.3 (CLAIM)."""
    line = open_line()
    lock_ = line.says(LOW, lock(HOUR))
    line.reopens(0)
    wrong = replace(claim(lock_), receipt=bytes(64))

    with pytest.raises(InvalidOp, match="receipt"):
        line.low.gets(line.high.forges(wrong))


def test_limits_are_given_anew():
    """Rule 6.8: no LIMIT goes on; locks that do are not counted against the new one before it is there."""
    line = worn_line()
    line.reopens(HOUR)

    with pytest.raises(InvalidOp, match="limits leave"):
        line.low.does(lock(1, quote="new"))
    line.says(HIGH, limits(3 * HOUR))
    line.says(LOW, lock(HOUR, quote="new"))
    with pytest.raises(InvalidOp, match="limits leave"):
        line.low.does(lock(1, quote="more"))


def test_everything_else_is_as_in_the_first_epoch():
    """Rules 6.3, 6.8: MARK, CREDIT and CLOSE count from the new balance, and the epoch ends like any other."""
    line = open_line(owed_by_low=2 * HOUR)
    line.reopens(HOUR)
    line.says(LOW, mark(line.low))
    with pytest.raises(InvalidOp, match="CREDIT beyond"):
        line.high.does(Credit(amount=HOUR + 1))
    line.says(HIGH, Credit(amount=HOUR))
    line.says(LOW, Close())
    line.says(HIGH, Close())
    assert line.view.ended


def test_a_closed_line_with_a_debt_goes_on_with_it():
    """Rules 6.6, 6.8: what is owed when an epoch ends is the balance of the next."""
    line = open_line(owed_by_low=5 * HOUR)
    line.says(LOW, Close())
    line.says(HIGH, Close())
    line.reopens(5 * HOUR)
    line.says(HIGH, limits(6 * HOUR))
    paid(line, LOW, HOUR)
    assert line.view.owed_by_low == 6 * HOUR


def test_a_line_may_go_on_again_and_again():
    """A lock is carried through every epoch; epochs may be left out, where offers came to nothing."""
    line = worn_line()
    locks = line.view.locks()
    line.reopens(HOUR, 1)
    line.reopens(2 * HOUR, 5)
    assert line.view.locks() == locks
    assert line.view.owed_by_low == 2 * HOUR
    assert line.low.state.epoch == 5


def test_the_answer_comes_back_after_a_restore():
    """Rule 6.7 (b): each side comes into the new epoch from its own REOPEN and the other's, in whatever copy they come."""
    line = worn_line()
    low, high = line.low.state, line.high.state
    one = offered(line)
    two = answered(line, one)
    assert begin(low, one, two).mine == begin(high, one, two).mine
    assert begin(high, one, two).own_id == two.id


# --- every state, every event --------------------------------------------------------------------------------------


def test_only_the_side_with_the_lower_id_offers():
    """Rule 6.8: so two offers cannot cross."""
    line = worn_line()
    with pytest.raises(InvalidOp, match="comes first"):
        offer(line.high.state, 1, HOUR, NOW)
    with pytest.raises(InvalidOp):
        begin(line.low.state, forged(line, HIGH), forged(line, HIGH))
    with pytest.raises(InvalidOp, match="another thing"):
        accept(empty_epoch(line.low.state, 1), forged(line, HIGH), line.low.own_op)


def test_an_offer_alone_changes_nothing():
    """Until it is answered both go on as before, and another offer may follow."""
    line = worn_line()
    before = line.low.state, line.high.state
    first = offered(line, HOUR, 1)
    assert read_offer(line.high.state, first).owed_by_low == HOUR
    second = offered(line, 0, 2)
    assert (line.low.state, line.high.state) == before
    begun = begin(line.low.state, second, answered(line, second))
    assert (begun.epoch, begun.owed) == (2, 0)


CHANGES: dict[str, dict[str, Any]] = {
    "balance": {"owed_by_low": HOUR + 1},
    "a lock left out": {"locks": LOCK_ROW.pack(HIGH, 3, 2 * HOUR)},
    "no locks": {"locks": b""},
    "a lock more": {"locks": LOCK_ROW.pack(LOW, 1, 1)},
    "a shorter chain": {"low_length": 1},
    "another past": {"high_id": filler("another op")},
    "another epoch": {"old": 3},
}


@pytest.mark.parametrize("what", [name for name in CHANGES if name != "balance"])
def test_nobody_answers_an_offer_that_does_not_fit(what: str):
    """Rule 6.8: all but the balance follows from the chains."""
    line = worn_line()
    epoch = 4 if what == "another epoch" else 1
    with pytest.raises((InvalidOp, OutOfOrder)):
        answer(line.high.state, forged(line, LOW, epoch, **CHANGES[what]), NOW)


@pytest.mark.parametrize("what", CHANGES)
def test_a_differing_answer_begins_nothing(what: str):
    """Rule 6.8: equal content or no new epoch."""
    line = worn_line()
    epoch = 4 if what == "another epoch" else 1
    one = offered(line, HOUR, epoch)
    two = forged(line, HIGH, epoch, ack=one, **CHANGES[what])
    with pytest.raises(InvalidOp, match="another thing"):
        begin(line.low.state, one, two)
    with pytest.raises(InvalidOp):
        begin(line.high.state, one, two)


def test_an_answer_to_another_offer_begins_nothing():
    """Replayed from an earlier try."""
    line = worn_line()
    first, second = offered(line, HOUR, 1), offered(line, 0, 2)
    with pytest.raises(InvalidOp):
        begin(line.low.state, second, answered(line, first))


def test_ops_that_came_after_the_offer_make_it_stale():
    """Rule 6.8: the chains it names are not those that both hold any more."""
    line = worn_line()
    one = offered(line)
    two = answered(line, one)
    line.says(HIGH, limits(7))
    with pytest.raises(InvalidOp, match="as I have it"):
        answer(line.high.state, one, NOW)
    with pytest.raises(InvalidOp, match="as I have it"):
        begin(line.low.state, one, two)


def test_whoever_lacks_ops_of_the_old_epoch_waits_for_them():
    """Rule 6.7 (b): a restored side first gets what the REOPEN names."""
    line = open_line()
    restored = line.low.state
    line.says(HIGH, limits(7))
    one = offered(line)
    two = answered(line, one)
    with pytest.raises(OutOfOrder):
        begin(restored, one, two)
    assert begin(line.low.state, one, two).epoch == 1


def test_a_side_two_epochs_behind_waits_for_the_one_between():
    """Rule 6.8: an old copy comes through every epoch."""
    line = worn_line()
    old = line.low.state
    line.reopens(HOUR)
    one = offered(line, HOUR, 2)
    with pytest.raises(OutOfOrder, match="later epoch"):
        read_offer(old, one)
    with pytest.raises(OutOfOrder, match="later epoch"):
        begin(old, one, answered(line, one))


def test_an_op_of_the_old_epoch_is_none_of_the_new_one():
    """Rule 6.8: it is not taken, and neither does the new one stop for it."""
    line = worn_line()
    late = line.high.forges(limits(9))
    line.reopens(HOUR)
    with pytest.raises(InvalidOp, match="epoch"):
        position(line.low.state, late.body)
    assert position(line.low.state, line.high.does(limits(9)).body) is Position.NEXT


def test_an_old_copy_cannot_write_in_the_new_epoch():
    """Rule 6.8: nothing but REOPEN begins an epoch."""
    line = worn_line()
    fresh = empty_epoch(line.low.state, 1)
    for step in (limits(1), lock(1), Close(), open_step(terms_between(OAKVALE, HILLTOP))):
        with pytest.raises(InvalidOp):
            author(fresh, step, NOW)


def test_nothing_is_written_before_both_have_signed():
    """Rule 6.8: the offer binds only with the answer."""
    line = worn_line()
    one = offered(line)
    waiting = returned(empty_epoch(line.low.state, 1), one, line.high.own_op)
    with pytest.raises(InvalidOp, match="both have signed"):
        author(waiting, limits(1), NOW)


def test_reopen_stands_at_the_beginning_of_a_later_epoch_and_once():
    """Rule 6.3 (REOPEN)."""
    line = worn_line()
    with pytest.raises(InvalidOp, match="first op of a chain"):
        line.low.does(reopen_step(line.low.state, HOUR))
    with pytest.raises(InvalidOp, match="first op of a chain"):
        new_pair().low.does(replace(reopen_step(line.low.state, HOUR)))
    line.reopens(HOUR)
    with pytest.raises(InvalidOp, match="first op of a chain"):
        line.low.does(reopen_step(line.low.state, HOUR))
    with pytest.raises(InvalidOp, match="later epoch begins with REOPEN"):
        read_offer(line.high.state, line.low.does(Close()))


def test_reopen_names_a_known_set_of_ops():
    """Rule 9.5."""
    line = worn_line()
    with pytest.raises(InvalidOp, match="does not know"):
        read_offer(line.high.state, forged(line, LOW, version=2))


@pytest.mark.parametrize("epoch", [0, EPOCH_LAST + 1])
def test_an_epoch_is_later_and_within_all_numbers(epoch: int):
    """Rule 6.2."""
    with pytest.raises(InvalidOp, match="later epoch"):
        offer(worn_line().low.state, epoch, HOUR, NOW)


@pytest.mark.parametrize(
    "locks",
    [
        b"\0",
        LOCK_ROW.pack(2, 1, 1),
        LOCK_ROW.pack(0, 0, 1),
        LOCK_ROW.pack(0, SEQ_MAX + 1, 1),
        LOCK_ROW.pack(0, 1, 0),
        LOCK_ROW.pack(0, 2, 1) + LOCK_ROW.pack(0, 1, 1),
        LOCK_ROW.pack(0, 1, 1) + LOCK_ROW.pack(0, 1, 2),
    ],
    ids=["no whole row", "a third side", "seq 0", "seq beyond", "nothing locked", "falling", "one twice"],
)
def test_rows_of_locks_have_one_spelling(locks: bytes):
    """Rule 1.2, I11."""
    with pytest.raises(InvalidValue):
        replace(reopen_step(worn_line().low.state, 0), locks=locks)


def test_a_line_with_every_lock_open_can_go_on():
    """Rule 1.1: all of them fit one object."""
    rows = [LOCK_ROW.pack(side, SEQ_MAX - LINE_OPEN_LOCKS_MAX + at, 2**53 - 1)
            for side in (LOW, HIGH) for at in range(LINE_OPEN_LOCKS_MAX)]  # fmt: skip
    step: Reopen = replace(reopen_step(worn_line().low.state, 0), locks=b"".join(rows))
    first = before_epoch(EPOCH_LAST) + 1
    op = Op(
        line=worn_line().low.state.line, author=OAKVALE.id, epoch=EPOCH_LAST, seq=first, prev=ZERO32, ack=first - 1,
        ack_id=ZERO32, time=NOW, state=ZERO32, step=step,
    )  # fmt: skip
    assert sign_message(op, OAKVALE.line_key, KEY_SEQ).body.step == step


def test_fits_asks_for_everything_but_the_balance():
    """Rule 6.8."""
    state = worn_line().high.state
    assert fits(state, reopen_step(state, -9))
    assert not fits(state, replace(reopen_step(state, 0), locks=b""))
