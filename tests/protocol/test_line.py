"""Who may say what on a line: every op against the limits, the locks and the balance. Source: docs/protocol.md 6.1–6.4."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.errors import InvalidOp, InvalidValue
from protocol.limits import LINE_OPEN_LOCKS_MAX
from protocol.line import new_line, receipt_opens
from protocol.line_ops import MODE_NORMAL, MODE_REDUCE, Close, Credit, Release
from protocol.line_view import HIGH, LOW, View, credit_room, decode_view, other, room
from protocol.names import QuoteId
from protocol.quote import make_receipt
from tests.builders import (
    HILLTOP,
    OAKVALE,
    RIVERSIDE,
    claim,
    limits,
    lock,
    mark,
    new_pair,
    open_line,
    open_step,
    terms_between,
)
from tests.vector_making import filler, key

TERMS = terms_between(OAKVALE, HILLTOP)


def refused_by_both(line, side, step, why):
    """Its author does not sign such a step, and the peer does not take it."""
    mine, theirs = (line.low, line.high) if side == LOW else (line.high, line.low)
    before = theirs.state
    forged = mine.forges(step)
    with pytest.raises(InvalidOp, match=why):
        mine.does(step)
    with pytest.raises(InvalidOp, match=why):
        theirs.gets(forged)
    assert theirs.state == before


# --- 6.3 OPEN ------------------------------------------------------------------------------------------------


def test_a_line_opens_when_both_have_said_so():
    """Rule 6.1."""
    line = new_pair()
    assert line.view.opened == (False, False)

    line.says(LOW, open_step(TERMS))
    assert line.view.opened == (True, False)
    line.says(HIGH, open_step(TERMS))
    assert line.view.opened == (True, True)


@pytest.mark.parametrize(
    "step", [limits(1), lock(1), Credit(amount=1), Release(lock=1, reason="gone")], ids=lambda step: step.TAG
)
def test_the_first_op_is_open(step):
    """Rule 6.3 (OPEN)."""
    refused_by_both(new_pair(), LOW, step, "first op of a chain is OPEN")


def test_a_chain_has_one_open():
    """Rule 6.3 (OPEN)."""
    refused_by_both(open_line(), LOW, open_step(TERMS), "has one OPEN")


@pytest.mark.parametrize(
    "step, why",
    [
        (replace(open_step(TERMS), nonce=bytes(16)), "other terms"),
        (open_step(terms_between(OAKVALE, RIVERSIDE)), "other terms"),
        (replace(open_step(TERMS), version=2), "does not know"),
    ],
    ids=["another nonce", "another pair", "a later set of ops"],
)
def test_open_names_the_terms_of_its_line_and_a_known_set_of_ops(step, why):
    """Rules 6.1, 9.5."""
    refused_by_both(new_pair(), LOW, step, why)


def test_nothing_is_lent_before_the_peer_has_opened():
    """Rule 6.1: what I allow counts once both have opened."""
    line = new_pair()
    line.says(LOW, open_step(TERMS))
    line.says(LOW, limits(100))

    assert room(line.view, HIGH) == 0
    refused_by_both(line, LOW, lock(1), "limits leave")


def test_a_line_is_between_its_two_schemes():
    """Rule 6.1."""
    assert new_line(TERMS, OAKVALE.id).peer == HILLTOP.id
    assert new_line(TERMS, HILLTOP.id).peer == OAKVALE.id
    with pytest.raises(InvalidValue):
        new_line(TERMS, RIVERSIDE.id)


# --- 6.3 LIMIT and LOCK ----------------------------------------------------------------------------------------

NO = "limits leave"


@pytest.mark.parametrize("debtor", [LOW, HIGH], ids=["low", "high"])
@pytest.mark.parametrize(
    "owed, limit, open_amounts, amount, mode, fits",
    [
        # owed + open locks + amount ≤ the creditor's LIMIT
        (0, limits(100), (), 100, MODE_NORMAL, True),
        (0, limits(100), (), 101, MODE_NORMAL, False),
        (0, limits(100), (60,), 40, MODE_NORMAL, True),
        (0, limits(100), (60,), 41, MODE_NORMAL, False),
        (70, limits(100), (), 30, MODE_NORMAL, True),
        (70, limits(100), (), 31, MODE_NORMAL, False),
        (70, limits(100), (10, 10), 10, MODE_NORMAL, True),
        (70, limits(100), (10, 10), 11, MODE_NORMAL, False),
        # what the creditor owes comes on top
        (-50, limits(100, 200), (), 150, MODE_NORMAL, True),
        (-50, limits(100, 200), (), 151, MODE_NORMAL, False),
        (-50, limits(0, 200), (), 50, MODE_NORMAL, True),
        (-50, limits(0, 200), (), 51, MODE_NORMAL, False),
        # a limit lowered below what exists invalidates nothing, and leaves no room
        (70, limits(50), (), 1, MODE_NORMAL, False),
        (0, limits(0), (), 1, MODE_NORMAL, False),
        # the most that may be pending
        (0, limits(100, 30), (), 30, MODE_NORMAL, True),
        (0, limits(100, 30), (), 31, MODE_NORMAL, False),
        (0, limits(100, 30), (20,), 10, MODE_NORMAL, True),
        (0, limits(100, 30), (20,), 11, MODE_NORMAL, False),
        # the most that may be open at once
        (0, limits(100, open_max=2), (1,), 1, MODE_NORMAL, True),
        (0, limits(100, open_max=2), (1, 1), 1, MODE_NORMAL, False),
        (0, limits(100, open_max=0), (), 1, MODE_NORMAL, False),
        # reduce: owed + open locks + amount ≤ 0, and LIMIT is not read
        (-50, limits(100), (), 50, MODE_REDUCE, True),
        (-50, limits(100), (), 51, MODE_REDUCE, False),
        (-50, limits(100), (20,), 30, MODE_REDUCE, True),
        (-50, limits(100), (20,), 31, MODE_REDUCE, False),
        (0, limits(100), (), 1, MODE_REDUCE, False),
        (70, limits(100), (), 1, MODE_REDUCE, False),
        (-50, limits(0, 0, 0), (), 50, MODE_REDUCE, True),
        (-50, limits(0, 0, 0), (), 51, MODE_REDUCE, False),
    ],
)
def test_a_lock_fits_what_the_limits_leave(debtor, owed, limit, open_amounts, amount, mode, fits):
    """Rules 6.3 (LOCK), 8.2; the low and the high side alike."""
    line = open_line(limit=None, owed_by_low=owed if debtor == LOW else -owed)
    if open_amounts:
        line.says(other(debtor), limits(1000))
        for number, open_amount in enumerate(open_amounts):
            line.says(debtor, lock(open_amount, quote=f"open {number}"))
    line.says(other(debtor), limit)

    step = lock(amount, mode=mode)
    assert (room(line.view, debtor, mode) >= amount) is fits
    if fits:
        line.says(debtor, step)
        assert line.view.pending[debtor] == sum(open_amounts) + amount
    else:
        refused_by_both(line, debtor, step, NO)


def test_the_limit_of_a_side_says_nothing_about_its_own_locks():
    """Rule 6.3: LIMIT is the creditor's."""
    line = open_line(limit=None)
    line.says(LOW, limits(100))

    assert (room(line.view, LOW), room(line.view, HIGH)) == (0, 100)


def test_no_more_locks_are_open_than_the_state_can_hold():
    """Rule 6.2: the state of a line stays inside one object, in either mode."""
    view = View(
        owed_by_low=-1000,
        limits=(Limit_of(LINE_OPEN_LOCKS_MAX), Limit_of(LINE_OPEN_LOCKS_MAX)),
        opened=(True, True),
        open_locks={(side, seq): 2**53 - 1 for side in (LOW, HIGH) for seq in range(2**52, 2**52 + 400)},
        open_count=(LINE_OPEN_LOCKS_MAX, LINE_OPEN_LOCKS_MAX),
    )

    assert room(view, LOW) == room(view, LOW, MODE_REDUCE) == 0
    assert decode_view(view.encode()).locks() == view.locks()


def Limit_of(open_max):  # noqa: N802  # reads as the value it makes
    return type(View().limits[0])(10**9, 10**9, open_max)


def test_a_lower_limit_counts_from_the_op_that_acknowledges_it():
    """Rule 6.3: valid against the author's chain and the peer's up to `ack`, whatever the peer wrote since."""
    line = open_line(limit=100)
    line.high.does(limits(0))  # not yet heard of by low

    op = line.low.does(lock(100))
    line.high.gets(op)
    assert line.high.state.mine.pending[LOW] == 100

    line.tell()
    refused_by_both(line, LOW, lock(1, quote="later"), NO)


def test_a_higher_limit_counts_only_once_acknowledged():
    """Rule 6.3."""
    line = open_line(limit=100)
    line.high.does(limits(200))

    with pytest.raises(InvalidOp, match=NO):
        line.high.gets(line.low.forges(lock(150)))
    line.tell()
    line.says(LOW, lock(150))


# --- 6.3 CLAIM and RELEASE -------------------------------------------------------------------------------------


@pytest.mark.parametrize("debtor", [LOW, HIGH], ids=["low", "high"])
def test_a_claim_makes_the_debtor_owe_and_a_release_does_not(debtor):
    """Rule 6.3."""
    line = open_line(limit=100)
    first, second = line.says(debtor, lock(30)), line.says(debtor, lock(20, quote="eggs"))
    assert (line.view.owed(debtor), line.view.pending[debtor]) == (0, 50)

    line.says(other(debtor), claim(first))
    assert (line.view.owed(debtor), line.view.pending[debtor]) == (30, 20)
    line.says(other(debtor), Release(lock=second.body.seq, reason="no-way"))
    assert (line.view.owed(debtor), line.view.pending[debtor]) == (30, 0)
    assert line.view.locks() == {}
    assert line.view.owed(other(debtor)) == -30


@pytest.mark.parametrize(
    "end", [claim, lambda op: Release(lock=op.body.seq, reason="gone")], ids=["CLAIM", "RELEASE"]
)
@pytest.mark.parametrize(
    "first", [claim, lambda op: Release(lock=op.body.seq, reason="gone")], ids=["CLAIM", "RELEASE"]
)
def test_i4_a_lock_has_one_end(first, end):
    """I4."""
    line = open_line()
    op = line.says(LOW, lock())
    line.says(HIGH, first(op))

    refused_by_both(line, HIGH, end(op), "not open")


@pytest.mark.parametrize("seq", [1, 2, 4, 99], ids=["an OPEN", "a LIMIT", "the next op", "far off"])
def test_only_an_open_lock_can_be_ended(seq):
    """Rule 6.3."""
    line = open_line()
    op = line.says(LOW, lock())
    assert op.body.seq == 3

    refused_by_both(line, HIGH, Release(lock=seq, reason="gone"), "not open")
    refused_by_both(line, HIGH, replace(claim(op), lock=seq), "not open")


def test_the_debtor_cannot_end_its_own_lock():
    """Rule 0.1: a lock is ended only by its beneficiary."""
    line = open_line()
    op = line.says(LOW, lock())

    refused_by_both(line, LOW, Release(lock=op.body.seq, reason="not-wanted"), "not open")


def test_a_lock_not_acknowledged_cannot_be_ended():
    """Rule 6.3: open in the acknowledged chain."""
    line = open_line()
    op = line.low.does(lock())

    with pytest.raises(InvalidOp, match="not open"):
        line.low.gets(line.high.forges(Release(lock=op.body.seq, reason="gone"), state=filler("any")))


@pytest.mark.parametrize(
    "receipt",
    [
        make_receipt(QuoteId(filler("quote eggs")), RIVERSIDE.receipt_key),
        make_receipt(QuoteId(filler("quote jam")), HILLTOP.receipt_key),
        RIVERSIDE.receipt_key.sign(b"interlets/1/op\x00\x91\xc4\x20" + filler("quote jam")),
        RIVERSIDE.receipt_key.sign(filler("quote jam")),
        bytes(64),
    ],
    ids=["another quote", "another key", "another tag", "no tag", "zeros"],
)
def test_i12_a_claim_needs_the_receipt_of_its_lock(receipt):
    """Rules 6.3 (CLAIM), 7.4, I12. Its author has looked at it; the peer must."""
    line = open_line()
    op = line.says(LOW, lock())

    with pytest.raises(InvalidOp, match="does not open the lock"):
        line.low.gets(line.high.forges(replace(claim(op), receipt=receipt)))


def test_only_the_key_in_the_lock_counts():
    """Rule 6.3 (CLAIM): the key bytes in the lock, whoever's they are."""
    line = open_line()
    strangers = key("nobody knows it")
    op = line.says(LOW, lock(receipt_key=strangers.public.raw))

    line.says(HIGH, claim(op, strangers))
    assert line.view.owed(LOW) > 0


def test_under_a_key_that_is_none_no_receipt_opens():
    """Rule 1.4: under a key of small order every message would verify."""
    small_order = bytes([1]) + bytes(31)

    assert not receipt_opens(small_order, QuoteId(bytes(32)), bytes([1]) + bytes(63))


# --- 6.3 CREDIT and MARK ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "peer_owes, open_locks_of_mine, amount, fits",
    [
        (50, (), 50, True),
        (50, (), 51, False),
        (0, (), 1, False),
        (-50, (), 1, False),
        (50, (20,), 30, True),
        (50, (20,), 31, False),
        (50, (50,), 1, False),
        (50, (60,), 1, False),
    ],
)
@pytest.mark.parametrize("creditor", [LOW, HIGH], ids=["low", "high"])
def test_credit_fits_what_the_peer_owes_less_my_open_locks(
    creditor, peer_owes, open_locks_of_mine, amount, fits
):
    """Rule 6.3 (CREDIT): more would let debt and locks pass every LIMIT (control `credit` of the simulation)."""
    line = open_line(limit=1000, owed_by_low=-peer_owes if creditor == LOW else peer_owes)
    for number, open_amount in enumerate(open_locks_of_mine):
        line.says(creditor, lock(open_amount, quote=f"open {number}"))

    assert (credit_room(line.view, creditor) >= amount) is fits
    if fits:
        line.says(creditor, Credit(amount=amount))
        assert line.view.owed(other(creditor)) == peer_owes - amount
    else:
        refused_by_both(line, creditor, Credit(amount=amount), "CREDIT beyond")


@pytest.mark.parametrize(
    "name, change",
    [("owed", 1), ("own_length", -1), ("own_length", 1), ("peer_length", -1), ("state", None)],
)
def test_a_mark_states_what_the_line_says(name, change):
    """Rule 6.3 (MARK)."""
    line = open_line(owed_by_low=70)
    right = mark(line.low)
    assert (right.owed, right.own_length, right.peer_length) == (
        70,
        line.low.state.own_length,
        line.low.state.peer_length,
    )
    wrong = filler("state") if change is None else getattr(right, name) + change

    refused_by_both(line, LOW, replace(right, **{name: wrong}), "MARK states")
    before = line.view
    line.says(LOW, right)
    line.says(HIGH, mark(line.high))
    assert line.view == before


# --- 6.3 CLOSE -------------------------------------------------------------------------------------------------


def lock_of_either_mode(mode):
    """A line on which high is owed, so that it may lock in either mode."""
    line = open_line(owed_by_low=70)
    assert room(line.view, HIGH, mode) > 0
    return line


@pytest.mark.parametrize("mode", [MODE_NORMAL, MODE_REDUCE])
@pytest.mark.parametrize("closer", [LOW, HIGH], ids=["the peer's", "its own"])
def test_after_a_close_nothing_is_locked(mode, closer):
    """Rule 6.3 (LOCK, CLOSE): not by its author, and not by who acknowledged it."""
    line = lock_of_either_mode(mode)
    line.says(closer, Close())

    assert room(line.view, HIGH, mode) == 0
    refused_by_both(line, HIGH, lock(1, mode=mode), NO)


def test_a_lock_that_crosses_the_peers_close_is_taken():
    """Rule 6.3 (CLOSE): it counts from the op that acknowledges it; the lock ends as ever."""
    line = open_line()
    line.high.does(Close())
    op = line.low.does(lock(30))
    line.high.gets(op)
    line.tell()

    line.says(LOW, Close())
    assert line.view.closed == (True, True)
    assert not line.view.ended
    line.says(HIGH, claim(op))
    assert line.view.ended
    assert line.view.owed(LOW) == 30


@pytest.mark.parametrize("step", [limits(5), Close()], ids=lambda step: step.TAG)
def test_after_its_close_a_side_grants_nothing_and_closes_no_more(step):
    """Rule 6.3 (LIMIT, CLOSE). The other side still may, until it closes too."""
    line = open_line()
    line.says(LOW, Close())

    refused_by_both(line, LOW, step, "after CLOSE")
    line.says(HIGH, step)


def test_what_is_owed_can_be_settled_and_stated_after_the_end():
    """Rule 6.3 (CLOSE): only CREDIT and MARK."""
    line = open_line(owed_by_low=70)
    for side in (LOW, HIGH):
        line.says(side, Close())
    assert line.view.ended

    line.says(HIGH, Credit(amount=70))
    line.says(LOW, mark(line.low))
    assert line.view.owed(LOW) == 0
    refused_by_both(line, LOW, Release(lock=3, reason="gone"), "not open")


def test_a_proposal_can_be_declined_and_taken_back():
    """Rules 6.1, 6.6: OPEN and CLOSE, with no LIMIT between, decline; CLOSE after OPEN takes a proposal back."""
    declined = new_pair()
    for side, step in (
        (LOW, open_step(TERMS)),
        (LOW, limits(100)),
        (HIGH, open_step(TERMS)),
        (HIGH, Close()),
    ):
        declined.says(side, step)
    assert (room(declined.view, LOW), room(declined.view, HIGH)) == (0, 0)

    taken_back = new_pair()
    for step in (open_step(TERMS), limits(100), Close()):
        taken_back.says(LOW, step)
    refused_by_both(taken_back, HIGH, Close(), "first op of a chain is OPEN")
