"""The weekly mail: one text made twice, plain and as simple HTML, without pictures and without anything that tells who reads it.

Source: docs/pages.md 9.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from markupsafe import Markup

from node.mail.texts import Text, stop_words, text_of, words_of
from node.services.settings import SchemeSettings
from node.web.words import Words

_BUTTON: Final = "display:inline-block;padding:10px 18px;background:#14532d;color:#ffffff;border-radius:6px;text-decoration:none"
_PAGE: Final = Markup(
    '<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8"><title>{title}</title></head>'
    '<body style="margin:0;padding:16px;font-family:sans-serif;font-size:16px;line-height:1.5;color:#1c1917;'
    'background:#ffffff;max-width:40em">{body}</body></html>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line, and where it leads."""

    text: str
    more: str = ""
    path: str = ""
    button: str = ""  # what is to be done there


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Some lines about the same."""

    title: str
    items: tuple[Item, ...] = ()
    more: str = ""  # "and 3 more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Everything a weekly mail says."""

    subject: str
    hello: str
    sections: tuple[Section, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A mail in both forms."""

    text: Text
    html: str


def weekly_mail(settings: SchemeSettings, language: str, week: Week, origin: str, stop_link: str) -> Written:
    """Return the mail; addresses begin with `origin`."""
    words = words_of(settings, language)
    plain = [_plain(each, origin) for each in week.sections]
    text = text_of(settings, _one_line(week.subject), week.hello, *plain)
    return Written(
        text=Text(text.subject, text.body + stop_words(settings, language, stop_link)),
        html=_html(settings, words, week, origin, stop_link),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(section: Section, origin: str) -> str:
    lines = [section.title.upper()]
    for item in section.items:
        said = [_one_line(item.text), _one_line(item.more), f"{origin}{item.path}" if item.path else ""]
        lines.append("- " + "\n  ".join(each for each in said if each))
    return "\n".join([*lines, *([section.more] if section.more else [])])


def _html(settings: SchemeSettings, words: Words, week: Week, origin: str, stop_link: str) -> str:
    _ = words.gettext
    helper = f"{settings.help_name}, {settings.help_phone}".strip(", ") if settings.help_name else ""
    body = Markup("").join(
        [
            Markup("<p>{}</p>").format(week.hello),
            *[_part(each, origin) for each in week.sections],
            *([Markup("<p>{}</p>").format(helper)] if helper else []),
            Markup('<p>{}</p><p style="font-size:14px"><a href="{}">{}</a></p>').format(
                settings.name, stop_link, _("Fewer mails like this")
            ),
        ]
    )
    return str(
        _PAGE.format(language=words.language, direction=words.direction, title=week.subject, body=body)
    )


def _part(section: Section, origin: str) -> Markup:
    items = [_item(each, origin) for each in section.items]
    return Markup('<h2 style="font-size:20px">{}</h2><ul style="padding-left:20px">{}</ul>{}').format(
        section.title,
        Markup("").join(items),
        Markup("<p>{}</p>").format(section.more) if section.more else "",
    )


def _item(item: Item, origin: str) -> Markup:
    more = Markup("<br>{}").format(item.more) if item.more else Markup("")
    if item.button:
        press = Markup('<br><a href="{}{}" style="{}">{}</a>').format(origin, item.path, _BUTTON, item.button)
        return Markup('<li style="margin-bottom:12px"><strong>{}</strong>{}{}</li>').format(
            item.text, more, press
        )
    said = Markup('<a href="{}{}">{}</a>').format(origin, item.path, item.text) if item.path else item.text
    return Markup('<li style="margin-bottom:8px">{}{}</li>').format(said, more)
