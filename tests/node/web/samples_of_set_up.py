"""Believable views of the pages on which a new scheme is made, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from node.web.amounts import Unit
from node.web.forms import Filled
from node.web.languages import language_options
from node.web.unit_names import unit_in
from node.web.views.node import FindingRow
from node.web.views.page import Fact, Pill, View
from node.web.views.setup import (
    CheckView,
    DoneView,
    LinkView,
    PeopleView,
    RefusedView,
    RulesView,
    SafetyView,
    SchemeView,
    SheetView,
    UnitView,
    WayIn,
    WordsView,
)
from node.web.words import words_for

_UNIT: Final = Unit(
    code="Eicheln",
    kind="decimal",
    decimals=2,
    symbol="E",
    names={"de": {"other": "Eicheln"}, "en": {"other": "Eicheln"}},
)
_WORDS: Final = [
    "abandon",
    "ability",
    "able",
    "about",
    "above",
    "absent",
    "absorb",
    "abstract",
    "absurd",
    "abuse",
    "access",
    "accident",
] * 2
_SAFETY: Final = {
    "mail": "with",
    "security": "tls",
    "host": "mail.example.org",
    "folder": "stick",
    "sender": "us",
}
PAGES: Final[Mapping[str, View]] = {
    "set-up-link": LinkView(action="/set-up/link/believable"),
    "set-up-refused": RefusedView(what="These pages belong to the browser that opened the link first, and the link opens once."),
    "set-up-scheme": SchemeView(
        step="Step 1 of 6", form=Filled({"wording": "lets", "own": "de", "speaks-de": "yes"}, {"name": "Please fill in the name."}),
        offered=language_options(("en", "de", "es", "fr")),
    ),
    "set-up-unit": UnitView(step="Step 2 of 6", form=Filled({"unit": "own", "unit_called": "Eicheln", "hour": "12,00"})),
    "set-up-rules": RulesView(
        step="Step 3 of 6", form=Filled({"lower": "much", "who_records": "both", "name-de-one": "Eichel"}, {"lower": "Please write a number, for example 6 or 2.50."}),
        unit_name="Eicheln", units=tuple(unit_in(_UNIT, tag, words_for()) for tag in ("de", "en")),
    ),
    "set-up-people": PeopleView(
        step="Step 4 of 6", form=Filled({"organiser": "Rosa Field"}, {"passphrase": "This is too short. Write at least 12 characters."}),
        characters_min=12, has_passphrase=False,
    ),
    "set-up-people-again": PeopleView(step="Step 4 of 6", form=Filled({"organiser": "Rosa Field"}), characters_min=12, has_passphrase=True),
    "set-up-safety": SafetyView(
        step="Step 5 of 6", form=Filled(_SAFETY, {"folder": "Please write the whole name of the folder, from the first / on."}), has_password=True
    ),
    "set-up-check": CheckView(
        facts=(Fact(label="Scheme", text="Oakvale, Oak valley"), Fact(label="Counted in", text="Eicheln; one hour is 12 Eicheln")),
        trouble="/etc/interlets/interlets.toml cannot be written: /etc/interlets is closed to this user",
    ),
    "set-up-sheet": SheetView(scheme="Oakvale", identity="lets1oxpm6jb7he6qmnj5pmr2iampkcookjzj5udm4rslbdcjy4d2iwwq", words=tuple(_WORDS)),
    "set-up-words": WordsView(
        form=Filled({"word-7": "slip"}, {"word-7": "The sheet has another word at 7. Compare, and mend your copy."}), places=(3, 7, 21),
    ),
    "set-up-words-refused": WordsView(places=(3, 7, 21), trouble="interlets.toml exists: this machine has a scheme there already"),
    "set-up-done": DoneView(
        scheme="Oakvale", organiser="Rosa Field", lead="Nothing needs mending.",
        rows=(
            FindingRow(
                name="Clock", state=Pill(text="Could be better", tone="wait"),
                text="Nothing shows that the clock is kept right; neighbours refuse new trades when it is far off",
                fix="Switch on NTP: timedatectl set-ntp true",
            ),
            FindingRow(name="Disk", state=Pill(text="Good", tone="good"), text="20311 MiB free in /var/lib/interlets", fix=""),
        ),
        others=(WayIn(name="Ben Hill", link="http://127.0.0.1:8480/login/link/RMKg8AQq_s9HShSttJrowoaU1spJUH4_ZyUQszVndC4"),),
    ),
}  # fmt: skip
