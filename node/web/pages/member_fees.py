"""A member's fees: what the rules are, what went, what has not gone yet; and giving to the chest. Source: docs/protocol.md 3.8; docs/pages.md 7.2."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.books import Refused
from node.services.fee_rows import Charge, Rule, charges_of, rule_by_no, rules_running
from node.services.trades import trade_by_no
from node.store import ReadTx
from node.web.context import MEMBER, Context, get, post
from node.web.forms import EMPTY, Filled, SpendForm, line, once_key
from node.web.pages.fee_words import base_words, charge_note, charge_pill, day_words, fee_row
from node.web.pages.recording import TEXT_CHARACTERS_MAX, own_account, paused, read_amount, ring, too_far
from node.web.present import reference
from node.web.views.chest import ChargeRow, MyFeesView

PATH: Final = "/my/fees"


class GiveForm(SpendForm):
    """A gift to the chest."""

    amount: line(40)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    what: line(TEXT_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above


async def fees(context: Context) -> web.Response:
    """GET /my/fees"""
    return context.show(await _view(context))


def _read(tx: ReadTx, account_no: int) -> tuple[list[Rule], list[tuple[Charge, Rule, str]]]:
    charges = []
    for charge in charges_of(tx, account_no):
        rule = rule_by_no(tx, charge.rule_no)
        assert rule is not None, "charges are never without their rule"
        href = "" if charge.trade_no is None else f"/t/{reference(trade_by_no(tx, charge.trade_no))}"
        charges.append((charge, rule, href))
    return rules_running(tx), charges


async def _view(context: Context, form: Filled = EMPTY) -> MyFeesView:
    rules, charges = await context.read(_read, context.member.account_no)
    voice = context.voice
    return MyFeesView(
        fees=tuple(fee_row(context, each, "") for each in rules),
        charges=tuple(
            ChargeRow(
                href=href,
                who="",
                text=f"{rule.text}, {day_words(charge.day, voice)}",
                amount=voice.spoken(charge.amount),
                note=" · ".join(
                    each
                    for each in (base_words(charge.base, rule, voice), charge_note(charge, voice))
                    if each
                ),
                state=charge_pill(charge, voice),
            )
            for charge, rule, href in charges
        ),
        ring=ring(context),
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        form=form,
        once=context.once(),
    )


async def give(context: Context) -> web.Response:
    """POST /my/fees/give: it goes at once, like any trade, and once."""
    form = context.form(GiveForm)
    if isinstance(form, Filled):
        return context.show(await _view(context, form), 422)
    if (stop := paused(context)) is not None:
        return context.show(stop)
    amount = read_amount(context, form.amount, context.unit, Filled(form.model_dump()))
    if isinstance(amount, Filled):
        return context.show(await _view(context, amount), 422)
    text = form.what or context.words.gettext("Gift to the community chest")
    try:
        trade = await context.node.chest.give(context.member, amount, text, context.hand, once_key(form.once))
    except Refused:
        account = await context.read(own_account, context.member.account_no)
        stop = too_far(context, account, amount, PATH)
        if stop is None:
            raise
        return context.show(stop, 422)
    return context.redirect(f"/t/{reference(trade)}/check")


ROUTES: Final = (
    get(PATH, fees, MEMBER),
    post(PATH + "/give", give, MEMBER),
)
