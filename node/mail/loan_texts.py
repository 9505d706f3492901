"""The words of mails about loans between members: offered, answered, forgiven. Source: docs/protocol.md 3.7."""

from __future__ import annotations

from node.mail.texts import Text, text_of, words_of
from node.services.settings import SchemeSettings


def loan_offered_mail(
    settings: SchemeSettings, language: str, name: str, lender: str, amount: str, what: str, link: str
) -> Text:  # fmt: skip
    """To somebody who is offered a loan. The link opens a page that asks by a button."""
    _ = words_of(settings, language).gettext
    said = {"lender": lender, "amount": amount, "what": what}
    return text_of(
        settings,
        _("%(lender)s offers to lend you %(amount)s: yes or no?") % said,
        _("Hello %(name)s,") % {"name": name},
        _("%(lender)s offers to lend you %(amount)s, for: %(what)s") % said,
        _("You would give back exactly as much, on the days that are on this page. Nothing has moved."),
        link,
    )


def loan_answered_mail(
    settings: SchemeSettings, language: str, name: str, borrower: str, what: str, agreed: bool, link: str
) -> Text:  # fmt: skip
    """To a lender, once there is an answer."""
    _ = words_of(settings, language).gettext
    said = {"borrower": borrower, "what": what}
    return text_of(
        settings,
        (_("%(borrower)s said yes: %(what)s") if agreed else _("%(borrower)s said no: %(what)s")) % said,
        _("Hello %(name)s,") % {"name": name},
        _("It is recorded. How it comes back is on this page:") if agreed else _("Nothing moved."),
        link,
    )


def loan_forgiven_mail(
    settings: SchemeSettings, language: str, name: str, lender: str, amount: str, what: str, link: str
) -> Text:  # fmt: skip
    """To a borrower who need not give the rest back."""
    _ = words_of(settings, language).gettext
    said = {"lender": lender, "amount": amount, "what": what}
    return text_of(
        settings,
        _("You need not give the rest back: %(what)s") % said,
        _("Hello %(name)s,") % {"name": name},
        _("%(lender)s forgives the rest: %(amount)s. Nothing more goes back.") % said,
        link,
    )
