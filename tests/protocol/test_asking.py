"""Requests for payment, every state times every event. Rule 7.7; docs/pages.md 0.10 and 4."""

from __future__ import annotations

import pytest

from protocol.asking import (
    AskEvent,
    AskState,
    Due,
    Silence,
    ask_state,
    ask_step,
    moved_by_absence,
    silence_due,
    until_after_warning,
)
from protocol.errors import OutOfOrder
from protocol.limits import DAY_MS

ASKED, PAID, DECLINED, WITHDRAWN, LAPSED = AskState
ALLOWED = {
    (ASKED, AskEvent.PAY): PAID,
    (ASKED, AskEvent.SILENCE): PAID,
    (ASKED, AskEvent.DECLINE): DECLINED,
    (ASKED, AskEvent.WITHDRAW): WITHDRAWN,
    (ASKED, AskEvent.LAPSE): LAPSED,
    (DECLINED, AskEvent.PAY): PAID,
    (WITHDRAWN, AskEvent.PAY): PAID,
    (LAPSED, AskEvent.PAY): PAID,
}


@pytest.mark.parametrize("state", AskState)
@pytest.mark.parametrize("event", AskEvent)
def test_every_event_in_every_state_is_decided(state: AskState, event: AskEvent) -> None:
    after = ALLOWED.get((state, event))
    if after is not None:
        assert ask_step(state, event) is after
        return
    with pytest.raises(OutOfOrder):
        ask_step(state, event)


@pytest.mark.parametrize("state", AskState)
def test_time_ends_only_what_nobody_answered(state: AskState) -> None:
    """pages.md 0.10: silence never spends by the clock, and never undoes an answer; where it counts, it waits for a look (3.11)."""
    assert ask_state(state, until_ms=100, now_ms=99) is state
    assert ask_state(state, until_ms=100, now_ms=100, counts=True) is state
    assert ask_state(state, until_ms=100, now_ms=100) is (LAPSED if state is ASKED else state)


# --- where silence counts: rule 3.11, in days; it counts from day 20 on ---------------------------------------------


@pytest.mark.parametrize(
    ("warned", "given", "now", "due"),
    [
        (0, None, 15.9, Due.NOTHING),
        (0, None, 16, Due.WARN),  # 4 days before
        (0, None, 30, Due.WARN),  # the node was off: no yes without warnings
        (1, None, 30, Due.NOTHING),  # the mail server has not taken it
        (1, 16, 18.9, Due.NOTHING),
        (1, 16, 19, Due.WARN),  # 1 day before
        (1, 18, 19.9, Due.NOTHING),
        (1, 18, 20, Due.WARN),  # two days lie between the two
        (2, None, 30, Due.NOTHING),
        (2, 19, 19.9, Due.NOTHING),
        (2, 19, 20, Due.COUNT),
        (2, 19.5, 20.4, Due.NOTHING),
        (2, 19.5, 20.5, Due.COUNT),  # one day between the second and the yes
    ],
)
def test_two_warnings_are_given_in_time_or_the_day_moves(
    warned: int, given: float | None, now: float, due: Due
) -> None:
    given_ms = None if given is None else round(given * DAY_MS)
    silence = Silence(until_ms=20 * DAY_MS, warned=warned, given_ms=given_ms)
    assert silence_due(silence, round(now * DAY_MS)) is due


@pytest.mark.parametrize(
    ("warned", "now", "until"), [(0, 16, 20), (0, 17, 20), (0, 18, 21), (1, 19, 20), (1, 20, 21), (1, 25, 26)]
)
def test_a_late_warning_names_a_later_day(warned: int, now: int, until: int) -> None:
    silence = Silence(until_ms=20 * DAY_MS, warned=warned, given_ms=now * DAY_MS if warned else None)
    assert until_after_warning(silence, now * DAY_MS) == until * DAY_MS


@pytest.mark.parametrize(
    ("before", "after", "now", "until"),
    [
        (None, 15, 10, 25),  # goes away for five days
        (15, None, 12, 17),  # comes back three days early
        (15, 18, 12, 23),  # stays three days longer
        (15, None, 16, 20),  # is back anyway
        (None, 9, 10, 20),  # an absence that is over
        (30, None, 12, 12),  # never in the past
    ],
)
def test_no_clock_runs_while_the_payer_is_away(
    before: int | None, after: int | None, now: int, until: int
) -> None:
    moved = moved_by_absence(
        20 * DAY_MS, before_ms=None if before is None else before * DAY_MS,
        after_ms=None if after is None else after * DAY_MS, now_ms=now * DAY_MS,
    )  # fmt: skip
    assert moved == until * DAY_MS
