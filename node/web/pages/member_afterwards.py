"""What members say of a trade afterwards: thank you, or something is wrong; and paying it back.

Thanks are read by the other side, complaints by organisers only. Source: docs/pages.md 8.8.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.afterwards import CannotSay, Why, may_speak
from node.services.trades import Trade
from node.web.amounts import as_typed
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import EMPTY, Filled, Form, line, paragraphs
from node.web.pages.member_trade import Found, find
from node.web.pages.recording import ring, stopped
from node.web.pages.schemes import schemes_known
from node.web.present import Voice, party_of, reference, trade_sentence
from node.web.views.page import Link
from node.web.views.trade import RecordStoppedView, ThankView, WrongView
from protocol.limits import COMPLAINT_CHARACTERS_MAX, THANKS_CHARACTERS_MAX


class ThankForm(Form):
    """What to say; it may stay empty."""

    text: line(THANKS_CHARACTERS_MAX)  # type: ignore[valid-type]  # `line` makes the type of a field


class WrongForm(Form):
    """What is wrong, in the member's words."""

    text: paragraphs(COMPLAINT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above


async def _mine(context: Context) -> Found:
    found = await find(context)
    if not found.is_mine:
        raise NoSuchPage
    return found


async def _sentence(context: Context, found: Found) -> tuple[str, str]:
    """Return the trade in a sentence, and how the other side is called."""
    me = context.member.account_no
    party = party_of(found.trade, me, found.members, await schemes_known(context), context.voice)
    return trade_sentence(found.trade, me, party, context.voice), party.name


def _cannot(context: Context, why: Why, trade: Trade) -> RecordStoppedView:
    _ = context.words.gettext
    match why:
        case Why.ALREADY:
            sentence = _("You said so already.")
        case Why.TOO_LATE:
            sentence = _("This trade is more than 30 days old.") + " " + ring(context)
        case Why.NOT_DONE:
            sentence = _("This trade is not done.")
        case Why.TOO_MANY:
            sentence = _("Organisers look into other trades of yours.") + " " + ring(context)
        case _:
            sentence = _("We cannot write to their scheme now. Please try again later.")
    back = Link(text=_("Back to the trade"), href=f"/t/{reference(trade)}")
    return stopped(context, _("This was not sent"), sentence, action=back)


# --- Thank you ----------------------------------------------------------------------------------------------


async def thank(context: Context) -> web.Response:
    """GET /t/{reference}/thank"""
    return context.show(await _thank_view(context, await _mine(context)))


async def _thank_view(context: Context, found: Found, form: Filled = EMPTY) -> ThankView:
    sentence, name = await _sentence(context, found)
    here = f"/t/{reference(found.trade)}"
    return ThankView(name=name, sentence=sentence, form=form, action=f"{here}/thank", back_href=here)


async def thank_sent(context: Context) -> web.Response:
    """POST /t/{reference}/thank"""
    found = await _mine(context)
    form = context.form(ThankForm)
    if isinstance(form, Filled):
        return context.show(await _thank_view(context, found, form), 422)
    text = form.text or context.words.gettext("Thank you!")
    try:
        await context.node.afterwards.thank(found.trade.no, context.member, text)
    except CannotSay as no:
        return context.show(_cannot(context, no.why, found.trade))
    return context.redirect(f"/t/{reference(found.trade)}", note="thanked")


# --- Something is wrong -------------------------------------------------------------------------------------


async def wrong(context: Context) -> web.Response:
    """GET /t/{reference}/wrong: pay it back, or tell the organisers."""
    return context.show(await _wrong_view(context, await _mine(context)))


async def _wrong_view(context: Context, found: Found, form: Filled = EMPTY) -> WrongView:
    trade, voice = found.trade, context.voice
    sentence, name = await _sentence(context, found)
    _, here = context.words.gettext, f"/t/{reference(trade)}"
    abroad = trade.other_scheme is not None
    other = (await schemes_known(context)).get(trade.other_scheme) if trade.other_scheme is not None else None
    said = {
        "name": name,
        "scheme": voice.scheme,
        "other": _("the other scheme") if other is None else other.name,
    }
    return WrongView(
        sentence=sentence,
        reference=reference(trade),
        readers=_("Organisers of %(scheme)s and %(other)s read it. Nobody else does.") % said
        if abroad
        else _("Only organisers of %(scheme)s read it.") % said,
        ring=ring(context),
        form=form,
        action=f"{here}/wrong" if may_speak(trade, context.now_ms) else "",
        back_href=here,
        pay_back_href=pay_back_href(context, found),
        pay_back=_("You can pay it back to %(name)s.") % said,
        other_pays=_("If you both agree, %(name)s can simply pay it back.") % said,
    )


def pay_back_href(context: Context, found: Found) -> str:
    """Return where whoever was paid pays it back, filled in; "" for the payer."""
    trade, voice = found.trade, context.voice
    if trade.payee_no != context.member.account_no or trade.state != "done":
        return ""
    what = _back_words(trade, voice)
    if trade.other_scheme is not None or trade.payer_no is None:
        return ""
    payer = found.members.get(trade.payer_no)
    if payer is None:
        return ""
    amount = as_typed(trade.amount, context.unit, context.language)
    return "/record/what?" + urlencode({"who": payer.number, "what": what, "amount": amount})


def _back_words(trade: Trade, voice: Voice) -> str:
    return voice.words.gettext("Back: %(what)s") % {"what": trade.text}


async def wrong_sent(context: Context) -> web.Response:
    """POST /t/{reference}/wrong"""
    found = await _mine(context)
    form = context.form(WrongForm)
    if isinstance(form, Filled):
        return context.show(await _wrong_view(context, found, form), 422)
    try:
        await context.node.afterwards.complain(found.trade.no, context.member, form.text)
    except CannotSay as no:
        return context.show(_cannot(context, no.why, found.trade))
    return context.redirect(f"/t/{reference(found.trade)}", note="complained")


ROUTES: Final = (
    get("/t/{reference}/thank", thank, MEMBER),
    post("/t/{reference}/thank", thank_sent, MEMBER),
    get("/t/{reference}/wrong", wrong, MEMBER),
    post("/t/{reference}/wrong", wrong_sent, MEMBER),
)
