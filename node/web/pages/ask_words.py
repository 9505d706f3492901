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


def waiting_sentences(ask: Ask, name: str, voice: Voice, *, mine: bool) -> tuple[str, ...]:
    """Return whom a request waits for, and what follows without an answer; `mine`: to whoever asked."""
    _, said = voice.words.gettext, {"name": name, "day": voice.long_day(ask.until_ms)}
    if mine:
        then = _("If %(name)s says neither yes nor no, it counts as a yes on %(day)s.")
        if not ask.counts:
            then = _("If there is no answer by %(day)s, it runs out.")
        return _("Waiting for %(name)s to say yes. Nothing has moved.") % said, then % said
    if ask.counts:
        return (_("Please say yes or no. If you say neither, it counts as your yes on %(day)s.") % said,)
    return (_("Please say yes or no. If you do nothing, it runs out on %(day)s.") % said,)


def silence_sentences(name: str, voice: Voice, *, mine: bool) -> tuple[str, ...]:
    """Return what became of a request that nobody answered, where that counted as a yes; `mine`: to whoever asked."""
    _, said = voice.words.gettext, {"name": name}
    if mine:
        return (_("%(name)s did not answer, and by the rule of our scheme that counted as a yes.") % said,)
    return (
        _("You did not answer, and by the rule of our scheme that counted as your yes.") % said,
        _("Is it not right? Open the trade and say so: it can be put right."),
    )


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
