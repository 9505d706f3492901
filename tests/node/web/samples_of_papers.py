"""Views of what organisers print, filled with invented matter."""

from __future__ import annotations

from typing import Final

from node.web.forms import Filled
from node.web.qr import picture_of
from node.web.views.page import View
from node.web.views.papers import (
    Card,
    CardsView,
    ChequesView,
    DirectoryView,
    JoiningView,
    LabelsView,
    Line,
    MarketSheetView,
    Person,
    PrintView,
    Shelf,
)

_SHEET: Final = {"size": "a4", "large": False, "printed": "Printed on 4 March 2026"}
_JAM, _DRILL = (
    Line(title="Plum jam, 4 jars", price="30 min"),
    Line(title="Drill, 18 V, with two batteries", price="free"),
)
_PEOPLE: Final = tuple(
    Person(name=name, number=f"{number:04}", place=place, offers=offers, wants=wants)
    for number, (name, place, offers, wants) in enumerate(
        [
            (
                "Ana Silva",
                "Mill Lane",
                (_JAM, Line(title="Bike repair", price="1 h 30 for an hour, + £5 for parts")),
                (),
            ),
            (
                "Ben Carter-Featherstonehaugh",
                "Old Town",
                (_DRILL,),
                (Line(title="Help with a fence", price="to agree"),),
            ),
            ("Maud Ellis", "", (), (Line(title="Somebody to read aloud", price="1 h for an hour"),)),
        ],
        1,
    )
)
PAPERS: Final[dict[str, View]] = {
    "print": PrintView(
        form=Filled({"what": "directory", "size": "a4", "first": "1", "count": "20"}), makes_pdf=True
    ),
    "print-wrong": PrintView(
        form=Filled(
            {"what": "cheques", "size": "a4", "count": "900"},
            {"count": "Please write a number from 1 to 200."},
        ),
        makes_pdf=False,
    ),
    "paper-directory": DirectoryView(**_SHEET, people=_PEOPLE),  # type: ignore[arg-type]  # one dict for all papers
    "paper-directory-large": DirectoryView(
        size="letter", large=True, printed="Printed on 4 March 2026", people=_PEOPLE
    ),
    "paper-market": MarketSheetView(
        **_SHEET,  # type: ignore[arg-type]  # as above
        shelves=(
            Shelf(
                name="Food and cooking",
                offers=(Line(title="Plum jam, 4 jars", price="30 min", whose="Ana Silva (0001)"),),
                wants=(),
            ),
            Shelf(
                name="House and garden",
                offers=(),
                wants=(Line(title="Help with a fence", price="to agree", whose="0002"),),
            ),
        ),
    ),
    "paper-cheques": ChequesView(**_SHEET, numbers=("0041", "0042", "0043"), unit="hours"),  # type: ignore[arg-type]  # as above
    "paper-cards": CardsView(
        **_SHEET,  # type: ignore[arg-type]  # as above
        address="oakvale.example",
        cards=tuple(
            Card(
                name=each.name,
                number=each.number,
                code=picture_of(f"https://oakvale.example/{each.number}", sized=False),
            )
            for each in _PEOPLE
        ),
    ),
    "paper-labels": LabelsView(
        **_SHEET,  # type: ignore[arg-type]  # as above
        labels=(
            ("Maud Ellis", "3 Mill Lane", "Oakvale OA1 2BC"),
            ("Ben Carter-Featherstonehaugh", "The Old Dairy", "12 Station Approach", "Oakvale OA1 9ZZ"),
        ),
        without=("Ana Silva",),
    ),
    "paper-joining": JoiningView(
        **_SHEET,
        agreement=("We help each other as neighbours.", "Nobody has to say yes to anything."),  # type: ignore[arg-type]  # as above
    ),
}
