"""The organisers' desk: what members say is wrong with a trade, in the words of both sides, and putting it right.

Source: docs/protocol.md 3.5; docs/pages.md 7.3, 8.8.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.acts import NotAllowed
from node.services.afterwards import (
    CannotSay,
    Complaint,
    complaint_by_no,
    complaints_of,
    open_complaints,
)
from node.services.books import Refused
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled, Form, SpendForm, line, once_key
from node.web.pages.booking_pictures import conditions_shown, read_conditions
from node.web.pages.member import members_of
from node.web.pages.schemes import schemes_known
from node.web.present import paragraphs_of, party_of, reference, trade_sentence
from node.web.views.complaints import ComplaintRow, ComplaintsView, ComplaintView, SaidView
from node.web.views.page import Link

REASON_CHARACTERS_MAX: Final = 200


class CorrectForm(SpendForm):
    reason: line(REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below


class CloseForm(Form):
    words: line(REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above


class _Read:
    """A complaint with its trade, of one moment."""

    def __init__(self, tx: ReadTx, no: int):
        complaint = complaint_by_no(tx, no)
        if complaint is None:
            raise NoSuchPage
        self.complaint: Final[Complaint] = complaint
        self.trade: Final[Trade] = trade_by_no(tx, complaint.trade_no)
        self.all: Final = complaints_of(tx, complaint.trade_no)
        self.members: Final = members_of(tx, [self.trade])


async def complaints(context: Context) -> web.Response:
    """GET /admin/complaints"""
    rows = await context.read(_read_open)
    return context.show(
        ComplaintsView(
            rows=tuple(
                ComplaintRow(
                    href=f"/admin/complaints/{each.no}",
                    who=each.who or context.words.gettext("Another scheme"),
                    what=trade.text,
                    when=context.voice.lately(each.created_ms),
                )
                for each, trade in rows
            )
        )
    )


def _read_open(tx: ReadTx) -> list[tuple[Complaint, Trade]]:
    return [(each, trade_by_no(tx, each.trade_no)) for each in open_complaints(tx)]


async def complaint(context: Context) -> web.Response:
    """GET /admin/complaints/{number}"""
    return context.show(await _view(context, await context.read(_Read, context.number("number"))))


async def _view(
    context: Context, read: _Read, correct: Filled = EMPTY, close: Filled = EMPTY
) -> ComplaintView:
    trade, voice, _ = read.trade, context.voice, context.words.gettext
    account_no = trade.payer_no or trade.payee_no
    assert account_no is not None, "one side of every trade is ours"
    party = party_of(trade, account_no, read.members, await schemes_known(context), voice)
    mine = read.members.get(account_no)
    said = {
        "name": "" if mine is None else mine.name,
        "what": trade_sentence(trade, account_no, party, voice),
    }
    here = f"/admin/complaints/{read.complaint.no}"
    is_open = any(each.state == "open" for each in read.all)
    own = any(member.no == context.member.no for member in read.members.values())
    return ComplaintView(
        title=_("%(name)s: %(what)s") % said,
        badge=party.badge,
        amount=voice.spoken(trade.amount),
        trade=Link(
            text=_("Trade %(reference)s") % {"reference": reference(trade)}, href=f"/t/{reference(trade)}"
        ),
        said=tuple(_said(context, each) for each in read.all),
        people=tuple(
            Link(text=_("Message %(name)s") % {"name": member.name}, href=f"/messages/new?to={member.number}")
            for member in read.members.values()
            if member.no != context.member.no
        ),
        own=own and is_open,
        across=trade.kind != "local" and is_open,
        correct_action=f"{here}/correct"
        if is_open and not own and trade.kind == "local" and trade.corrected_by_no is None
        else "",
        correct_form=correct,
        once=context.once(),
        close_action=f"{here}/close" if is_open and not own else "",
        condition=conditions_shown(
            context, await context.read(read_conditions, read.complaint.no) if is_open else [], here
        ),
        close_form=close,
    )


def _said(context: Context, each: Complaint) -> SaidView:
    _, voice = context.words.gettext, context.voice
    notes = []
    if each.told == "yes":
        notes.append(_("Their organisers were written to."))
    if each.told == "no":
        notes.append(_("Their organisers could not be written to: ring them."))
    if each.state == "corrected":
        notes.append(_("Corrected by %(name)s: %(words)s") % {"name": each.ended_by, "words": each.outcome})
    if each.state == "closed":
        notes.append(_("Closed by %(name)s: %(words)s") % {"name": each.ended_by, "words": each.outcome})
    return SaidView(
        who=each.who or _("Another scheme"),
        when=voice.lately(each.created_ms),
        paragraphs=paragraphs_of(each.text),
        notes=tuple(notes),
    )


async def correct(context: Context) -> web.Response:
    """POST /admin/complaints/{number}/correct: the opposite trade, linked both ways; sent twice, it is entered once."""
    read = await context.read(_Read, context.number("number"))
    form = context.form(CorrectForm)
    if isinstance(form, Filled):
        return context.show(await _view(context, read, correct=form), 422)
    try:
        made = await context.node.afterwards.correct(
            read.complaint.no, context.actor, form.reason, once_key(form.once)
        )
    except (CannotSay, Refused, NotAllowed):
        sentence = context.words.gettext("This trade cannot be corrected here.")
        wrong = Filled({"reason": form.reason}).with_error("reason", sentence)
        return context.show(await _view(context, read, correct=wrong), 422)
    return context.redirect(f"/t/{reference(made)}", note="corrected")


async def close(context: Context) -> web.Response:
    """POST /admin/complaints/{number}/close: settled in words."""
    read = await context.read(_Read, context.number("number"))
    form = context.form(CloseForm)
    if isinstance(form, Filled):
        return context.show(await _view(context, read, close=form), 422)
    try:
        await context.node.afterwards.close(read.complaint.no, context.actor, form.words)
    except NotAllowed:
        sentence = context.words.gettext("Nobody decides about a trade of their own.")
        wrong = Filled({"words": form.words}).with_error("words", sentence)
        return context.show(await _view(context, read, close=wrong), 422)
    return context.redirect(f"/admin/complaints/{read.complaint.no}", note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/complaints", complaints, ORGANISER),
    get("/admin/complaints/{number}", complaint, ORGANISER),
    post("/admin/complaints/{number}/correct", correct, ORGANISER),
    post("/admin/complaints/{number}/close", close, ORGANISER),
)
