"""What a scheme's own unit is called: a field for each plural form of each language. Source: docs/pages.md 12."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from babel.numbers import format_decimal

from node.web.amounts import Unit, spoken
from node.web.forms import Filled, Form, line, read
from node.web.languages import language_name, plural_forms
from node.web.views.languages import UnitInLanguage, UnitName
from node.web.words import Words

# What the preview shows: numbers that languages treat differently. Source: docs/pages.md 12.
SHOWN: Final = tuple(map(Decimal, ("0", "1", "2", "5", "1.5")))


class NameForm(Form):
    """One name; each field of the page is read with it."""

    name: line(40)  # type: ignore[valid-type]  # makes the type of a field


def unit_in(unit: Unit, tag: str, words: Words) -> UnitInLanguage:
    """Return the fields of one language, labelled for a reader of `words`."""
    _ = words.gettext
    locale = words.language.replace("-", "_")
    shown = [int(number * unit.minor_per_unit) for number in SHOWN if unit.decimals or number == int(number)]
    return UnitInLanguage(
        tag=tag,
        language=language_name(tag),
        names=tuple(
            UnitName(
                field=f"name-{tag}-{form}",
                label=_("As in “%(num)s …”") % {"num": format_decimal(example, locale=locale)},
            )
            for form, example in plural_forms(tag, unit.decimals)
        ),
        preview=" · ".join(spoken(minor, unit, tag) for minor in shown),
    )


def stored_names(names: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Return names as the fields show them."""
    return {f"name-{tag}-{form}": name for tag, forms in names.items() for form, name in forms.items()}


def _fields(unit: Unit, tags: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    for tag in tags:
        for form, _ in plural_forms(tag, unit.decimals):
            yield f"name-{tag}-{form}", tag, form


def read_names(
    typed: Mapping[str, str],
    unit: Unit,
    tags: Iterable[str],
    words: Words,
    known: Mapping[str, Mapping[str, str]],
) -> Mapping[str, Mapping[str, str]] | Filled:
    """Return what the unit is called from now on, or the form again.

    Of what is `known`, languages that are not among `tags` keep their names, for when they are spoken again.
    """
    fields = list(_fields(unit, tags))
    names = {tag: dict(forms) for tag, forms in known.items()}
    filled = Filled({field: typed.get(field, "") for field, _, _ in fields})
    for field, tag, form in fields:
        given = read(NameForm, {"name": filled.value(field)}, words)
        if isinstance(given, Filled):
            filled = filled.with_error(field, given.error("name"))
            continue
        names.setdefault(tag, {}).pop(form, None)
        if given.name:
            names[tag][form] = given.name
    return filled if filled.errors else {tag: forms for tag, forms in names.items() if forms}
