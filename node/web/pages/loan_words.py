"""Loans in words: who lends whom how much, where it stands, how it comes back. Source: docs/protocol.md 3.7; docs/pages.md 0.11, 3."""

from __future__ import annotations

from node.services.loan_rows import Lent
from node.services.loans import schedule_of
from node.services.standing_rows import EndedBy, Order
from node.web.pages.standing_words import day_words, every_words
from node.web.present import Voice, first_name
from node.web.views.page import Fact, Pill
from protocol.loan import LoanState
from protocol.standing import Every, StandingState, days_of


def loan_title(amount: int, name: str, voice: Voice, *, mine: bool) -> str:
    """Return "You lend Ben 5 hours" or "Ben lends you 5 hours"."""
    said = {"name": first_name(name), "amount": voice.spoken(amount)}
    if mine:
        return voice.words.gettext("You lend %(name)s %(amount)s") % said
    return voice.words.gettext("%(name)s lends you %(amount)s") % said


def loan_pill(state: LoanState, voice: Voice) -> Pill:
    """Return the state of a loan in a word or two."""
    _ = voice.words.gettext
    match state:
        case LoanState.OFFERED:
            return Pill(text=_("Offered"), tone="wait")
        case LoanState.RUNNING:
            return Pill(text=_("Running"), tone="good")
        case LoanState.REPAID:
            return Pill(text=_("Paid back"), tone="good")
        case LoanState.FORGIVEN:
            return Pill(text=_("Forgiven"), tone="good")
        case LoanState.DECLINED:
            return Pill(text=_("Declined"), tone="stop")
        case LoanState.WITHDRAWN:
            return Pill(text=_("Taken back"), tone="plain")
        case LoanState.LAPSED:
            return Pill(text=_("Ran out"), tone="plain")
        case LoanState.VOID:
            return Pill(text=_("Corrected"), tone="plain")


def schedule_facts(amount: int, part: int, every: Every, first: int, voice: Voice) -> tuple[Fact, ...]:
    """Return how a loan comes back, in lines."""
    _, days = voice.words.gettext, days_of(schedule_of(amount, part, every, first))
    times = voice.words.ngettext("%(num)d time", "%(num)d times", len(days)) % {"num": len(days)}
    last = amount - part * (len(days) - 1)
    facts = [
        Fact(
            label=_("Comes back"),
            text=f"{voice.spoken(min(part, amount))}, {every_words(every, voice).lower()}",
        ),
        Fact(label=_("The last time"), text=voice.spoken(last) if last < part and len(days) > 1 else ""),
        Fact(label=_("First on"), text=day_words(days[0], voice)),
        Fact(label=_("Last on"), text=day_words(days[-1], voice) if len(days) > 1 else ""),
        Fact(label=_("How many times"), text=times),
    ]
    return tuple(fact for fact in facts if fact.text)


def loan_facts(lent: Lent, name: str, voice: Voice, *, mine: bool) -> tuple[Fact, ...]:
    """Return a loan in lines: for what, how much came back, what is left, how it comes back."""
    _, loan = voice.words.gettext, lent.loan
    given = lent.agreed_ms is not None
    facts = [
        Fact(label=_("For what"), text=lent.text),
        Fact(label=_("To") if mine else _("From"), text=name),
        Fact(label=_("Lent"), text=voice.spoken(loan.amount)),
        Fact(label=_("Since"), text=voice.long_day(lent.agreed_ms) if lent.agreed_ms is not None else ""),
        Fact(label=_("Paid back"), text=voice.spoken(loan.repaid) if given else ""),
        Fact(label=voice.words.pgettext("amount", "Left"), text=voice.spoken(loan.left) if given else ""),
        Fact(label=_("Forgiven"), text=voice.spoken(loan.forgiven) if loan.forgiven else ""),
        *schedule_facts(loan.amount, lent.part, lent.every, lent.first, voice),
    ]
    return tuple(fact for fact in facts if fact.text)


def loan_sentences(
    lent: Lent, order: Order | None, name: str, voice: Voice, *, mine: bool
) -> tuple[str, ...]:
    """Return where a loan stands, in sentences for the lender (`mine`) or the borrower."""
    _, said = voice.words.gettext, {"name": first_name(name), "day": voice.long_day(lent.until_ms - 1)}
    match lent.stands(voice.now_ms):
        case LoanState.OFFERED if mine:
            return (
                _("Waiting for %(name)s to say yes. Nothing has moved.") % said,
                _("If there is no answer by %(day)s, it runs out.") % said,
            )
        case LoanState.OFFERED:
            return (
                _("Please say yes or no. If you do nothing, it runs out on %(day)s.") % said,
                _("You give back exactly what you get, and no more."),
            )
        case LoanState.RUNNING:
            return _running(lent, order, voice, mine=mine)
        case LoanState.REPAID:
            return (_("All of it was paid back."),)
        case LoanState.FORGIVEN:
            return (_("You forgave the rest.") if mine else _("%(name)s forgave the rest.") % said,)
        case LoanState.DECLINED:
            return (
                _("%(name)s said no. Nothing moved.") % said if mine else _("You said no. Nothing moved."),
            )
        case LoanState.WITHDRAWN:
            return (
                _("You took it back. Nothing moved.")
                if mine
                else _("%(name)s took it back. Nothing moved.") % said,
            )
        case LoanState.LAPSED:
            return (_("Nobody answered in time. Nothing moved."),)
        case LoanState.VOID:
            return (_("The trade that gave it was corrected, so nothing is owed."),)


def _running(lent: Lent, order: Order | None, voice: Voice, *, mine: bool) -> tuple[str, ...]:
    _ = voice.words.gettext
    left = _("Left: %(amount)s.") % {"amount": voice.spoken(lent.loan.left)}
    if order is not None and order.standing.next_day is not None:
        said = {"day": day_words(order.standing.next_day, voice)}
        return (
            left,
            _("The next part comes back on %(day)s.") % said
            if mine
            else _("The next part goes back on %(day)s.") % said,
        )
    if (
        order is not None
        and order.standing.state is StandingState.STOPPED
        and order.ended_by is EndedBy.PAYER
    ):
        stopped = (
            _("Nothing comes back by itself: that was stopped.")
            if mine
            else _("Nothing goes back by itself: you stopped that.")
        )
        return (left, stopped)
    return (left, _("The days agreed on are over. The rest is paid back by hand."))
