"""The organisers' desk: what is printed. Each paper is a page to read and print, or a PDF where PDFs can be made.

Everything is asked in the address, so nothing changes here. Source: docs/pages.md 7.3, 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypedDict

from aiohttp import web

from node.services.members import Member
from node.services.papers import Printed, read_printed
from node.web.context import ORGANISER, Context, Route, get
from node.web.forms import Filled
from node.web.pages.join import agreement_lines
from node.web.pages.listings import category_name, price_words
from node.web.present import Voice
from node.web.qr import picture_of
from node.web.views.papers import (
    Card,
    CardsView,
    ChequesView,
    DirectoryView,
    JoiningView,
    LabelsView,
    Line,
    MarketSheetView,
    Paper,
    Person,
    PrintView,
    Shelf,
)
from protocol.categories import CATEGORIES, group_of
from protocol.market import Listing

HERE: Final = "/admin/print"
SIZES: Final = ("a4", "letter")
CHEQUES_MAX: Final = 200
CHEQUE_NUMBER_DIGITS: Final = 6
FIELDS: Final = ("what", "size", "large", "numbers", "first", "count")
What = Literal["directory", "market", "cheques", "cards", "labels", "joining"]
WHATS: Final[tuple[What, ...]] = ("directory", "market", "cheques", "cards", "labels", "joining")


class _Sheet(TypedDict):
    """What every paper gets."""

    size: str
    large: bool
    printed: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, understood."""

    what: What
    sheet: _Sheet
    numbers_only: bool
    first: int
    count: int


async def choose(context: Context) -> web.Response:
    """GET /admin/print"""
    form = Filled({"what": "directory", "size": "a4", "first": "1", "count": "20"})
    return context.show(PrintView(form=form, makes_pdf=context.makes_pdf))


async def paper(context: Context) -> web.Response:
    """GET /admin/print/paper?what&size&large&numbers&first&count&as. Raises NoPdf."""
    asked = _understand(context)
    if isinstance(asked, Filled):
        return context.show(PrintView(form=asked, makes_pdf=context.makes_pdf), 422)
    view = await _view(context, asked)
    if context.query("as") == "pdf":
        return await context.pdf(view, asked.what)
    return context.show(view)


def _understand(context: Context) -> Asked | Filled:
    _ = context.words.gettext
    form = Filled({name: context.query(name) for name in FIELDS})
    what = next((each for each in WHATS if each == form.value("what")), None)
    if what is None:
        form = form.with_error("what", _("Please choose one of the answers."))
    if form.value("size") not in SIZES:
        form = form.with_error("size", _("Please choose one of the answers."))
    first, count = 1, 1
    if what == "cheques":
        first = read_number(form.value("first"), 10**CHEQUE_NUMBER_DIGITS - CHEQUES_MAX)
        count = read_number(form.value("count"), CHEQUES_MAX)
        if not first:
            form = form.with_error("first", _("Please write a number, like 1."))
        if not count:
            form = form.with_error("count", _("Please write a number from 1 to 200."))
    if form.errors or what is None:
        return form
    printed = _("Printed on %(day)s") % {"day": context.voice.long_day(context.now_ms)}
    sheet: _Sheet = {"size": form.value("size"), "large": form.value("large") == "yes", "printed": printed}
    return Asked(what, sheet, form.value("numbers") == "yes", first, count)


def read_number(text: str, most: int) -> int:
    """Return a number from 1 on that was typed, or 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= most else 0


async def _view(context: Context, asked: Asked) -> Paper:
    """Return the paper."""
    if asked.what == "cheques":
        numbers = tuple(f"{number:04}" for number in range(asked.first, asked.first + asked.count))
        return ChequesView(**asked.sheet, numbers=numbers, unit=context.voice.unit_name())
    if asked.what == "joining":
        return JoiningView(**asked.sheet, agreement=agreement_lines(context))
    everybody = await context.read(read_printed)
    if asked.numbers_only:  # else the order would tell the names
        everybody = sorted(everybody, key=lambda each: each.member.no)
    match asked.what:
        case "directory":
            return _directory(everybody, asked, context.voice)
        case "market":
            return _market(everybody, asked, context.voice)
        case "cards":
            return _cards(everybody, asked, context)
        case "labels":
            return _labels(everybody, asked)


# --- Papers of all members ---------------------------------------------------------------------------------------


def _directory(everybody: list[Printed], asked: Asked, voice: Voice) -> DirectoryView:
    people = tuple(
        Person(
            name="" if asked.numbers_only else each.member.name,
            number=each.member.number,
            place=each.member.place,
            offers=_lines((x for x in each.listings if x.kind != "want"), voice),
            wants=_lines((x for x in each.listings if x.kind == "want"), voice),
        )
        for each in everybody
    )
    return DirectoryView(**asked.sheet, people=people)


def _lines(listings: Iterable[Listing], voice: Voice, whose: str = "") -> tuple[Line, ...]:
    return tuple(Line(title=each.title, price=_price(each, voice), whose=whose) for each in listings)


def _price(listing: Listing, voice: Voice) -> str:
    said = price_words(listing.price, voice)
    return f"{said}, {listing.cash}" if listing.cash else said


def _whose(member: Member, numbers_only: bool) -> str:
    return member.number if numbers_only else f"{member.name} ({member.number})"


def _market(everybody: list[Printed], asked: Asked, voice: Voice) -> MarketSheetView:
    offers: dict[str, list[Line]] = {}
    wants: dict[str, list[Line]] = {}
    for each in everybody:
        whose = _whose(each.member, asked.numbers_only)
        for listing in each.listings:
            group = group_of(listing.category)
            (wants if listing.kind == "want" else offers).setdefault(group, []).extend(
                _lines([listing], voice, whose)
            )
    shelves = tuple(
        Shelf(
            name=category_name(group, voice),
            offers=tuple(offers.get(group, ())),
            wants=tuple(wants.get(group, ())),
        )
        for group, _, _ in CATEGORIES
        if group in offers or group in wants
    )
    return MarketSheetView(**asked.sheet, shelves=shelves)


def _cards(everybody: list[Printed], asked: Asked, context: Context) -> CardsView:
    origin = context.node.options.origin
    cards = tuple(
        Card(
            name="" if asked.numbers_only else each.member.name,
            number=each.member.number,
            code=picture_of(f"{origin}/record/what?who={each.member.number}", sized=False),
        )
        for each in everybody
    )
    return CardsView(**asked.sheet, cards=cards, address=origin.partition("://")[2])


def _labels(everybody: list[Printed], asked: Asked) -> LabelsView:
    having = [each.member for each in everybody if each.member.address.strip()]
    first = sorted(having, key=lambda member: member.email is not None)  # stable: by name within
    return LabelsView(
        **asked.sheet,
        labels=tuple(
            (member.name, *(text.strip() for text in member.address.splitlines() if text.strip()))
            for member in first
        ),
        without=tuple(each.member.name for each in everybody if not each.member.address.strip()),
    )


ROUTES: Final[tuple[Route, ...]] = (
    get(HERE, choose, ORGANISER),
    get(HERE + "/paper", paper, ORGANISER),
)
