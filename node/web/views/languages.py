"""The organisers' page about languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Desk, Option, View


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitName:
    """One field: what the unit is called with such a number."""

    field: str  # "name-pl-few"
    label: str  # "With 2, as in “2 …”"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitInLanguage:
    """What the unit is called in one language."""

    tag: str
    language: str  # in its own words
    names: tuple[UnitName, ...]
    preview: str  # "0 acorns · 1 acorn · 2 acorns"


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguagesView(View):
    """GET /admin/languages; POST /admin/languages, /admin/languages/unit.

    Fields: own (a tag), and speaks-TAG for each language · name-TAG-FORM for each plural form of each language.
    """

    TEMPLATE: ClassVar[str] = "admin/languages.html"
    DESK: ClassVar[Desk] = "scheme"

    form: Filled
    offered: tuple[Option, ...]  # all languages there are; in `form` speaks-TAG is "yes" for those spoken
    unit_form: Filled = EMPTY
    unit_name: str = ""  # "" where hours are counted: languages have names for these
    units: tuple[UnitInLanguage, ...] = ()
