"""The life of a request for help: asked for in private, brought to helpers by an organiser, answered by each of them.

Only helpers say yes or no to what is brought to them; only one of them comes. Every transition is in this file, and nothing
else decides one. Nothing of it goes to other schemes. Source: docs/pages.md 7.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol.errors import OutOfOrder


class HelpState(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"  # organisers look for somebody
    FOUND = "found"  # a helper comes
    DONE = "done"
    TAKEN_BACK = "taken-back"  # by whoever asked
    CLOSED = "closed"  # by an organiser, with a reason


class AnswerState(StrEnum):
    """Where it stands with one helper."""

    ASKED = "asked"
    YES = "yes"
    NO = "no"  # also after a yes, when they cannot come after all
    OVER = "over"  # not needed any more


class HelpEvent(StrEnum):
    """What happens. Those that are about one helper name them."""

    ASK_HELPER = "helper-asked"
    SAY_YES = "yes"
    SAY_NO = "no"
    CALL_OFF = "called-off"  # a helper cannot come after all
    ANOTHER = "another"  # somebody else should come, please
    DONE = "done"
    TAKE_BACK = "taken-back"
    CLOSE = "closed"


class HelpHand(StrEnum):
    """Whose act it is."""

    ASKER = "asker"
    HELPER = "helper"  # the one it is about
    ORGANISER = "organiser"


S, E, H, A = HelpState, HelpEvent, HelpHand, AnswerState
TRANSITIONS: Final[Mapping[HelpState, Mapping[HelpEvent, HelpState]]] = {
    S.WAITING: {
        E.ASK_HELPER: S.WAITING,
        E.SAY_YES: S.FOUND,
        E.SAY_NO: S.WAITING,
        E.TAKE_BACK: S.TAKEN_BACK,
        E.CLOSE: S.CLOSED,
    },
    S.FOUND: {
        E.CALL_OFF: S.WAITING,
        E.ANOTHER: S.WAITING,
        E.DONE: S.DONE,
        E.TAKE_BACK: S.TAKEN_BACK,
        E.CLOSE: S.CLOSED,
    },
    S.DONE: {},
    S.TAKEN_BACK: {},
    S.CLOSED: {},
}
MAY: Final[Mapping[HelpEvent, frozenset[HelpHand]]] = {
    E.ASK_HELPER: frozenset({H.ORGANISER}),
    E.SAY_YES: frozenset({H.HELPER}),
    E.SAY_NO: frozenset({H.HELPER}),
    E.CALL_OFF: frozenset({H.HELPER}),
    E.ANOTHER: frozenset({H.ASKER, H.ORGANISER}),
    E.DONE: frozenset({H.ASKER, H.ORGANISER}),
    E.TAKE_BACK: frozenset({H.ASKER}),
    E.CLOSE: frozenset({H.ORGANISER}),
}
# How the answer of the helper must stand whom an event is about, and how it stands afterwards. None: not asked yet.
ABOUT: Final[Mapping[HelpEvent, tuple[frozenset[AnswerState | None], AnswerState]]] = {
    E.ASK_HELPER: (frozenset({None, A.NO, A.OVER}), A.ASKED),
    E.SAY_YES: (frozenset({A.ASKED}), A.YES),
    E.SAY_NO: (frozenset({A.ASKED}), A.NO),
    E.CALL_OFF: (frozenset({A.YES}), A.NO),
    E.ANOTHER: (frozenset({A.YES}), A.OVER),
}
OPEN: Final = frozenset({S.WAITING, S.FOUND})
ENDS: Final = frozenset({E.TAKE_BACK, E.CLOSE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """A request, with the answer of everybody who was asked, by number."""

    state: HelpState = HelpState.WAITING
    answers: Mapping[int, AnswerState]

    @property
    def helper(self) -> int | None:
        """Who comes, or came."""
        return next((no for no, answer in self.answers.items() if answer is AnswerState.YES), None)


def help_step(
    asked: Help, event: HelpEvent, hand: HelpHand, helper: int | None = None
) -> tuple[Help, Mapping[int, AnswerState]]:
    """Return the request after `event`, and the answers that stand differently; `helper` is whom it is about.

    Raises:
        OutOfOrder: `event` is not allowed now, by this hand, or about this helper; nothing changed.
    """
    state = TRANSITIONS[asked.state].get(event)
    if state is None or hand not in MAY[event]:
        raise OutOfOrder(f"{event.value} by the {hand.value} while {asked.state.value}")
    changed: dict[int, AnswerState] = {}
    if event in ABOUT:
        allowed, after = ABOUT[event]
        if helper is None or asked.answers.get(helper) not in allowed:
            raise OutOfOrder(f"{event.value} about somebody of whom it cannot be said")
        changed[helper] = after
    if event is E.SAY_YES:
        # One comes; the others need not think about it any more.
        changed.update(
            {no: A.OVER for no, answer in asked.answers.items() if answer is A.ASKED and no != helper}
        )
    if event in ENDS:
        changed.update({no: A.OVER for no, answer in asked.answers.items() if answer in (A.ASKED, A.YES)})
    return Help(state=state, answers={**asked.answers, **changed}), changed
