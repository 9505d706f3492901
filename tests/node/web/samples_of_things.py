"""Believable pages about whose a thing is, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from node.web.forms import Filled
from node.web.views.page import Option, Pill, View
from node.web.views.things import OwnerRow, ThingOwnersView

LADDER: Final = ThingOwnersView(
    title="Ladder, four metres", base="/l/ladder",
    sentences=(
        "Whoever owns it says yes or no to bookings, hands it over and takes it back. Only Ana changes the listing.",
        "What it costs goes to the account of “Bread and yeast”.",
    ),
    owners=(
        OwnerRow(name="Ana Silva", href="/people/0123", state=None),
        OwnerRow(name="Ben Carter", href="/people/0042", state=None, remove="0042"),
        OwnerRow(name="Maud Ellis", href="/people/0007", state=Pill(text="Not answered yet", tone="wait"), remove="0007"),
    ),
    may_name=True, groups=(Option(value="", text="To no group"), Option(value="1", text="Bread and yeast")), group="1",
    form=Filled({"who": "9999"}, {"who": "Nobody here has this number, or they own it already."}), group_form=Filled({"members_only": "yes"}),
)  # fmt: skip
VIEWS: Final[Mapping[str, View]] = {
    "thing-owners": LADDER,
    "thing-owners-asked": replace(
        LADDER, question="Ana asks you to own this together.", may_name=False, groups=(), form=Filled({}),
        owners=tuple(replace(each, remove="") for each in LADDER.owners),
    ),
    "thing-owners-too": replace(
        LADDER, may_stop=True, may_name=False, groups=(), form=Filled({}), owners=LADDER.owners[:1],
    ),
}  # fmt: skip
