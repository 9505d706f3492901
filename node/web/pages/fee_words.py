"""Fees and what is owed by them, in the words of pages. Source: docs/protocol.md 3.8."""

from __future__ import annotations

from datetime import date

from node.services.fee_rows import Charge, ChargeState, Hindrance, Rule, RuleState
from node.services.fee_telling import percent, rule_words
from node.web.context import Context
from node.web.dates import long_day, short_day
from node.web.present import Voice
from node.web.views.chest import FeeRow
from node.web.views.page import Pill


def day_words(day: int, voice: Voice) -> str:
    """Return "4 Mar 2026"."""
    return short_day(date.fromordinal(day), voice.words)


def long_day_words(day: int, voice: Voice) -> str:
    """Return "Saturday 4 March 2026"."""
    return long_day(date.fromordinal(day), voice.words)


def rule_pill(rule: Rule, voice: Voice) -> Pill:
    """Return where a rule stands."""
    _ = voice.words.gettext
    match rule.state:
        case RuleState.ASKED:
            return Pill(text=_("Waits for a second yes"), tone="wait")
        case RuleState.RUNNING:
            return Pill(text=_("Running"), tone="good")
        case RuleState.ENDED:
            return Pill(text=_("Ended"))


def fee_row(context: Context, rule: Rule, href: str) -> FeeRow:
    """Return a rule as a list shows it."""
    voice, _ = context.voice, context.words.gettext
    following = ""
    if rule.next_day is not None:
        following = _("next on %(day)s") % {"day": day_words(rule.next_day, voice)}
    return FeeRow(
        href=href,
        text=rule.text,
        rule=rule_words(rule.fee, context.settings, context.words),
        next=following,
        state=rule_pill(rule, voice),
    )


def charge_pill(charge: Charge, voice: Voice) -> Pill:
    """Return what became of what somebody owed."""
    _ = voice.words.gettext
    match charge.state:
        case ChargeState.OWED:
            return Pill(text=_("Not gone yet"), tone="wait")
        case ChargeState.PAID:
            return Pill(text=_("Paid"), tone="good")
        case ChargeState.WAIVED:
            return Pill(text=_("Let off"))
        case ChargeState.WRITTEN_OFF:
            return Pill(text=_("Written off"))
        case ChargeState.GIVEN_BACK:
            return Pill(text=_("Given back"))


def charge_note(charge: Charge, voice: Voice) -> str:
    """Return why it is as it is; "" where there is nothing to say."""
    _ = voice.words.gettext
    if charge.reason:
        return charge.reason
    if charge.state is not ChargeState.OWED:
        return ""
    match charge.hindrance:
        case Hindrance.TOO_FAR:
            return _("It would go further behind than the limit.")
        case Hindrance.PAUSED:
            return _("The account is paused.")
        case Hindrance.NOTHING:
            return ""


def base_words(base: int, rule: Rule, voice: Voice) -> str:
    """Return "2% of 35 h"; "" for a fixed amount."""
    if not rule.fee.share:
        return ""
    said = {"share": percent(rule.fee.share), "amount": voice.short(base)}
    return voice.words.gettext("%(share)s%% of %(amount)s") % said
