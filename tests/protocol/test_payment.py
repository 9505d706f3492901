"""Payments: the three tables whole, and what decides their events. Source: docs/protocol.md 7.2–7.4; I4, I5."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from protocol.errors import OutOfOrder
from protocol.limits import FROZEN_AFTER_MS, HOP_MARGIN_MS, LATE_AFTER_MS, PAYEE_MARGIN_MS
from protocol.line_ops import MODE_REDUCE, RELEASE_REASONS
from protocol.payment import (
    CONNECTOR,
    PAYEE,
    PAYER,
    ConnectorEvent,
    ConnectorState,
    Effect,
    Onward,
    PayeeEvent,
    PayeeState,
    PayerEvent,
    PayerState,
    Promise,
    UnderWay,
    connector_step,
    forward_verdict,
    is_late,
    may_freeze,
    onward_lock,
    payee_step,
    payee_verdict,
    payer_step,
    share_of_room,
)
from tests.builders import (
    HILLTOP,
    MOORSIDE,
    NOW,
    RIVERSIDE,
    acceptance,
    lock,
    lock_for,
    quote,
    request,
)

# --- The tables of 7.2, written out a second time ------------------------------------------------------------------

PAYER_ROWS = """
NEW     CONFIRMED   LOCKED  HOLD LOCK
LOCKED  RELEASED    FAILED  DROP_HOLD TELL_FAILED
LOCKED  CLAIMED     PAID    POST_HOLD STORE_RECEIPT TELL_PAID
LOCKED  RECEIPT     LOCKED  STORE_RECEIPT
LOCKED  LATE        LOCKED  TELL_LATE
LOCKED  ORGANISERS  FROZEN  HOLD_TO_CHEST
FROZEN  CLAIMED     PAID    POST_HOLD STORE_RECEIPT TELL_PAID
FROZEN  RELEASED    FAILED  DROP_HOLD TELL_FAILED
FROZEN  RECEIPT     FROZEN  STORE_RECEIPT
"""
CONNECTOR_ROWS = """
NEW        FORWARD            FORWARDED  LOCK
NEW        REFUSE             RELEASED   RELEASE_UP
NEW        HOLD_BACK          WAIT
WAIT       RECEIPT            CLAIMED    STORE_RECEIPT CLAIM_UP
WAIT       FORWARD            FORWARDED  LOCK
WAIT       REFUSE             RELEASED   RELEASE_UP
WAIT       HOLD_BACK          WAIT
FORWARDED  DOWN_RELEASED      RELEASED   RELEASE_UP
FORWARDED  DOWN_CLAIMED       CLAIMED    POST_DOWN STORE_RECEIPT CLAIM_UP
FORWARDED  RECEIPT            CLAIMED    STORE_RECEIPT CLAIM_UP
CLAIMED    DOWN_CLAIMED       CLAIMED    POST_DOWN
CLAIMED    DOWN_RELEASED      CLAIMED    REST_TO_CHEST
CLAIMED    UP_CLAIM_AUTHORED  CLAIMED    POST_UP
CLAIMED    RECEIPT            CLAIMED
RELEASED   UP_CLAIM_RETURNED  CLAIMED    STORE_RECEIPT POST_UP REST_TO_CHEST
WAIT       REOPENED           SETTLED    REST_TO_CHEST
FORWARDED  REOPENED           SETTLED    REST_TO_CHEST
CLAIMED    REOPENED           SETTLED    REST_TO_CHEST
SETTLED    DOWN_CLAIMED       SETTLED    POST_DOWN STORE_RECEIPT REST_TO_CHEST
SETTLED    DOWN_RELEASED      SETTLED
SETTLED    RECEIPT            SETTLED
"""
PAYEE_ROWS = """
NEW      GOOD               CLAIMED   SIGN_RECEIPT CLAIM_UP CREDIT_MEMBER
NEW      REFUSE             RELEASED  RELEASE_UP
CLAIMED  UP_CLAIM_AUTHORED  CLAIMED   POST_UP
"""
MACHINES = [
    pytest.param(PAYER_ROWS, payer_step, PAYER, PayerState, PayerEvent, id="payer"),
    pytest.param(CONNECTOR_ROWS, connector_step, CONNECTOR, ConnectorState, ConnectorEvent, id="connector"),
    pytest.param(PAYEE_ROWS, payee_step, PAYEE, PayeeState, PayeeEvent, id="payee"),
]


def rows_of(text):
    rows = {}
    for row in text.split("\n"):
        if row:
            state, event, to, *effects = row.split()
            assert (state, event) not in rows
            rows[state, event] = (to, effects)
    return rows


@pytest.mark.parametrize("text, step, table, states, events", MACHINES)
def test_every_event_in_every_state_is_decided_as_in_the_rule(text, step, table, states, events):
    """Rule 7.2: every state times every event; what is not in the table raises."""
    rows = rows_of(text)
    assert set(table) == set(states)
    for state in states:
        for event in events:
            row = rows.pop((state.name, event.name), None)
            if row is None:
                with pytest.raises(OutOfOrder, match=f"{event.name} while {state.name}"):
                    step(state, event)
            else:
                to, effects = step(state, event)
                assert (to.name, [effect.name for effect in effects]) == row
    assert rows == {}


@pytest.mark.parametrize("text, step, table, states, events", MACHINES)
def test_every_state_can_be_reached(text, step, table, states, events):
    reached = {states.NEW}
    for _ in states:
        reached |= {to for state in reached for to, _ in table[state].values()}
    assert reached == set(states)


def test_no_effect_is_without_use():
    used = {
        effect for table in (PAYER, CONNECTOR, PAYEE) for row in table.values() for _, effects in row.values()
        for effect in effects
    }  # fmt: skip
    assert used == set(Effect)


# --- What no path through a table may do ---------------------------------------------------------------------------


def paths(table, start, length):
    """Yield every path of at most `length` events from `start`: ((state, event, effects), …)."""
    if length:
        for event, (to, effects) in table[start].items():
            yield ((start, event, effects),)
            for rest in paths(table, to, length - 1):
                yield ((start, event, effects), *rest)


CONNECTOR_PATHS = list(paths(CONNECTOR, ConnectorState.NEW, 6))


def effects_of(path):
    return Counter(effect for _, _, effects in path for effect in effects)


def test_the_forbidden_move_is_on_no_path():
    """Rule 7.3: no RELEASE upstream while the outgoing LOCK exists and was not RELEASEd."""
    assert len(CONNECTOR_PATHS) > 500
    for path in CONNECTOR_PATHS:
        locked = False
        for _, event, effects in path:
            if Effect.RELEASE_UP in effects:
                assert not locked or event is ConnectorEvent.DOWN_RELEASED, path
            locked = (locked or Effect.LOCK in effects) and event is not ConnectorEvent.DOWN_RELEASED
    for state, row in CONNECTOR.items():
        for event, (to, effects) in row.items():
            if state is ConnectorState.FORWARDED and Effect.RELEASE_UP in effects:
                assert event is ConnectorEvent.DOWN_RELEASED
            if to is ConnectorState.RELEASED:
                assert Effect.RELEASE_UP in effects


def test_i4_i5_a_connector_ends_its_incoming_lock_once_and_claims_when_claimed():
    """I4, I5, on every path of the table."""
    for path in CONNECTOR_PATHS:
        count = effects_of(path)
        assert count[Effect.RELEASE_UP] + count[Effect.CLAIM_UP] <= 1, path
        assert count[Effect.LOCK] <= 1, path
        events = [event for _, event, _ in path]
        # What people settled has no end of ours upstream, or one from before both sides lost ops (6.8).
        lost = {ConnectorEvent.REOPENED, ConnectorEvent.UP_CLAIM_RETURNED} & set(events)
        if ConnectorEvent.DOWN_CLAIMED in events and not lost:
            assert (count[Effect.CLAIM_UP], count[Effect.RELEASE_UP]) == (1, 0), path
        if count[Effect.RELEASE_UP] and not lost:
            assert not count[Effect.POST_DOWN], path


def test_no_clock_leads_out_of_a_locked_payment():
    """Rule 0.1: only an op of the beneficiary ends a lock; a late one is told of, a frozen one is only moved."""
    ends = {PayerEvent.CLAIMED, PayerEvent.RELEASED}
    for state in (PayerState.LOCKED, PayerState.FROZEN):
        for event, (to, _) in PAYER[state].items():
            assert (to in (PayerState.PAID, PayerState.FAILED)) is (event in ends)
    for path in paths(PAYER, PayerState.NEW, 5):
        count = effects_of(path)
        assert count[Effect.HOLD] == 1
        assert count[Effect.POST_HOLD] + count[Effect.DROP_HOLD] <= 1
        assert not count[Effect.POST_HOLD] or count[Effect.STORE_RECEIPT]  # I6


def test_a_receipt_is_signed_only_together_with_its_claim():
    """Rule 7.4."""
    for row in PAYEE.values():
        for _, effects in row.values():
            together = {Effect.SIGN_RECEIPT, Effect.CLAIM_UP, Effect.CREDIT_MEMBER}
            assert len(together & set(effects)) in (0, 3)


# --- Verdicts ------------------------------------------------------------------------------------------------------

FORWARD, REFUSE, HOLD_BACK = ConnectorEvent.FORWARD, ConnectorEvent.REFUSE, ConnectorEvent.HOLD_BACK
TWO_LEFT = lock(100, route=(RIVERSIDE.id, MOORSIDE.id))
LAST_MOMENT = TWO_LEFT.deadline - 2 * HOP_MARGIN_MS


def onward(room=100, *, exists=True, usable=True, compared=True):
    return Onward(exists=exists, usable=usable, compared=compared, room=room)


@pytest.mark.parametrize(
    "next_line, now_ms, old, answer",
    [
        (onward(), NOW, False, (FORWARD, "")),
        (onward(), NOW, True, (FORWARD, "")),
        (onward(99), NOW, False, (REFUSE, "no-way")),
        (onward(99), NOW, True, (REFUSE, "no-way")),
        (onward(0), NOW, False, (REFUSE, "no-way")),
        (onward(), LAST_MOMENT - 1, False, (FORWARD, "")),
        (onward(), LAST_MOMENT, False, (REFUSE, "too-late")),
        (onward(), LAST_MOMENT, True, (REFUSE, "too-late")),
        (onward(usable=False), NOW, False, (REFUSE, "no-way")),
        (onward(usable=False), LAST_MOMENT, False, (REFUSE, "no-way")),
        # 6.7 (d): one that looks new waits for a line that was not compared since this boot …
        (onward(0, usable=False, compared=False), NOW, False, (HOLD_BACK, "")),
        (onward(0, usable=False, compared=False), LAST_MOMENT, False, (HOLD_BACK, "")),
        (onward(0, exists=False, usable=False, compared=False), NOW, False, (REFUSE, "no-way")),
        # … and an old lock is neither released nor forwarded before the next line is usable
        (onward(usable=False), NOW, True, (HOLD_BACK, "")),
        (onward(usable=False), LAST_MOMENT, True, (HOLD_BACK, "")),
        (onward(0, usable=False), NOW, True, (HOLD_BACK, "")),
        # … and a restored database may not know a line that holds my lock
        (onward(0, exists=False, usable=False), NOW, True, (HOLD_BACK, "")),
    ],
)
def test_a_connector_forwards_what_it_can_and_refuses_the_rest(next_line, now_ms, old, answer):
    """Rules 7.2, 6.7 (d)."""
    assert forward_verdict(TWO_LEFT, next_line, now_ms=now_ms, old=old) == answer
    assert answer[1] in ("", *RELEASE_REASONS)


@pytest.mark.parametrize(
    "count, amount, room, answer",
    [
        (0, 0, 100, 100),  # a single one may take all there is
        (1, 10, 90, 40),  # half of 100, less what is under way
        (1, 60, 40, 0),  # it took more than half when it was alone
        (2, 10, 20, 20),  # others fill the line: the room is what is left of it
        (4, 4, 90, 46),
        (5, 5, 90, 0),  # half of the ten that may be open
        (7, 7, 90, 0),
    ],
)
def test_locks_of_one_neighbour_leave_half_of_a_line_to_everybody_else(count, amount, room, answer):
    """Rule 6.4; attack T2."""
    theirs = UnderWay(count=count, amount=amount, unseen=0)

    assert share_of_room(room, pending=100 - room, open_max=10, theirs=theirs) == answer


def test_where_one_lock_may_be_open_that_one_is_passed_on():
    """Rule 6.4."""
    nothing, one = UnderWay(count=0, amount=0, unseen=0), UnderWay(count=1, amount=1, unseen=1)

    assert share_of_room(5, pending=0, open_max=1, theirs=nothing) == 5
    assert share_of_room(5, pending=1, open_max=1, theirs=one) == 0


def test_locks_of_one_neighbour_leave_half_of_the_window_to_everybody_else():
    """Rules 6.4, 6.5."""
    for unseen, answer in ((31, 50), (32, 0)):
        theirs = UnderWay(count=40, amount=0, unseen=unseen)
        assert share_of_room(100, pending=0, open_max=100, theirs=theirs) == answer


def test_the_onward_lock_is_the_same_but_for_route_and_memo():
    """Rule 7.2: same quote, part, amount, key, mode, deadline."""
    incoming = lock(7, mode=MODE_REDUCE, route=(RIVERSIDE.id, MOORSIDE.id), note=b"note", memo=b"of upstream")
    outgoing = onward_lock(incoming, b"mine")

    assert outgoing == replace(incoming, route=(MOORSIDE.id,), memo=b"mine")


PROMISED = quote()
RIGHT = lock_for(PROMISED)
ACCEPTED = acceptance(PROMISED).body


def verdict(payment=RIGHT, accepted=ACCEPTED, now_ms=NOW, me=RIVERSIDE.id, promised=PROMISED.body, **known):
    promise = Promise(**{"quote": promised, "paid": False, "member_can_be_credited": True, **known})
    return payee_verdict(payment, promise, accepted, me=me, now_ms=now_ms)


GOOD = (PayeeEvent.GOOD, "")
GONE = (PayeeEvent.REFUSE, "gone")
TOO_LATE = (PayeeEvent.REFUSE, "too-late")
LAST_CLAIM = RIGHT.deadline - PAYEE_MARGIN_MS


@pytest.mark.parametrize(
    "changes, answer",
    [
        ({}, GOOD),
        ({"me": HILLTOP.id}, GONE),
        ({"paid": True}, GONE),
        ({"payment": replace(RIGHT, amount=RIGHT.amount - 1)}, GONE),
        ({"payment": replace(RIGHT, amount=RIGHT.amount + 1)}, GONE),
        ({"payment": replace(RIGHT, receipt_key=HILLTOP.receipt_key.public.raw)}, GONE),
        ({"payment": replace(RIGHT, parts=2)}, GONE),  # 7.6: version 1 takes payments whole
        ({"accepted": None}, GONE),
        ({"accepted": replace(ACCEPTED, payer_scheme=HILLTOP.id)}, GONE),
        ({"accepted": acceptance(quote(request(30))).body}, GONE),
        # the price was promised until valid_until, and no payer can stretch that
        ({"payment": replace(RIGHT, deadline=PROMISED.body.valid_until + 1)}, GONE),
        ({"payment": replace(RIGHT, deadline=2**53 - 1)}, GONE),
        ({"now_ms": LAST_CLAIM - 1}, GOOD),
        ({"now_ms": LAST_CLAIM}, TOO_LATE),
        ({"now_ms": LAST_CLAIM, "member_can_be_credited": False}, TOO_LATE),
        ({"payment": replace(RIGHT, deadline=NOW)}, TOO_LATE),
        ({"member_can_be_credited": False}, (PayeeEvent.REFUSE, "cannot-now")),
        ({"payment": replace(RIGHT, mode=MODE_REDUCE, note=b"x", memo=b"y")}, GOOD),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_payee_takes_what_it_promised_and_nothing_else(changes, answer):
    """Rule 7.2, in the order of the checks."""
    assert verdict(**changes) == answer
    assert answer[1] in ("", *RELEASE_REASONS)


def test_a_payee_knows_no_quote_but_its_own():
    """Rule 7.2: also after it forgot one."""
    assert payee_verdict(RIGHT, None, ACCEPTED, me=RIVERSIDE.id, now_ms=NOW) == GONE


@pytest.mark.parametrize(
    "after, late, frozen",
    [
        (LATE_AFTER_MS - 1, False, False),
        (LATE_AFTER_MS, True, False),
        (FROZEN_AFTER_MS - 1, True, False),
        (FROZEN_AFTER_MS, True, True),
    ],
)
def test_when_a_payment_is_late_and_when_its_hold_may_be_moved(after, late, frozen):
    """Rules 6.6, 7.2."""
    assert is_late(NOW, NOW + after) is late
    assert may_freeze(NOW, NOW + after) is frozen
