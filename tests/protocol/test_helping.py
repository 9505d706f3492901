"""A request for help: every state times every event times every hand. Source: docs/pages.md 7.6."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import OutOfOrder
from protocol.helping import AnswerState, Help, HelpEvent, HelpHand, HelpState, help_step

WAITING, FOUND, DONE, TAKEN_BACK, CLOSED = HelpState
ASKED, YES, NO, OVER = AnswerState
ASKER, HELPER, ORGANISER = HelpHand
# Helper 1 is the one an event is about; 2 was asked too, 3 has said no.
HELPS = {
    WAITING: Help(answers={1: ASKED, 2: ASKED, 3: NO}),
    FOUND: Help(state=FOUND, answers={1: YES, 2: OVER, 3: NO}),
    DONE: Help(state=DONE, answers={1: YES, 2: OVER, 3: NO}),
    TAKEN_BACK: Help(state=TAKEN_BACK, answers={1: OVER, 2: OVER, 3: NO}),
    CLOSED: Help(state=CLOSED, answers={1: OVER, 2: OVER, 3: NO}),
}
ALLOWED = {
    (WAITING, HelpEvent.ASK_HELPER, ORGANISER): WAITING,
    (WAITING, HelpEvent.SAY_YES, HELPER): FOUND,
    (WAITING, HelpEvent.SAY_NO, HELPER): WAITING,
    (WAITING, HelpEvent.TAKE_BACK, ASKER): TAKEN_BACK,
    (WAITING, HelpEvent.CLOSE, ORGANISER): CLOSED,
    (FOUND, HelpEvent.CALL_OFF, HELPER): WAITING,
    (FOUND, HelpEvent.ANOTHER, ASKER): WAITING,
    (FOUND, HelpEvent.ANOTHER, ORGANISER): WAITING,
    (FOUND, HelpEvent.DONE, ASKER): DONE,
    (FOUND, HelpEvent.DONE, ORGANISER): DONE,
    (FOUND, HelpEvent.TAKE_BACK, ASKER): TAKEN_BACK,
    (FOUND, HelpEvent.CLOSE, ORGANISER): CLOSED,
}


@pytest.mark.parametrize("state", HelpState)
@pytest.mark.parametrize("event", HelpEvent)
@pytest.mark.parametrize("hand", HelpHand)
def test_every_event_in_every_state_by_every_hand_is_decided(
    state: HelpState, event: HelpEvent, hand: HelpHand
) -> None:
    helper = 3 if event is HelpEvent.ASK_HELPER else 1
    allowed = ALLOWED.get((state, event, hand))
    if allowed is None:
        with pytest.raises(OutOfOrder):
            help_step(HELPS[state], event, hand, helper)
        return
    after, _ = help_step(HELPS[state], event, hand, helper)
    assert after.state is allowed


@pytest.mark.parametrize(
    "state, event, hand, helper",
    [
        (WAITING, HelpEvent.SAY_YES, HELPER, 3),
        (WAITING, HelpEvent.SAY_YES, HELPER, 9),
        (WAITING, HelpEvent.SAY_YES, HELPER, None),
        (WAITING, HelpEvent.SAY_NO, HELPER, 3),
        (WAITING, HelpEvent.ASK_HELPER, ORGANISER, 1),
        (FOUND, HelpEvent.CALL_OFF, HELPER, 2),
        (FOUND, HelpEvent.CALL_OFF, HELPER, 9),
        (FOUND, HelpEvent.ANOTHER, ASKER, 2),
    ],
)
def test_only_whoever_was_asked_answers_and_only_once(
    state: HelpState, event: HelpEvent, hand: HelpHand, helper: int | None
) -> None:
    with pytest.raises(OutOfOrder):
        help_step(HELPS[state], event, hand, helper)


def test_one_comes_and_the_others_are_free_and_an_end_frees_everybody() -> None:
    after, changed = help_step(HELPS[WAITING], HelpEvent.SAY_YES, HELPER, 2)
    assert (after.helper, changed) == (2, {2: YES, 1: OVER})
    again, changed = help_step(after, HelpEvent.CALL_OFF, HELPER, 2)
    assert (again.helper, changed) == (None, {2: NO})
    asked, changed = help_step(again, HelpEvent.ASK_HELPER, ORGANISER, 1)
    assert changed == {1: ASKED}
    for event, hand in ((HelpEvent.TAKE_BACK, ASKER), (HelpEvent.CLOSE, ORGANISER)):
        _, changed = help_step(asked, event, hand)
        assert changed == {1: OVER}
        _, changed = help_step(HELPS[FOUND], event, hand)
        assert changed == {1: OVER}
    after, changed = help_step(HELPS[FOUND], HelpEvent.DONE, ASKER)
    assert (after.helper, changed) == (1, {})


EVENTS = st.lists(
    st.tuples(st.sampled_from(HelpEvent), st.sampled_from(HelpHand), st.integers(1, 4)), max_size=30
)


@given(EVENTS)
def test_never_two_come_and_nobody_is_left_waiting_at_the_end(
    events: list[tuple[HelpEvent, HelpHand, int]],
) -> None:
    asked = Help(answers={})
    for event, hand, helper in events:
        try:
            asked, _ = help_step(asked, event, hand, helper)
        except OutOfOrder:
            continue
        answers = list(asked.answers.values())
        assert answers.count(YES) == (1 if asked.state in (FOUND, DONE) else 0)
        if asked.state is not WAITING:
            assert ASKED not in answers
