"""The unit a scheme counts in, from its settings. Source: docs/pages.md 12."""

from __future__ import annotations

from node.services.settings import SchemeSettings
from node.web.amounts import HOURS, Unit


def unit_of(settings: SchemeSettings) -> Unit:
    """Return the unit a scheme counts in."""
    if settings.unit_kind == "hours":
        return HOURS
    return Unit(
        code=settings.unit_name,
        kind="decimal",
        decimals=settings.decimals,
        symbol=settings.unit_symbol or settings.unit_name,
        # One name for every number, until organisers give the others.
        names={
            language: {"other": settings.unit_name, **settings.unit_names.get(language, {})}
            for language in settings.languages
        },
    )
