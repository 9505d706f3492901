"""The words of mails about a request for payment whose silence counts: two warnings, and what came of it. Source: docs/protocol.md 3.11."""

from __future__ import annotations

from node.mail.texts import Text, text_of, words_of
from node.services.settings import SchemeSettings


def warning_mail(
    settings: SchemeSettings, language: str, name: str, asker: str, amount: str, what: str, link: str, day: str
) -> Text:  # fmt: skip
    """To somebody who has not answered yet. The link opens a page that asks by a button."""
    _ = words_of(settings, language).gettext
    said = {"asker": asker, "amount": amount, "what": what, "day": day}
    return text_of(
        settings,
        _("Please answer before %(day)s: %(asker)s asks you for %(amount)s") % said,
        _("Hello %(name)s,") % {"name": name},
        _("%(asker)s asks you for %(amount)s, for: %(what)s") % said,
        _("You have not answered. On %(day)s that counts as your yes, and the amount goes to %(asker)s.")
        % said,
        _("Is it not right? Then say no on this page:"),
        link,
    )


def counted_mail(
    settings: SchemeSettings, language: str, name: str, other: str, amount: str, what: str, link: str, *, paid: bool
) -> Text:  # fmt: skip
    """To both, once silence has counted; `paid`: to whoever did not answer."""
    _ = words_of(settings, language).gettext
    said = {"name": other, "amount": amount, "what": what}
    if paid:
        return text_of(
            settings,
            _("%(amount)s went to %(name)s: you did not answer") % said,
            _("Hello %(name)s,") % {"name": name},
            _("%(name)s asked you for %(amount)s, for: %(what)s") % said,
            _("You said neither yes nor no, and by the rule of our scheme that counted as a yes."),
            _("Is it not right? Then say so on this page:"),
            link,
        )
    return text_of(
        settings,
        _("You got %(amount)s: %(name)s did not answer") % said,
        _("Hello %(name)s,") % {"name": name},
        _("%(name)s said neither yes nor no to your request for: %(what)s") % said,
        _("By the rule of our scheme that counted as a yes. It is recorded; they can still object."),
        link,
    )
