"""The words of mails about help: checks that end, and who helps whom. Source: docs/pages.md 7.6."""

from __future__ import annotations

from datetime import date

from node.mail.texts import words_of
from node.services.settings import SchemeSettings
from node.web.dates import short_day


def check_ends_lines(settings: SchemeSettings, language: str, what: str, until: date) -> tuple[str, ...]:
    """To a helper whose check ends soon."""
    words = words_of(settings, language)
    return (
        words.gettext("“%(what)s” counts until %(day)s") % {"what": what, "day": short_day(until, words)},
        words.gettext("After that day you are not shown as a checked helper, until it is checked again."),
        words.gettext("Bring the papers to an organiser. Nothing else changes."),
    )


def organiser_check_ends_lines(
    settings: SchemeSettings, language: str, name: str, what: str, until: date
) -> tuple[str, ...]:
    """To the organiser who checked it."""
    words = words_of(settings, language)
    said = {"name": name, "what": what, "day": short_day(until, words)}
    return (words.gettext("%(name)s: “%(what)s” counts until %(day)s") % said,)


def please_help_lines(
    settings: SchemeSettings, language: str, what: str, when: str, place: str
) -> tuple[str, ...]:
    """To a helper to whom a request is brought; whose it is, is on the page, if they may know."""
    words = words_of(settings, language)
    where = words.gettext("When: %(when)s. Where: %(place)s.") % {"when": when, "place": place}
    return (
        words.gettext("Can you help? %(what)s") % {"what": what},
        where,
        words.gettext("Please say yes or no. Nobody minds a no."),
    )


def somebody_comes_lines(settings: SchemeSettings, language: str, what: str) -> tuple[str, ...]:
    """To a helper who was asked, when another has said yes."""
    words = words_of(settings, language)
    return (words.gettext("Somebody comes already: %(what)s. Thank you.") % {"what": what},)


def not_needed_lines(settings: SchemeSettings, language: str, what: str) -> tuple[str, ...]:
    """To a helper whose help is not needed any more."""
    words = words_of(settings, language)
    return (words.gettext("Not needed any more: %(what)s. Thank you.") % {"what": what},)


def comes_lines(settings: SchemeSettings, language: str, name: str, what: str, said: str) -> tuple[str, ...]:
    """To whoever asked, when a helper has said yes."""
    words = words_of(settings, language)
    first = words.gettext("%(name)s comes and helps: %(what)s") % {"name": name, "what": what}
    return (first, said) if said else (first,)


def cannot_come_lines(
    settings: SchemeSettings, language: str, name: str, what: str, said: str
) -> tuple[str, ...]:
    """To whoever asked, when a helper cannot come after all."""
    words = words_of(settings, language)
    first = words.gettext("%(name)s cannot come after all: %(what)s") % {"name": name, "what": what}
    rest = words.gettext("The organisers look for somebody else.")
    return (first, said, rest) if said else (first, rest)


def closed_lines(settings: SchemeSettings, language: str, what: str, why: str) -> tuple[str, ...]:
    """To whoever asked, when an organiser closes the request."""
    words = words_of(settings, language)
    return (words.gettext("We found nobody: %(what)s") % {"what": what}, why)


def handed_out_text(settings: SchemeSettings, language: str, count: int) -> str:
    """What a member's statement says of tokens that they took out of their account."""
    words = words_of(settings, language)
    return words.ngettext(
        "Taken out at the desk: %(num)d token", "Taken out at the desk: %(num)d tokens", count
    ) % {"num": count}


def handed_in_text(settings: SchemeSettings, language: str, count: int) -> str:
    """What a member's statement says of tokens that they handed in."""
    words = words_of(settings, language)
    return words.ngettext(
        "Handed in at the desk: %(num)d token", "Handed in at the desk: %(num)d tokens", count
    ) % {"num": count}
