"""The life of one request for payment: asked, then paid, declined, withdrawn or run out.

Nothing moves by a request, and silence spends only where a scheme's organisers chose it: within the scheme, and after two
warnings. A payment that was begun before a request ended counts all the same, so "paid" follows every other end.
Source: docs/protocol.md 3.11, 7.7; docs/pages.md 0.10, 4, 8.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol.errors import OutOfOrder
from protocol.limits import SILENCE_BETWEEN_WARNINGS_MS, SILENCE_FIRST_WARNING_MS, SILENCE_LAST_WARNING_MS


class AskState(StrEnum):
    """Where a request stands."""

    ASKED = "asked"
    PAID = "paid"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class AskEvent(StrEnum):
    """What happens to it."""

    PAY = "pay"
    SILENCE = "silence"  # nobody answered, and that counts
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"


TRANSITIONS: Final[Mapping[AskState, Mapping[AskEvent, AskState]]] = {
    AskState.ASKED: {
        AskEvent.PAY: AskState.PAID,
        AskEvent.SILENCE: AskState.PAID,
        AskEvent.DECLINE: AskState.DECLINED,
        AskEvent.WITHDRAW: AskState.WITHDRAWN,
        AskEvent.LAPSE: AskState.LAPSED,
    },
    # What was paid is paid, whatever was said while it was under way.
    AskState.DECLINED: {AskEvent.PAY: AskState.PAID},
    AskState.WITHDRAWN: {AskEvent.PAY: AskState.PAID},
    AskState.LAPSED: {AskEvent.PAY: AskState.PAID},
    AskState.PAID: {},
}


def ask_step(state: AskState, event: AskEvent) -> AskState:
    """Return where a request stands after `event`.

    Raises:
        OutOfOrder: `event` is not allowed in `state`; nothing changed.
    """
    after = TRANSITIONS[state].get(event)
    if after is None:
        raise OutOfOrder(f"{event.value} while {state.value}")
    return after


def ask_state(state: AskState, until_ms: int, now_ms: int, *, counts: bool = False) -> AskState:
    """Return where a request stands at `now_ms`: its time runs out by the clock alone, and nothing moves by that.

    Where silence `counts`, it waits until somebody looks, and can be answered until then.
    """
    if state is AskState.ASKED and until_ms <= now_ms and not counts:
        return ask_step(state, AskEvent.LAPSE)
    return state


# --- Where silence counts (3.11) ------------------------------------------------------------------------------


class Due(StrEnum):
    """What is to be done about a request that nobody answered."""

    NOTHING = "nothing"
    WARN = "warn"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """How far it is with a request whose silence counts."""

    until_ms: int  # from when it counts as a yes
    warned: int  # how many warnings were written, 0..2
    given_ms: int | None  # when the mail server took the newest of them; None: not yet, or there is none


def silence_due(silence: Silence, now_ms: int) -> Due:
    """Return what is due at `now_ms`. Source: 3.11."""
    if silence.warned == 0:
        return Due.WARN if silence.until_ms - SILENCE_FIRST_WARNING_MS <= now_ms else Due.NOTHING
    if silence.given_ms is None:
        return Due.NOTHING
    if silence.warned == 1:
        again = silence.given_ms + SILENCE_BETWEEN_WARNINGS_MS
        return (
            Due.WARN if max(again, silence.until_ms - SILENCE_LAST_WARNING_MS) <= now_ms else Due.NOTHING
        )  # fmt: skip
    counts = max(silence.until_ms, silence.given_ms + SILENCE_LAST_WARNING_MS)
    return Due.COUNT if counts <= now_ms else Due.NOTHING


def until_after_warning(silence: Silence, now_ms: int) -> int:
    """Return from when it counts if the next warning is written at `now_ms`: a late warning moves the day."""
    least = SILENCE_LAST_WARNING_MS + (0 if silence.warned else SILENCE_BETWEEN_WARNINGS_MS)
    return max(silence.until_ms, now_ms + least)


def moved_by_absence(until_ms: int, *, before_ms: int | None, after_ms: int | None, now_ms: int) -> int:
    """Return when a request's time is over if its payer, away until `before_ms` so far, is from now on until `after_ms`.

    None is not away. What is left of an absence is added, or taken off again; the clock stands still meanwhile.
    """

    def left(moment_ms: int | None) -> int:
        return 0 if moment_ms is None else max(0, moment_ms - now_ms)

    return max(until_ms + left(after_ms) - left(before_ms), now_ms)
