"""The organisers' desk: which languages the pages speak, and what the scheme's unit is called in each.

Source: docs/pages.md 7.4 and 12.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.settings import SchemeSettings
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import Filled, Form, line
from node.web.languages import language_options
from node.web.unit_names import read_names, stored_names, unit_in
from node.web.views.languages import LanguagesView
from node.web.words import languages


class OwnForm(Form):
    own: line(20, 2)  # type: ignore[valid-type]  # makes the type of a field


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
        unit_form=unit_form or Filled(stored_names(settings.unit_names)),
        unit_name=settings.unit_name if decimal else "",
        units=tuple(unit_in(context.unit, tag, context.words) for tag in settings.languages)
        if decimal
        else (),
    )


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
    settings = context.settings
    names = read_names(context.fields, context.unit, settings.languages, context.words, settings.unit_names)
    if isinstance(names, Filled):
        return context.show(_view(context, unit_form=names), 422)
    await context.node.settings.change(context.actor, unit_names=names)
    return context.redirect("/admin/languages", note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/languages", show, ORGANISER),
    post("/admin/languages", speak, ORGANISER),
    post("/admin/languages/unit", name_unit, ORGANISER),
)
