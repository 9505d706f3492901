"""Views of the pages on which a new scheme is made. Source: docs/first-evening.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.languages import UnitInLanguage
from node.web.views.node import FindingRow
from node.web.views.page import Fact, Option, View


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpView(View):
    """What these pages share: they stand alone, since there is no scheme yet."""

    step: str = ""  # "Step 2 of 6"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView(SetUpView):
    TEMPLATE: ClassVar[str] = "setup/link.html"

    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedView(SetUpView):
    TEMPLATE: ClassVar[str] = "setup/refused.html"

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeView(SetUpView):
    TEMPLATE: ClassVar[str] = "setup/scheme.html"

    form: Filled
    offered: tuple[Option, ...]  # languages


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitView(SetUpView):
    TEMPLATE: ClassVar[str] = "setup/unit.html"

    form: Filled


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesView(SetUpView):
    TEMPLATE: ClassVar[str] = "setup/rules.html"

    form: Filled
    unit_name: str
    units: tuple[UnitInLanguage, ...]  # empty where hours are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleView(SetUpView):
    TEMPLATE: ClassVar[str] = "setup/people.html"

    form: Filled
    characters_min: int
    has_passphrase: bool  # typed before; never shown again


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyView(SetUpView):
    TEMPLATE: ClassVar[str] = "setup/safety.html"

    form: Filled
    has_password: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView(SetUpView):
    TEMPLATE: ClassVar[str] = "setup/check.html"

    facts: tuple[Fact, ...]
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetView(SetUpView):
    TEMPLATE: ClassVar[str] = "setup/sheet.html"

    scheme: str
    identity: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsView(SetUpView):
    TEMPLATE: ClassVar[str] = "setup/words.html"

    form: Filled = EMPTY
    places: tuple[int, ...]  # from 1 on
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """Another organiser's link, to be handed over."""

    name: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneView(SetUpView):
    TEMPLATE: ClassVar[str] = "setup/done.html"

    scheme: str
    organiser: str
    lead: str
    rows: tuple[FindingRow, ...]
    others: tuple[WayIn, ...]
