"""The words of mails about fees and the community chest. Source: docs/protocol.md 3.8."""

from __future__ import annotations

from node.mail.texts import Text, text_of, words_of
from node.services.settings import SchemeSettings


def announced_mail(
    settings: SchemeSettings, language: str, name: str, what: str, rule: str, first: str, link: str
) -> Text:  # fmt: skip
    """To every member, when a fee begins: at least two weeks before it is first asked for."""
    _ = words_of(settings, language).gettext
    return text_of(
        settings,
        _("From %(day)s: %(what)s") % {"day": first, "what": what},
        _("Hello %(name)s,") % {"name": name},
        _("two organisers decided that from %(day)s on each member gives to the community chest:")
        % {"day": first},
        f"{what}: {rule}",
        _("You need do nothing. What goes from you, and when, is on this page:"),
        link,
    )


def waits_mail(
    settings: SchemeSettings, language: str, name: str, what: str, amount: str, paused: bool, link: str
) -> Text:
    """To somebody from whom a fee could not go."""
    _ = words_of(settings, language).gettext
    return text_of(
        settings,
        _("Not gone yet: %(what)s") % {"what": what},
        _("Hello %(name)s,") % {"name": name},
        _("%(amount)s for the community chest could not go: %(what)s") % {"amount": amount, "what": what},
        _("Your account is paused just now.")
        if paused
        else _("It would have taken you further behind than you may go."),
        _("We try again every day. If that is difficult for you, please talk to us: we can let you off."),
        link,
    )


def given_mail(
    settings: SchemeSettings, language: str, name: str, what: str, amount: str, link: str
) -> Text:  # fmt: skip
    """To somebody whom the chest gave something."""
    _ = words_of(settings, language).gettext
    return text_of(
        settings,
        _("The community chest gave you %(amount)s") % {"amount": amount},
        _("Hello %(name)s,") % {"name": name},
        _("the community chest gave you %(amount)s, for: %(what)s") % {"amount": amount, "what": what},
        link,
    )
