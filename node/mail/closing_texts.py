"""The words of mails about the end of a scheme. Source: docs/protocol.md 2.4."""

from __future__ import annotations

from node.mail.texts import Text, text_of, words_of
from node.services.settings import SchemeSettings


def closes_mail(
    settings: SchemeSettings, language: str, name: str, last: str, until: str, link: str
) -> Text:  # fmt: skip
    """To every member, when two organisers decided it: at least two weeks before."""
    _ = words_of(settings, language).gettext
    said = {"scheme": settings.name, "day": last, "until": until}
    return text_of(
        settings,
        _("%(scheme)s closes: the last day is %(day)s") % said,
        _("Hello %(name)s,") % {"name": name},
        _(
            "two organisers decided that %(scheme)s closes. The last day on which anything is recorded is %(day)s."
        )
        % said,
        settings.closing_why,
        _("Until then everything goes on as ever: what you still want to give or get, do it by then."),
        _("Until %(until)s you can log in, read everything, and save your statement and all that is yours:")
        % said,
        link,
    )


def soon_mail(settings: SchemeSettings, language: str, name: str, last: str) -> Text:
    """To every member, a week before the last day."""
    _ = words_of(settings, language).gettext
    said = {"scheme": settings.name, "day": last}
    return text_of(
        settings,
        _("One more week: the last day of %(scheme)s is %(day)s") % said,
        _("Hello %(name)s,") % {"name": name},
        _("as we wrote, nothing is recorded any more after %(day)s.") % said,
        _("Until then everything goes on as ever: what you still want to give or get, do it by then."),
    )


def fetch_mail(settings: SchemeSettings, language: str, name: str, until: str, link: str) -> Text:
    """To every member of a scheme that has closed, two weeks before nothing can be fetched any more."""
    _ = words_of(settings, language).gettext
    said = {"scheme": settings.name, "until": until}
    return text_of(
        settings,
        _("Until %(until)s you can fetch what is yours from %(scheme)s") % said,
        _("Hello %(name)s,") % {"name": name},
        _("%(scheme)s has closed.") % said,
        _("Until %(until)s you can log in, read everything, and save your statement and all that is yours:")
        % said,
        link,
    )


def goes_on_mail(settings: SchemeSettings, language: str, name: str) -> Text:
    """To every member, when it was taken back."""
    _ = words_of(settings, language).gettext
    said = {"scheme": settings.name}
    return text_of(
        settings,
        _("%(scheme)s goes on") % said,
        _("Hello %(name)s,") % {"name": name},
        _("an organiser took back that %(scheme)s closes. Everything goes on as before.") % said,
    )
