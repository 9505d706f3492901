"""Languages by their tags: which one a browser prefers, what it calls itself, which plural forms it has.

Source: docs/pages.md 12; docs/decisions/0040-languages.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError

from node.web.views.page import Option

# Longer than any browser's list of languages; more is not read.
HEADER_CHARACTERS_MAX: Final = 200
FORMS: Final = ("zero", "one", "two", "few", "many", "other")
# Numbers that show a form by example: the smallest from 1 on, else none, a broken one, or a very large one.
_EXAMPLES: Final = (*map(Decimal, (*range(1, 200), 0)), Decimal("1.5"), Decimal("0.5"), Decimal(1_000_000))


def known_language(tag: str) -> bool:
    """Tell whether `tag` names a language whose numbers and dates we can write."""
    try:
        return str(Locale.parse(tag, sep="-")).replace("_", "-") == tag
    except (UnknownLocaleError, ValueError):
        return False


@lru_cache(maxsize=64)
def language_name(tag: str) -> str:
    """Return a language's name for itself: "Deutsch"."""
    name = Locale.parse(tag, sep="-").display_name or tag
    return name[:1].upper() + name[1:]


def language_options(tags: Iterable[str]) -> tuple[Option, ...]:
    """Return languages to choose from, each in its own words."""
    return tuple(Option(value=tag, text=language_name(tag)) for tag in tags)


def language_preferred(header: str, offered: Sequence[str]) -> str:
    """Return the one of `offered` that a browser's Accept-Language prefers; "" for none.

    A wish for Austrian German is met by German, and one for German by Austrian German. Source: RFC 9110, 12.5.4.
    """
    if not header or len(offered) < 2:
        return ""
    wishes = [_wish(part) for part in header[:HEADER_CHARACTERS_MAX].split(",")]
    for _, tag in sorted((wish for wish in wishes if wish[0] > 0), key=lambda wish: -wish[0]):
        for fits in (str.__eq__, _narrows, _widens, _related):
            found = next((each for each in offered if fits(each.lower(), tag)), "")
            if found:
                return found
    return ""


def _wish(part: str) -> tuple[float, str]:
    tag, _, rest = part.strip().lower().partition(";")
    name, _, number = rest.strip().partition("=")
    if name.strip() != "q":
        return 1.0, tag.strip()
    try:
        weight = float(number)
    except ValueError:
        return 0.0, tag.strip()
    return (weight if 0 <= weight <= 1 else 0.0), tag.strip()


def _narrows(offered: str, wanted: str) -> bool:
    return offered.startswith(f"{wanted}-")


def _widens(offered: str, wanted: str) -> bool:
    return wanted.startswith(f"{offered}-")


def _related(offered: str, wanted: str) -> bool:
    return offered.partition("-")[0] == wanted.partition("-")[0]


@lru_cache(maxsize=64)
def plural_forms(tag: str, decimals: int) -> tuple[tuple[str, Decimal], ...]:
    """Return the plural forms of a language that amounts with `decimals` digits can take, each with an example."""
    rule = Locale.parse(tag, sep="-").plural_form
    examples: dict[str, Decimal] = {}
    for number in _EXAMPLES:
        if decimals or number == int(number):
            examples.setdefault(rule(number), number)
    return tuple((form, examples[form]) for form in FORMS if form in examples)
