"""Requests for payment in words: who asks whom for how much, where it stands, why somebody said no.

Source: docs/pages.md 4, 8.6.
"""

from __future__ import annotations

from node.services.asks import Ask, Kind, Reason
from node.web.pages.schemes import Schemes
from node.web.present import Voice
from node.web.views.page import Pill
from protocol.asking import AskState


def ask_pill(ask: Ask, now_ms: int, voice: Voice) -> Pill:
    """Return the state of a request in a word or two. Source: docs/pages.md 4."""
    _ = voice.words.gettext
    if ask.under_way:
        return Pill(text=_("Set aside"), tone="wait")
    match ask.stands(now_ms):
        case AskState.ASKED:
            return Pill(text=_("Waiting"), tone="wait")
        case AskState.PAID:
            return Pill(text=_("Paid"), tone="good")
        case AskState.DECLINED:
            return Pill(text=_("Declined"), tone="stop")
        case AskState.WITHDRAWN:
            return Pill(text=_("Taken back"), tone="plain")
        case AskState.LAPSED:
            return Pill(text=_("Ran out"), tone="plain")


def ask_title(name: str, *, mine: bool, amount: str, voice: Voice) -> str:
    """Return "Ben asks you for 2 hours" or "You ask Ben for 2 hours"."""
    said = {"name": name, "amount": amount}
    if mine:
        return voice.words.gettext("You ask %(name)s for %(amount)s") % said
    return voice.words.gettext("%(name)s asks you for %(amount)s") % said


def ask_amount(ask: Ask, schemes: Schemes, voice: Voice) -> str:
    """Return what is asked for, in the unit of whoever asks."""
    other = None if ask.kind is not Kind.IN or ask.other_scheme is None else schemes.get(ask.other_scheme)
    return voice.spoken(ask.amount, None if other is None else other.unit)


def reason_words(ask: Ask, voice: Voice) -> str:
    """Return why somebody said no, in quotation marks."""
    told = reason_sentence(ask.reason, ask.said, voice)
    return voice.words.gettext("“%(words)s”") % {"words": told} if told else ""


def reason_sentence(reason: str, said: str, voice: Voice) -> str:
    """Return a reason in words, with what was said besides."""
    _ = voice.words.gettext
    known = {
        Reason.NOT_ME.value: _("It was not me"),
        Reason.AMOUNT.value: _("The amount is wrong"),
        Reason.NOT_HAPPENED.value: _("It did not happen"),
    }
    word = known.get(reason, "")
    if said and word:
        return _("%(reason)s: %(words)s") % {"reason": word, "words": said}
    return said or word
