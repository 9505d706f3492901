"""Amounts that go by themselves, in words: how much for whom and how often, what comes next, why it waits.

Source: docs/protocol.md 3.6; docs/pages.md 0.11, 3.
"""

from __future__ import annotations

from datetime import date

from node.services.standing_rows import EndedBy, Hindrance, Order, Turn
from node.services.trades import Trade
from node.web.dates import local, long_day
from node.web.present import Voice, first_name
from node.web.views.page import Fact, Pill
from protocol.limits import STANDING_TRIED_DAYS
from protocol.standing import Every, LeftOutBecause, Standing, StandingState, days_of


def day_words(day: int, voice: Voice) -> str:
    """Return "Friday 1 May 2026"."""
    return long_day(date.fromordinal(day), voice.words)


def every_words(every: Every, voice: Voice) -> str:
    """Return how often, in a word or two."""
    _ = voice.words.gettext
    return _("Every week") if every is Every.WEEK else _("Every month")


def order_title(order: Standing, name: str, voice: Voice) -> str:
    """Return "2 hours for Ben, every month"."""
    _ = voice.words.gettext
    said = {"amount": voice.spoken(order.amount), "name": first_name(name)}
    if order.every is Every.WEEK:
        return _("%(amount)s for %(name)s, every week") % said
    return _("%(amount)s for %(name)s, every month") % said


def order_pill(order: Order, voice: Voice) -> Pill:
    """Return the state of an order in a word or two."""
    _ = voice.words.gettext
    match order.standing.state:
        case StandingState.RUNNING if order.standing.waiting_since is not None:
            return Pill(text=_("Waiting"), tone="wait")
        case StandingState.RUNNING:
            return Pill(text=_("Running"), tone="good")
        case StandingState.ENDED:
            return Pill(text=_("Ended"), tone="plain")
        case StandingState.STOPPED:
            return Pill(text=_("Stopped"), tone="plain")


def order_facts(
    order: Standing, name: str, voice: Voice, *, text: str = "", whole: bool = True
) -> tuple[Fact, ...]:
    """Return an order in lines: to whom, how much, on which days; what it comes to only where each time is `whole`."""
    _, days = voice.words.gettext, days_of(order)
    times = voice.words.ngettext("%(num)d time", "%(num)d times", len(days)) % {"num": len(days)}
    facts = [
        Fact(label=_("For what"), text=text),
        Fact(label=_("For whom"), text=name),
        Fact(label=_("Each time"), text=voice.spoken(order.amount)),
        Fact(label=_("How often"), text=every_words(order.every, voice)),
        Fact(label=_("First on"), text=day_words(days[0], voice)),
        Fact(label=_("Last on"), text=day_words(days[-1], voice)),
        Fact(label=_("How many times"), text=times),
        Fact(label=_("All together"), text=voice.spoken(order.amount * len(days)) if whole else ""),
    ]
    return tuple(fact for fact in facts if fact.text)


def order_sentences(order: Order, name: str, voice: Voice, *, repays: bool = False) -> tuple[str, ...]:
    """Return what comes next, or why it waits or has ended; `repays` where it pays back a loan."""
    _, standing = voice.words.gettext, order.standing
    what_for = (_("This pays back a loan."),) if repays else ()
    if standing.next_day is None:
        return (*what_for, _ended(order, voice))
    if standing.waiting_since is None or order.hindrance is None:
        return (*what_for, _("The next time is %(day)s.") % {"day": day_words(standing.next_day, voice)})
    until = day_words(standing.waiting_since + STANDING_TRIED_DAYS, voice)
    return (
        *what_for,
        _("What was to go on %(day)s waits.") % {"day": day_words(standing.next_day, voice)},
        hindrance_words(order.hindrance, first_name(name), voice),
        _("We try again until %(day)s. Then this one time is left out.") % {"day": until},
    )


def _ended(order: Order, voice: Voice) -> str:
    _ = voice.words.gettext
    match order.ended_by:
        case EndedBy.CLOSED:
            return _("It has ended, because one of you has left. Nothing more goes by it.")
        case EndedBy.NOTHING_LEFT:
            return _("It has ended: nothing is left to pay back.")
        case EndedBy.PAYER:
            return _("You stopped it. Nothing more goes by it.")
        case EndedBy.NOBODY:
            return _("It has come to its end. Nothing more goes by it.")


def hindrance_words(hindrance: Hindrance, name: str, voice: Voice) -> str:
    """Return what is in the way, in a sentence."""
    _, said = voice.words.gettext, {"name": name}
    match hindrance:
        case Hindrance.TOO_FAR:
            return _("It would have taken you further behind than you may go.")
        case Hindrance.NO_ROOM:
            return _("%(name)s could not take that much: every member may go only so far above zero.") % said
        case Hindrance.PAYER_PAUSED:
            return _("Your membership was paused.")
        case Hindrance.PAYEE_PAUSED:
            return _("%(name)s could not trade.") % said


def turn_words(turn: Turn, trade: Trade | None, voice: Voice) -> str:
    """Return what became of one day, in a line."""
    _ = voice.words.gettext
    if trade is not None:
        paid_on = local(turn.at_ms, voice.zone).date().toordinal()
        if trade.state == "corrected":
            return _("Gone, and corrected later")
        return _("Gone") if paid_on == turn.day else _("Gone on %(day)s") % {"day": day_words(paid_on, voice)}
    if turn.why is LeftOutBecause.MISSED:
        return _("Left out: the scheme’s computer was off")
    if turn.hindrance is None:
        return _("Left out")
    return {
        Hindrance.TOO_FAR: _("Left out: it would have taken you too far behind"),
        Hindrance.NO_ROOM: _("Left out: it was more than they could take"),
        Hindrance.PAYER_PAUSED: _("Left out: your membership was paused"),
        Hindrance.PAYEE_PAUSED: _("Left out: they could not trade"),
    }[turn.hindrance]
