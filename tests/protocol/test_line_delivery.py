"""In what order ops may arrive, what comes back after a restore, and what both sides then see.

Source: docs/protocol.md 6.2, 6.5, 6.7; I2, I3, I4, I12, I16.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from crypto.signing import sign
from protocol.errors import Forked, InvalidOp, InvalidValue, MalformedMessage, NotAuthentic, OutOfOrder
from protocol.line import Position, accept, fold, new_line, position, returned
from protocol.line_ops import MODE_NORMAL, MODE_REDUCE, ZERO32, Claim, Close, Credit, Limit, Lock, Op, Release
from protocol.line_view import HIGH, LOW, credit_room, decode_view, other, room
from protocol.message import open_message, sign_message
from tests.builders import (
    HILLTOP,
    KEY_SEQ,
    OAKVALE,
    RIVERSIDE,
    claim,
    limits,
    line_key_of,
    lock,
    mark,
    new_pair,
    open_line,
    open_op,
    open_step,
    terms_between,
)
from tests.vector_making import filler, key

TERMS = terms_between(OAKVALE, HILLTOP)


# --- 6.5 Chains and delivery -----------------------------------------------------------------------------------


def test_ops_are_taken_in_order_only():
    """Rule 6.5."""
    line = open_line()
    first, second = line.low.does(lock(1)), line.low.does(lock(2, quote="eggs"))
    state = line.high.state

    assert position(state, second.body) is Position.GAP
    with pytest.raises(OutOfOrder):
        line.high.gets(second)
    assert line.high.state == state
    assert position(state, first.body) is Position.NEXT
    line.high.gets(first)
    line.high.gets(second)
    assert line.high.state.owed == 0
    assert line.high.state.mine.pending[LOW] == 3


def test_an_exact_duplicate_is_ignored():
    """Rule 6.5."""
    line = open_line()
    op = line.says(LOW, lock())
    line.says(LOW, lock(quote="eggs"))
    state = line.high.state

    for each in (*line.low.own, op):
        assert position(state, each.body) is Position.KNOWN
        line.high.gets(each)
    assert line.high.state == state


def test_the_same_op_signed_by_a_newer_key_is_no_fork():
    """Rule 6.3: the key is outside the body, so the id is the same."""
    line = open_line()
    op = line.says(LOW, lock())
    again = sign_message(op.body, key("oakvale's next line key"), KEY_SEQ + 1)

    assert again.wire != op.wire
    assert accept(line.high.state, again, line.high.own_op, op) == line.high.state


@pytest.mark.parametrize("place", [3, 4])
def test_two_ops_at_one_seq_are_a_fork(place):
    """Rules 6.5, 10: at the end of the chain and further back."""
    line = open_line()
    line.says(LOW, lock())
    line.says(LOW, lock(quote="eggs"))
    held = line.low.own[place - 1].body
    twin = sign_message(replace(held, time=held.time + 1), line.low.scheme.line_key, KEY_SEQ)

    with pytest.raises(Forked):
        line.high.gets(twin)


def test_a_fork_is_never_told_without_the_other_op():
    """Rule 10: evidence is two signed ops; a slip of ours must not look like a neighbour's lie."""
    line = open_line()
    op = line.says(LOW, lock())

    with pytest.raises(AssertionError):
        accept(line.high.state, op, line.high.own_op, None)
    with pytest.raises(AssertionError):
        accept(line.high.state, op, line.high.own_op, line.low.own[0])


def test_an_op_that_acknowledges_what_i_do_not_hold_waits():
    """Rule 6.5: kept unread until my chain is back."""
    line = open_line()
    lost = line.high.state
    line.says(HIGH, limits(7))
    op = line.low.does(lock(1))

    assert position(lost, op.body) is Position.AHEAD
    with pytest.raises(OutOfOrder):
        accept(lost, op, line.high.own_op)
    assert position(line.high.state, op.body) is Position.NEXT


@pytest.mark.parametrize(
    "changes, why",
    [
        ({"line": filler("another line")}, "another line, author or epoch"),
        ({"author": HILLTOP.id}, "another line, author or epoch"),
        ({"author": RIVERSIDE.id}, "another line, author or epoch"),
        ({"epoch": 1}, "another line, author or epoch"),
        ({"prev": ZERO32}, "does not continue"),
        ({"prev": filler("another op")}, "does not continue"),
        ({"ack_id": filler("another op")}, "I did not write"),
        ({"ack_id": ZERO32}, "I did not write"),
        ({"ack": 1, "ack_id": None}, "less than the op before"),
        ({"state": ZERO32}, "state hash"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_op_that_does_not_fit_its_chains_is_invalid(changes, why):
    """Rule 6.2."""
    line = open_line()
    mine, theirs = line.of(OAKVALE), line.of(HILLTOP)
    if changes.get("ack_id", 0) is None:
        changes = changes | {"ack_id": theirs.own[0].id}
    before = theirs.state

    with pytest.raises(InvalidOp, match=why):
        accept(theirs.state, mine.forges(lock(), **changes), theirs.own_op)
    assert theirs.state == before
    line.says(mine.state.me, lock())  # the right one is still welcome


def test_an_op_may_acknowledge_any_op_between_its_last_ack_and_the_end():
    """Rule 6.2: `ack` is what the author had then, not what it could have had."""
    line = open_line()
    early = line.low.forges(lock(1))
    for amount in (5, 6, 7):
        line.high.does(limits(amount))

    line.high.gets(early)
    assert line.high.state.peer_ack == early.body.ack
    assert line.high.state.unacknowledged == 3


def test_divergence_shows_at_the_next_op():
    """Rule 6.2, I2: one op booked differently is met at once."""
    line = open_line(limit=100)
    line.low.does(lock(10))
    line.low.state = line.low.state._replace(
        mine=replace(line.low.state.mine, owed_by_low=line.low.state.mine.owed_by_low + 1)
    )
    line.high.gets(line.low.own[-1])
    op = line.low.does(lock(10, quote="eggs"))

    with pytest.raises(InvalidOp, match="state hash"):
        line.high.gets(op)


# --- I12 through open_message ----------------------------------------------------------------------------------


def test_i12_an_op_counts_only_under_its_authors_key_and_its_own_tag():
    """I12."""
    line = open_line()
    op = line.low.does(lock())
    body = op.body

    assert open_op(op.wire) == op
    by_the_peer = sign_message(body, line.high.scheme.line_key, KEY_SEQ)
    by_another_seq = sign_message(body, line.low.scheme.line_key, KEY_SEQ + 1)
    for wrong in (by_the_peer, by_another_seq):
        with pytest.raises(NotAuthentic):
            open_op(wrong.wire)


def test_i12_a_signature_over_the_terms_is_none_over_an_op():
    """I12: the tag is under the signature, and inside the body."""
    line = open_line()
    op = line.low.does(lock())
    terms = sign_message(TERMS, line.low.scheme.line_key, KEY_SEQ)

    with pytest.raises(MalformedMessage):
        open_op(terms.wire)
    moved = sign("interlets/1/line-terms", op.body, op.body_bytes, line.low.scheme.line_key, KEY_SEQ)
    with pytest.raises(NotAuthentic):
        open_message(Op, moved.wire, line_key_of)


def test_i12_an_op_of_another_line_between_the_same_schemes_is_refused():
    """I12: a line closed and opened anew has another nonce, so another id."""
    line = open_line()
    older = new_pair()
    terms = replace(TERMS, nonce=bytes(16))
    for copy in (older.low, older.high):
        copy.state = new_line(terms, copy.scheme.id)
    op = older.low.does(open_step(terms))

    with pytest.raises(InvalidOp, match="another line"):
        line.high.gets(op)
    with pytest.raises(InvalidOp, match="another line"):
        new_pair().high.gets(op)


# --- 6.7 My own chain comes back -------------------------------------------------------------------------------


def test_ops_of_mine_come_back_from_the_peer_in_their_order():
    """Rule 6.7 (b): both chains back, the copy is what it was."""
    line = open_line(limit=100)
    backup = line.low.state
    own, seen = len(line.low.own), len(line.low.seen)
    first = line.says(LOW, lock(10))
    line.says(HIGH, claim(first))
    theirs = line.says(HIGH, lock(20, quote="eggs"))
    line.says(LOW, claim(theirs))
    lost_own, lost_seen = line.high.seen[own:], line.high.own[seen:]

    def peer_op(seq):
        return line.high.own[seq - 1]

    def own_op(seq):
        return line.high.seen[seq - 1]

    state = backup
    with pytest.raises(OutOfOrder):  # it acknowledges ops of the peer that I lost too
        returned(returned(state, lost_own[0], peer_op), lost_own[1], peer_op)
    with pytest.raises(OutOfOrder):
        returned(state, lost_own[1], peer_op)
    with pytest.raises(OutOfOrder):
        accept(state, lost_seen[0], own_op)

    state = returned(state, lost_own[0], peer_op)
    for op in lost_seen:
        state = accept(state, op, own_op)
    state = returned(state, lost_own[1], peer_op)

    assert state == line.low.state


@pytest.mark.parametrize(
    "changes, why",
    [
        ({"author": HILLTOP.id}, "another line, author or epoch"),
        ({"line": filler("another line")}, "another line, author or epoch"),
        ({"epoch": 1}, "another line, author or epoch"),
        ({"prev": filler("another op")}, "does not continue"),
        ({"ack_id": filler("another op")}, "another op than the peer's chain"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_continue_my_chains_does_not_come_back(changes, why):
    """Rule 6.7 (b): a peer that shows another past has forked."""
    line = open_line()
    mine = line.of(OAKVALE)

    with pytest.raises(InvalidOp, match=why):
        returned(mine.state, mine.forges(lock(), **changes), lambda seq: mine.seen[seq - 1])


# --- Views -----------------------------------------------------------------------------------------------------


def test_a_fold_of_impossible_chains_is_refused():
    """Rule 6.3, for auditors who read foreign files: no other exception escapes."""
    end = Release(lock=2, reason="gone")
    opened = open_step(TERMS)
    assert fold([opened, lock(5)], [opened, end]).pending == (0, 0)
    for low, high in (
        ([opened], [opened, end]),
        ([opened, lock(5)], [opened, end, end]),
        ([opened, lock(5), end], [opened]),
    ):
        with pytest.raises(InvalidOp):
            fold(low, high)
    most = 2**53 - 1
    receipt = bytes(64)
    claims = [opened, *(Claim(lock=seq, receipt=receipt, memo=b"") for seq in (2, 3))]
    with pytest.raises(InvalidValue):
        fold([opened, lock(most), lock(most)], claims)


def test_every_part_of_a_view_is_in_its_hash():
    """Rule 6.2: what is not in the hash could differ unseen."""
    line = open_line(owed_by_low=5)
    line.says(LOW, lock(7))
    view = line.view
    limit = view.limits[0]
    seen = {view.digest()}
    for changed in (
        replace(view, owed_by_low=6),
        replace(view, limits=(replace(limit, owed_max=1), view.limits[1])),
        replace(view, limits=(replace(limit, pending_max=1), view.limits[1])),
        replace(view, limits=(replace(limit, open_max=1), view.limits[1])),
        replace(view, limits=(view.limits[0], replace(limit, open_max=1))),
        replace(view, opened=(True, False)),
        replace(view, closed=(True, False)),
        replace(view, closed=(False, True)),
        replace(view, open_locks={}),
        replace(view, open_locks={(LOW, 3): 7}),
        replace(view, open_locks={(HIGH, 4): 7}),
        replace(view, open_locks={(LOW, 4): 8}),
    ):
        seen.add(changed.digest())
    assert len(seen) == 13


# --- I2, I3, I4, I16: two sides, any order of delivery --------------------------------------------------------------


class TwoSides(RuleBasedStateMachine):
    """Both sides say what they may at any time; their ops arrive late, doubled, out of order, or not yet."""

    @initialize(open_max=st.sampled_from([100, 1, 3]), owed_by_low=st.sampled_from([0, -100, 60]))
    def begin(self, open_max, owed_by_low):
        self.line = open_line(limit=limits(100, 300, open_max), owed_by_low=owed_by_low)
        self.top = {LOW: 100, HIGH: 100}
        self.closed = set()
        self.number = 0
        self.hashes = {}

    def copy(self, side):
        return self.line.low if side == LOW else self.line.high

    sides = st.sampled_from([LOW, HIGH])

    @rule(
        side=sides,
        owed=st.integers(0, 200),
        pending=st.sampled_from([0, 20, 400]),
        open_max=st.sampled_from([0, 2, 100]),
    )
    def limit(self, side, owed, pending, open_max):
        if side in self.closed:
            with pytest.raises(InvalidOp):
                self.copy(side).does(limits(owed, pending, open_max))
            return
        self.copy(side).does(limits(owed, pending, open_max))
        self.top[other(side)] = max(self.top[other(side)], owed)

    @rule(
        side=sides,
        part=st.sampled_from([1, 50, 100, 100]),
        mode=st.sampled_from([MODE_NORMAL, MODE_NORMAL, MODE_REDUCE]),
    )
    def lock(self, side, part, mode):
        copy = self.copy(side)
        self.number += 1
        most = room(copy.state.mine, side, mode)
        if most == 0:
            with pytest.raises(InvalidOp):
                copy.does(lock(1, quote=str(self.number), mode=mode))
        else:
            copy.does(lock(-(-most * part // 100), quote=str(self.number), mode=mode))

    @rule(side=sides, pick=st.integers(0), claims=st.sampled_from([True, True, False]))
    def end(self, side, pick, claims):
        copy = self.copy(side)
        mine = [seq for (debtor, seq) in copy.state.mine.locks() if debtor != side]
        if mine:
            op = copy.seen[sorted(mine)[pick % len(mine)] - 1]
            copy.does(claim(op) if claims else Release(lock=op.body.seq, reason="no-way"))

    @rule(side=sides, part=st.sampled_from([1, 50, 100, 100]))
    def credit(self, side, part):
        copy = self.copy(side)
        most = credit_room(copy.state.mine, side)
        if most:
            copy.does(Credit(amount=-(-most * part // 100)))

    @precondition(lambda self: self.number > 8)
    @rule(side=sides)
    def close(self, side):
        if side in self.closed:
            with pytest.raises(InvalidOp):
                self.copy(side).does(Close())
        else:
            self.copy(side).does(Close())
            self.closed.add(side)

    @rule(side=sides)
    def mark(self, side):
        self.copy(side).does(mark(self.copy(side)))

    @rule(side=sides, pick=st.integers(0), back=st.integers(0, 3))
    def deliver(self, side, pick, back):
        """Any op ever written arrives; mostly one near the first that is missing."""
        mine, theirs = self.copy(side), self.copy(other(side))
        at = theirs.state.peer_length + 1 - back if pick % 4 else 1 + pick % len(mine.own)
        op = mine.own[min(max(at, 1), len(mine.own)) - 1]
        before = theirs.state
        match position(theirs.state, op.body):
            case Position.NEXT:
                theirs.gets(op)  # what author() made, the peer takes
                assert theirs.state.peer_length == before.peer_length + 1
            case Position.KNOWN:
                theirs.gets(op)
                assert theirs.state == before
            case _:
                with pytest.raises(OutOfOrder):
                    theirs.gets(op)
                assert theirs.state == before

    @rule()
    def all_arrives(self):
        self.line.tell()
        assert self.line.low.state.mine == self.line.high.state.mine

    @invariant()
    def i2_equal_lengths_have_equal_hashes(self):
        """I2, over the whole run: also views of different moments, and the fold from nothing."""
        steps = {side: [op.body.step for op in self.copy(side).own] for side in (LOW, HIGH)}
        for side in (LOW, HIGH):
            state = self.copy(side).state
            lengths = {side: state.own_length, other(side): state.peer_length}
            acked = {side: state.peer_ack, other(side): state.peer_length}
            for view, (low, high) in (
                (state.mine, (lengths[LOW], lengths[HIGH])),
                (state.theirs, (acked[LOW], acked[HIGH])),
            ):
                digest = self.hashes.setdefault(
                    (low, high), fold(steps[LOW][:low], steps[HIGH][:high]).digest()
                )
                assert view.digest() == digest
                assert decode_view(view.encode()) == view

    @invariant()
    def i3_debt_and_open_locks_stay_below_the_highest_limit_granted(self):
        """I3, on all that was ever written, delivered or not; and the sums a view keeps are right."""
        low, high = ([op.body.step for op in self.copy(side).own] for side in (LOW, HIGH))
        view = fold(low, high)
        for side in (LOW, HIGH):
            amounts = [amount for (debtor, _), amount in view.locks().items() if debtor == side]
            assert (view.pending[side], view.open_count[side]) == (sum(amounts), len(amounts))
            assert view.owed(side) + view.pending[side] <= self.top[side]

    @invariant()
    def i4_a_lock_has_one_end(self):
        """I4."""
        for side in (LOW, HIGH):
            ended = [
                op.body.step.lock for op in self.copy(side).own if isinstance(op.body.step, (Claim, Release))
            ]
            locks = {op.body.seq for op in self.copy(other(side)).own if isinstance(op.body.step, Lock)}
            assert len(set(ended)) == len(ended)
            assert set(ended) <= locks

    @invariant()
    def nothing_is_locked_after_a_close(self):
        """Rule 6.3 (CLOSE): neither by its author, nor by a peer that has acknowledged it."""
        for side in (LOW, HIGH):
            mine, theirs = ([op.body for op in self.copy(each).own] for each in (side, other(side)))
            mine_ends = next((op.seq for op in mine if isinstance(op.step, Close)), 10**9)
            theirs_ends = next((op.seq for op in theirs if isinstance(op.step, Close)), 10**9)
            for op in mine:
                if isinstance(op.step, Lock):
                    assert op.seq < mine_ends
                    assert op.ack < theirs_ends

    @invariant()
    def i16_a_lock_that_reduces_raises_no_debt(self):
        """I16, 8.2: as its author saw it, nothing it owed grew."""
        for side in (LOW, HIGH):
            last = self.copy(side).own[-1].body.step
            if isinstance(last, Lock) and last.mode == MODE_REDUCE:
                view = self.copy(side).state.mine
                assert view.owed(side) + view.pending[side] <= 0

    def teardown(self):
        if hasattr(self, "line"):
            self.line.tell()
            assert self.line.low.state.mine == self.line.high.state.mine


TestTwoSides = TwoSides.TestCase
TestTwoSides.settings = settings(stateful_step_count=40)


def test_control_credit_beyond_my_open_locks_breaks_i3():
    """Negative control: with CREDIT up to what the peer owes, debt and locks pass the LIMIT."""
    line = open_line(limit=100, owed_by_low=-100)  # high owes 100
    op = line.says(LOW, lock(100))
    forged = line.low.forges(Credit(amount=100))
    steps = [each.body.step for each in line.low.own] + [forged.body.step, lock(100, quote="eggs")]
    view = fold(steps, [*(each.body.step for each in line.high.own), claim(op)])

    assert view.owed(LOW) + view.pending[LOW] > 100
    with pytest.raises(InvalidOp):
        line.high.gets(forged)


def test_limit_is_kept_as_said():
    """Rule 6.3 (LIMIT): always valid, also below what exists."""
    line = open_line(limit=100)
    line.says(LOW, lock(90))
    line.says(HIGH, Limit(owed_max=10, pending_max=0, open_max=0))

    assert room(line.view, LOW) == 0
    assert line.view.pending[LOW] == 90
