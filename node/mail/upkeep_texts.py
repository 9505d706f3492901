"""The words of mails to admins about the node itself. Source: docs/operating.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from node.finding_names import name_said
from node.findings import Finding
from node.mail.texts import Text, text_of, words_of
from node.services.settings import SchemeSettings


@dataclass(frozen=True, slots=True)
class Mended:
    """What is well again."""

    names: Sequence[str]  # of findings
    all_well: bool  # nothing else needs mending


def test_mail(settings: SchemeSettings, language: str, name: str) -> Text:
    """To an admin who wants to see whether mails arrive."""
    _ = words_of(settings, language).gettext
    said = {"scheme": settings.name}
    return text_of(
        settings,
        _("A test mail of %(scheme)s") % said,
        _("Hello %(name)s,") % {"name": name},
        _("you asked for this mail, to see whether mails of %(scheme)s arrive. They do.") % said,
    )


def troubles_mail(
    settings: SchemeSettings, language: str, name: str, found: Sequence[Finding], mended: Mended, link: str
) -> Text:
    """To an admin: what needs mending with how, and what no longer does."""
    words = words_of(settings, language)
    _ = words.gettext
    said = {"scheme": settings.name}
    again = [f"- {name_said(each, words)}" for each in mended.names]
    return text_of(
        settings,
        (_("Something needs mending: %(scheme)s") if found else _("Mended: %(scheme)s")) % said,
        _("Hello %(name)s,") % {"name": name},
        _("the computer of %(scheme)s found this. It is looked at every hour:") % said if found else "",
        *(
            "\n".join(filter(None, (f"{name_said(each.name, words)}: {each.said(_)}", each.cure(_))))
            for each in found
        ),
        "\n".join([_("This is well again:"), *again]) if again else "",
        _("Nothing else needs mending.") if mended.all_well else "",
        _("How everything stands is on this page:"),
        link,
    )
