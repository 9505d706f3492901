"""The words of mails about what somebody's searches found. Source: docs/pages.md 7.2 (`/my/searches`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from node.mail.texts import Text, stop_words, text_of, words_of
from node.services.settings import SchemeSettings
from node.web.words import Words


class Found(NamedTuple):
    """One listing that was found."""

    title: str
    kind: str  # one of `protocol.market.KINDS`
    scheme: str  # "" for our own
    path: str  # of its page


def found_line(found: Found, words: Words) -> str:
    """Return "Offer: plum jam, 4 jars (Riverside)"."""
    _ = words.gettext
    kinds = {
        "offer": _("Offer"),
        "want": _("Want"),
        "gift": _("To give away"),
        "lend": _("To lend"),
        "rent": _("To rent"),
        "stay": _("A place to stay"),
        "lift": _("Lift"),
    }
    said = {"kind": kinds[found.kind], "title": found.title, "scheme": found.scheme}
    return (_("%(kind)s: %(title)s (%(scheme)s)") if found.scheme else _("%(kind)s: %(title)s")) % said


def more_words(more: int, words: Words) -> str:
    """Return "and 3 more"."""
    return words.ngettext("and %(num)d more", "and %(num)d more", more) % {"num": more}


def found_mail(
    settings: SchemeSettings, language: str, name: str, found: Sequence[Found], total: int, origin: str, stop_link: str
) -> Text:  # fmt: skip
    """To somebody who wants to know at once; `found` are the first of `total`."""
    words = words_of(settings, language)
    _ = words.gettext
    subject = (
        found_line(found[0], words)
        if total == 1
        else words.ngettext(
            "%(num)d new offer or want you look for", "%(num)d new offers and wants you look for", total
        )
        % {"num": total}
    )
    more = [] if total == len(found) else [more_words(total - len(found), words)]
    text = text_of(
        settings,
        subject,
        _("Hello %(name)s,") % {"name": name},
        _("this is new, and you asked us to tell you:"),
        *[f"{found_line(each, words)}\n{origin}{each.path}" for each in found],
        *more,
        _("All your searches:") + f"\n{origin}/my/searches",
    )
    return Text(text.subject, text.body + stop_words(settings, language, stop_link))
