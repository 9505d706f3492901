"""The organisers' desk: cheques of members that came to other schemes and wait for a yes. Source: docs/pages.md 8.9.

The member says it on a page of their own, or an organiser who knows that they gave it; silence is no yes.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from aiohttp import web

from node.services.ask_rows import CannotAsk, Why
from node.services.cheque_check import Before
from node.services.cheques_abroad import Brought
from node.services.settlement import CannotPay, NoPayment
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.dates import short_day
from node.web.forms import EMPTY, Filled
from node.web.pages.ask_words import ask_amount
from node.web.pages.schemes import Schemes, schemes_known
from node.web.plain import plain_line
from node.web.views.entry import BroughtCard, BroughtView
from node.web.views.page import Empty

SAID_CHARACTERS_MAX: Final = 200


async def brought(context: Context) -> web.Response:
    """GET /desk/cheques"""
    return await _show(context)


async def _show(context: Context, no: int = 0, form: Filled = EMPTY, status: int = 200) -> web.Response:
    """Return the page; `form` is what was sent for the cheque `no`."""
    waiting = await context.read(context.node.cheques_abroad.waiting)
    schemes = await schemes_known(context)
    cards = tuple(
        _card(context, schemes, each, before, form if each.ask.no == no else EMPTY)
        for each, before in waiting
    )
    nothing = Empty(text=context.words.gettext("No cheque waits for a yes."))
    return context.show(BroughtView(cards=cards, empty=None if cards else nothing), status)


def _card(
    context: Context, schemes: Schemes, each: Brought, before: Before | None, form: Filled
) -> BroughtCard:
    _, voice, ask, payer = context.words.gettext, context.voice, each.ask, each.payer
    assert ask.cheque is not None
    other = None if ask.other_scheme is None else schemes.get(ask.other_scheme)
    scheme = _("another scheme") if other is None else other.name
    day = short_day(date.fromisoformat(ask.cheque.dated), context.words)
    named = {"number": ask.cheque.number, "day": day}
    said = {
        "name": f"{ask.their_name} ({scheme})", "got": ask_amount(ask, schemes, voice),
        "given": voice.spoken(ask.cheque.written), "what": ask.text, "day": voice.long_day(ask.until_ms),
        "payer": payer.name,
    }  # fmt: skip
    sentences = [
        _("%(payer)s gives at most %(given)s. %(name)s gets %(got)s: %(what)s.") % said,
        _("It came %(when)s and runs out on %(day)s.") % {**said, "when": voice.lately(ask.created_ms)},
    ]
    if before is not None:
        sentences.append(_("A cheque of this number is paid already. Ask both sides what happened."))
    mine = payer.no == context.member.no
    return BroughtCard(
        title=(_("Cheque %(number)s of %(day)s") if ask.cheque.number else _("Slip of %(day)s")) % named,
        name=payer.name,
        number=payer.number,
        href=f"/admin/members/{payer.no}",
        sentences=tuple(sentences),
        form=form,
        field=f"said{ask.no}",
        action="" if mine else f"/desk/cheques/{ask.no}",
        can_pay=before is None and payer.may_trade,
        own_href=f"/asks/{ask.no}" if mine else "",
    )


async def answered(context: Context) -> web.Response:
    """POST /desk/cheques/{no}: yes or no, with how it is known or why not."""
    no = context.number("no")
    field, do = f"said{no}", context.fields.get("do", "")
    said = plain_line(context.fields.get(field, ""), SAID_CHARACTERS_MAX)
    form = Filled({field: said})
    if do not in ("yes", "no"):
        raise NoSuchPage
    if not said:
        wanted = context.words.gettext("Please say how you know, or why not.")
        return await _show(context, no, form.with_error(field, wanted), 422)
    desk = context.node.cheques_abroad
    try:
        if do == "no":
            await desk.no(context.actor, no, said)
            return context.redirect("/desk/cheques", note="said-no")
        await desk.yes(context.actor, no, said)
    except LookupError:
        raise NoSuchPage from None
    except CannotAsk as why:
        if why.why is Why.UNREACHABLE:
            return context.redirect("/desk/cheques", note="cannot-write")
        return context.redirect("/desk/cheques", note="answered-before")
    except CannotPay as why:
        return await _show(context, no, form.with_error(field, _why_not(context, why.reason)), 422)
    return context.redirect("/desk/cheques", note="cheque-paid")


def _why_not(context: Context, why: NoPayment) -> str:
    _ = context.words.gettext
    match why:
        case NoPayment.TOO_LITTLE:
            return _("This would take them too far behind. Nothing moved.")
        case NoPayment.DEARER:
            return _("It would cost more now than is written. The rate has changed.")
        case NoPayment.WAITING:
            return _("Exactly this is on its way already.")
        case _:
            return _("It cannot be paid just now. Nothing moved. Try again later.")


ROUTES: Final[tuple[Route, ...]] = (
    get("/desk/cheques", brought, ORGANISER),
    post("/desk/cheques/{no}", answered, ORGANISER),
)
