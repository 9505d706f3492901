"""The words of mails about events: a place became free, another time or place, cancelled."""

from __future__ import annotations

from dataclasses import dataclass

from node.mail.texts import Text, text_of, words_of
from node.services.settings import SchemeSettings
from node.web.words import Words
from protocol.event import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What such a mail is about."""

    name: str  # of the reader
    title: str
    when: str  # "Saturday 7 March 2026, 10:30"
    where: str
    reason: str  # why it was cancelled; "" when nobody said
    link: str


def moved_up_mail(settings: SchemeSettings, language: str, about: About) -> Text:
    """To somebody who waited and has a place now."""
    _ = words_of(settings, language).gettext
    return text_of(
        settings,
        _("You have a place now: %(title)s") % {"title": about.title},
        _("Hello %(name)s,") % {"name": about.name},
        _("a place has become free, and it is yours."),
        _("When: %(when)s") % {"when": about.when},
        _("Where: %(where)s") % {"where": about.where} if about.where else "",
        _("You cannot come after all? Please say so on this page, then somebody else gets the place:"),
        about.link,
    )


def changed_mail(settings: SchemeSettings, language: str, about: About) -> Text:
    """To everybody who comes or waits, when time or place is another."""
    _ = words_of(settings, language).gettext
    return text_of(
        settings,
        _("Another time or place: %(title)s") % {"title": about.title},
        _("Hello %(name)s,") % {"name": about.name},
        _("something you said yes to has been changed."),
        _("When: %(when)s") % {"when": about.when},
        _("Where: %(where)s") % {"where": about.where} if about.where else "",
        _("You cannot come then? Please say so on this page:"),
        about.link,
    )


def cancelled_mail(settings: SchemeSettings, language: str, about: About) -> Text:
    """To everybody who came or waited."""
    _ = words_of(settings, language).gettext
    return text_of(
        settings,
        _("Cancelled: %(title)s") % {"title": about.title},
        _("Hello %(name)s,") % {"name": about.name},
        _("this will not take place: %(title)s, %(when)s.") % {"title": about.title, "when": about.when},
        _("Why: %(reason)s") % {"reason": about.reason} if about.reason else "",
        about.link,
    )


def admitted_lines(answer: Answer, title: str, when: str, words: Words) -> tuple[str, ...]:
    """Return what somebody who asked for a seat is told, the sentence that says all first."""
    _, said = words.gettext, {"title": title, "when": when}
    match answer:
        case Answer.COMING:
            first = _("You have a seat: %(title)s")
        case Answer.WAITING:
            first = _("You wait for a seat: %(title)s")
        case _:
            first = _("No seat for you this time: %(title)s")
    return first % said, _("When: %(when)s") % said


def admitted_note(answer: Answer, when: str, words: Words) -> str:
    """Return the same for a letter."""
    _ = words.gettext
    match answer:
        case Answer.COMING:
            said = _("You asked for a seat on %(when)s. You have one.")
        case Answer.WAITING:
            said = _("You asked for a seat on %(when)s. You wait for one.")
        case _:
            said = _("You asked for a seat on %(when)s. There is none for you this time.")
    return said % {"when": when}


def recorded_mail(
    settings: SchemeSettings, language: str, name: str, host: str, title: str, amount: str, link: str, *, gave: bool
) -> Text:  # fmt: skip
    """To somebody who was there, when the host has said so."""
    _ = words_of(settings, language).gettext
    said = {"host": host, "amount": amount, "title": title}
    return text_of(
        settings,
        _("Recorded: %(title)s, %(amount)s") % said,
        _("Hello %(name)s,") % {"name": name},
        _("%(host)s confirmed that you were there: %(title)s.") % said,
        (
            _("You gave %(host)s %(amount)s for it, as you agreed when you said yes.")
            if gave
            else _("You got %(amount)s from %(host)s for it.")
        )
        % said,
        _("You were not there, or something else is wrong? Say so on this page:"),
        link,
    )


# --- For whoever has no mail, on paper ----------------------------------------------------------------------


def note(settings: SchemeSettings, language: str, news: str, when: str) -> str:
    """Return what became of an event; `news` is a word of `News`."""
    _ = words_of(settings, language).gettext
    said = {"when": when}
    match news:
        case "moved-up":
            return _("You waited for a place on %(when)s. You have one now.") % said
        case "changed":
            return _("What you said yes to is at another time or place: %(when)s.") % said
        case _:
            return _("What you said yes to on %(when)s is cancelled.") % said


def recorded_note(settings: SchemeSettings, language: str, host: str, amount: str, *, gave: bool) -> str:
    """Return what somebody gave or got for having been there."""
    _ = words_of(settings, language).gettext
    said = {"host": host, "amount": amount}
    if gave:
        return _("You were there, as %(host)s confirmed, and gave %(amount)s for it.") % said
    return _("You were there, as %(host)s confirmed, and got %(amount)s for it.") % said
