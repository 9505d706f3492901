"""A trade's receipt: on paper, with a picture that telephones read, and as a file. Source: docs/protocol.md 4.4, 7.9; docs/pages.md 7.2."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.receipts import Written, written
from node.services.trades import Trade
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get
from node.web.downloads import download
from node.web.pages.member_trade import Found, find, sides_of
from node.web.pages.neighbours_shown import six_words
from node.web.pages.schemes import schemes_known
from node.web.present import in_fours, reference, trade_pill
from node.web.qr import picture_of
from node.web.views.page import Fact
from node.web.views.receipts import ReceiptView

MEDIA_TYPE: Final = "application/octet-stream"


async def receipt_page(context: Context) -> web.Response:
    """GET /t/{reference}/receipt"""
    return context.show(await _shown(context))


async def receipt_pdf(context: Context) -> web.Response:
    """GET /t/{reference}/receipt/pdf"""
    view = await _shown(context)
    return await context.pdf(view, f"receipt-{view.sides.reference}")


async def _shown(context: Context) -> ReceiptView:
    found = await find(context)
    entered = await context.read(written, found.trade)
    if entered is None:
        raise NoSuchPage  # nothing moved
    return await _view(context, found, entered)


async def _view(context: Context, found: Found, entered: Written) -> ReceiptView:
    voice, trade = context.voice, found.trade
    sides, party = sides_of(found, await schemes_known(context), voice)
    holder = context.member if found.is_mine else found.members[found.account_no or 0]
    facts = [
        Fact(label=voice.words.gettext("Made for"), text=f"{holder.name}, {holder.number}"),
        Fact(label=voice.words.gettext("Entered in the book"), text=voice.moment(entered.time_ms)),
        Fact(label=voice.words.gettext("Entered by"), text=trade.entered_by or party.name),
    ]
    if trade.other_scheme is not None:
        facts.append(Fact(label=voice.words.gettext("Other scheme"), text=party.badge))
    here = f"/t/{sides.reference}"
    link = f"{context.node.options.origin}/verify"
    return ReceiptView(
        sides=sides,
        state=trade_pill(trade, voice, arriving=found.arriving),
        facts=tuple(facts),
        words=six_words(context.node.scheme),
        code=in_fours(entered.check),
        qr=picture_of(f"{link}/{sides.reference}/{entered.check}", sized=False),
        link=link,
        file_href=f"{here}/receipt/file",
        pdf_href=f"{here}/receipt/pdf" if context.makes_pdf else "",
        back_href=here,
        printed=voice.words.gettext("Printed on %(day)s") % {"day": voice.day(voice.now_ms)},
    )


def _file(tx: ReadTx, context: Context, trade: Trade) -> bytes | None:
    return context.node.receipts.read(tx, trade)


async def receipt_file(context: Context) -> web.Response:
    """GET /t/{reference}/receipt/file"""
    found = await find(context)
    data = await context.read(_file, context, found.trade)
    if data is None:
        raise NoSuchPage
    return download(data, MEDIA_TYPE, f"{reference(found.trade)}.receipt")


ROUTES: Final = (
    get("/t/{reference}/receipt", receipt_page, MEMBER, for_others=True),
    get("/t/{reference}/receipt/file", receipt_file, MEMBER, for_others=True),
    get("/t/{reference}/receipt/pdf", receipt_pdf, MEMBER, for_others=True),
)
