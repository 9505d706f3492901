"""The words of mails about standing orders: a turn waits, turns were left out, one of the two has left. Source: docs/protocol.md 3.6."""

from __future__ import annotations

from node.mail.texts import Text, text_of, words_of
from node.services.settings import SchemeSettings


def turn_waits_mail(
    settings: SchemeSettings, language: str, name: str, payee: str, amount: str, what: str, link: str, days: int
) -> Text:  # fmt: skip
    """To a payer whose turn could not be paid on its day."""
    words = words_of(settings, language)
    _ = words.gettext
    said = {"payee": payee, "amount": amount, "what": what}
    return text_of(
        settings,
        _("Waiting: %(amount)s for %(payee)s") % said,
        _("Hello %(name)s,") % {"name": name},
        _("%(amount)s for %(payee)s could not go today: %(what)s") % said,
        words.ngettext(
            "We try again for %(number)d day. Then this one time is left out. Nothing has moved.",
            "We try again for %(number)d days. Then this one time is left out. Nothing has moved.",
            days,
        )
        % {"number": days},
        _("Why, and how to stop it, is on this page:"),
        link,
    )


def turns_left_out_mail(
    settings: SchemeSettings, language: str, name: str, payee: str, what: str, left_out: int, link: str
) -> Text:  # fmt: skip
    """To a payer some of whose turns were not paid and will not be."""
    words = words_of(settings, language)
    _ = words.gettext
    said = {"payee": payee, "what": what, "number": left_out}
    return text_of(
        settings,
        words.ngettext(
            "Left out %(number)d time: for %(payee)s", "Left out %(number)d times: for %(payee)s", left_out
        )
        % said,
        _("Hello %(name)s,") % {"name": name},
        words.ngettext(
            "what you let go to %(payee)s was left out %(number)d time: %(what)s",
            "what you let go to %(payee)s was left out %(number)d times: %(what)s",
            left_out,
        )
        % said,
        _("It is not made up for. You can pay it by hand if you like. Why it was left out is on this page:"),
        link,
    )


def order_closed_mail(
    settings: SchemeSettings, language: str, name: str, payee: str, what: str, link: str
) -> Text:  # fmt: skip
    """To a payer whose order has nobody to go to any more."""
    _ = words_of(settings, language).gettext
    said = {"payee": payee, "what": what}
    return text_of(
        settings,
        _("It has ended: for %(payee)s") % said,
        _("Hello %(name)s,") % {"name": name},
        _("%(payee)s has left. Nothing more goes there: %(what)s") % said,
        link,
    )
