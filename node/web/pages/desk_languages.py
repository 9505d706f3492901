"""The organisers' desk: which languages the pages speak, and what the scheme's unit is called in each.

Source: docs/pages.md 7.4 and 12.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from aiohttp import web
from babel.numbers import format_decimal

from node.services.settings import SchemeSettings
from node.web.amounts import spoken
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import Filled, Form, line, read
from node.web.languages import language_name, language_options, plural_forms
from node.web.views.languages import LanguagesView, UnitInLanguage, UnitName
from node.web.words import languages

# What the preview shows: numbers that languages treat differently. Source: docs/pages.md 12.
SHOWN: Final = tuple(map(Decimal, ("0", "1", "2", "5", "1.5")))


class OwnForm(Form):
    own: line(20, 2)  # type: ignore[valid-type]  # makes the type of a field


class NameForm(Form):
    """One name; each field of the page is read with it."""

    name: line(40)  # type: ignore[valid-type]  # see above


async def show(context: Context) -> web.Response:
    """Show what is spoken, and what the unit is called."""
    return context.show(_view(context))


def _offered(settings: SchemeSettings) -> tuple[str, ...]:
    """Return the languages there are texts in, and those that the scheme's file named besides."""
    return tuple(dict.fromkeys((*languages(), *settings.languages)))


def _view(context: Context, *, form: Filled | None = None, unit_form: Filled | None = None) -> LanguagesView:
    settings = context.settings
    spoken_now = {f"speaks-{tag}": "yes" for tag in settings.languages}
    decimal = context.unit.kind == "decimal"
    return LanguagesView(
        form=form or Filled({"own": settings.language, **spoken_now}),
        offered=language_options(_offered(settings)),
        unit_form=unit_form or Filled(_stored_names(settings)),
        unit_name=settings.unit_name if decimal else "",
        units=tuple(_unit_in(context, tag) for tag in settings.languages) if decimal else (),
    )


def _unit_in(context: Context, tag: str) -> UnitInLanguage:
    unit, _ = context.unit, context.words.gettext
    forms, locale = plural_forms(tag, unit.decimals), context.language.replace("-", "_")
    shown = [int(number * unit.minor_per_unit) for number in SHOWN if unit.decimals or number == int(number)]
    return UnitInLanguage(
        tag=tag,
        language=language_name(tag),
        names=tuple(
            UnitName(
                field=f"name-{tag}-{form}",
                label=_("As in “%(num)s …”") % {"num": format_decimal(example, locale=locale)},
            )
            for form, example in forms
        ),
        preview=" · ".join(spoken(minor, unit, tag) for minor in shown),
    )


def _fields(context: Context) -> Iterator[tuple[str, str, str]]:
    for tag in context.settings.languages:
        for form, _ in plural_forms(tag, context.unit.decimals):
            yield f"name-{tag}-{form}", tag, form


def _stored_names(settings: SchemeSettings) -> Mapping[str, str]:
    return {
        f"name-{tag}-{form}": name
        for tag, forms in settings.unit_names.items()
        for form, name in forms.items()
    }


async def speak(context: Context) -> web.Response:
    """Change which languages the pages speak; the own one always is among them."""
    offered = _offered(context.settings)
    ticked = [tag for tag in offered if context.fields.get(f"speaks-{tag}") == "yes"]
    form = context.form(OwnForm)
    if isinstance(form, Filled) or form.own not in offered:
        shown = Filled({**{f"speaks-{tag}": "yes" for tag in ticked}, "own": context.settings.language})
        sentence = context.words.gettext("Please choose one of the answers.")
        return context.show(_view(context, form=shown.with_error("own", sentence)), 422)
    spoken_ones = tuple(dict.fromkeys((form.own, *ticked)))
    await context.node.settings.change(context.actor, language=form.own, languages=spoken_ones)
    context.node.announcements.changed()
    return context.redirect("/admin/languages", note="saved")


async def name_unit(context: Context) -> web.Response:
    """Change what the unit is called, for each plural form of each language."""
    if context.unit.kind == "hours":
        raise NoSuchPage  # languages have names for hours
    # Those of languages that are not spoken now are kept for when they are again.
    names = {tag: dict(forms) for tag, forms in context.settings.unit_names.items()}
    filled = Filled({field: context.fields.get(field, "") for field, _, _ in _fields(context)})
    for field, tag, form in _fields(context):
        given = read(NameForm, {"name": filled.value(field)}, context.words)
        if isinstance(given, Filled):
            filled = filled.with_error(field, given.error("name"))
            continue
        names.setdefault(tag, {}).pop(form, None)
        if given.name:
            names[tag][form] = given.name
    if filled.errors:
        return context.show(_view(context, unit_form=filled), 422)
    await context.node.settings.change(
        context.actor, unit_names={tag: forms for tag, forms in names.items() if forms}
    )
    return context.redirect("/admin/languages", note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/languages", show, ORGANISER),
    post("/admin/languages", speak, ORGANISER),
    post("/admin/languages/unit", name_unit, ORGANISER),
)
