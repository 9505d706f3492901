"""Recording a trade: who helped, what and how much, check, done. Four pages at most.

A trade with a member of ours ends here; one with a neighbour's listing goes on in `member_pay.py` from the check
page on. Nothing moves before the last form. Source: docs/pages.md 6.5, 8.6.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from aiohttp import web

from node.services.books import Refused, load
from node.services.members import Member, member_by_account
from node.services.signed_books import NotWhatWasSigned
from node.services.trades import NewTrade, Trade, newest_trades
from node.store import ReadTx
from node.web.amounts import as_typed
from node.web.context import MEMBER, Context, NoSuchPage, NotForOthers, get, post
from node.web.forms import Filled, once_key
from node.web.listing_names import listing_id
from node.web.pages import member_pay
from node.web.pages.choosing import TRADES_LOOKED_AT, who_view
from node.web.pages.member import members_of
from node.web.pages.member_trade import find_mine
from node.web.pages.recording import (
    Check,
    Counterpart,
    DoForm,
    WhatForm,
    back_to_what,
    check_view,
    find_asker,
    find_counterpart,
    not_mine_to_write,
    paused,
    read_amount,
    read_minor,
    read_signature,
    ring,
    sign_ask,
    stopped,
    too_far,
)
from node.web.pages.schemes import Schemes, read_schemes
from node.web.present import first_name, party_of, reference
from node.web.rates import rate_words
from node.web.views.page import Link
from node.web.views.trade import (
    RecordStoppedView,
    RecordWhatView,
)
from protocol.ledger import Account, Refusal

LAST_SHOWN: Final = 3


# --- 1: with whom -------------------------------------------------------------------------------------------


async def who(context: Context) -> web.Response:
    """GET /record?q&with"""
    if (stop := paused(context) or not_mine_to_write(context, "received")) is not None:
        return context.show(stop)
    last = () if context.query("q") else await _last(context)
    return context.show(await who_view(context, "received", "/record", last))


async def _last(context: Context) -> tuple[Link, ...]:
    """Return my last payments, to do once more."""
    trades, members, schemes = await context.read(_lately, context.member.account_no, context.now_ms)
    voice, last = context.voice, []
    for trade in trades:
        if trade.payer_no != context.member.account_no or trade.state == "undone" or trade.corrects_no:
            continue
        if trade.kind == "out" and trade.listing is None:
            continue  # there is no address for paying a person of another scheme without a listing
        party = party_of(trade, context.member.account_no, members, schemes, voice)
        amount = voice.spoken(trade.amount)
        text = context.words.gettext("%(name)s, %(what)s, %(amount)s") % {
            "name": f"{party.name} ({party.badge})" if party.badge else party.name,
            "what": trade.text,
            "amount": amount,
        }
        last.append(Link(text=text, href=f"/record/what?again={reference(trade)}"))
    return tuple(last[:LAST_SHOWN])


def _lately(tx: ReadTx, account_no: int, now_ms: int) -> tuple[list[Trade], dict[int, Member], Schemes]:
    trades = newest_trades(tx, account_no, TRADES_LOOKED_AT)
    return trades, members_of(tx, trades), read_schemes(tx, now_ms)


# --- 2: what, and how much ----------------------------------------------------------------------------------


async def what(context: Context) -> web.Response:
    """GET /record/what?who or listing or again"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    if context.query("again"):
        return await _again(context)
    if not context.query("who") and not context.query("listing"):
        return context.redirect("/record")
    counterpart = await find_counterpart(context, context.query("who"), context.query("listing"))
    if (stop := _not_mine(context, counterpart)) is not None:
        return context.show(stop)
    typed = {"what": context.query("what"), "amount": context.query("amount")}
    if counterpart.listing is not None and not any(typed.values()):
        typed = _from_listing(context, counterpart)
    return context.show(_what_view(context, counterpart, Filled(typed)))


def _not_mine(context: Context, counterpart: Counterpart) -> RecordStoppedView | None:
    """Return why it is not for the reader to record a trade with this person; with other schemes whoever pays records."""
    member = counterpart.member
    return None if member is None else not_mine_to_write(context, "received", member)


def _from_listing(context: Context, counterpart: Counterpart) -> dict[str, str]:
    assert counterpart.listing is not None
    price, unit = counterpart.listing.content.price, counterpart.listing.unit(context)
    amount = as_typed(price.amount, unit, context.language) if price.amount else ""
    return {"what": counterpart.listing.content.title, "amount": amount}


async def _again(context: Context) -> web.Response:
    """Begin a trade like an earlier one of mine."""
    trade = await find_mine(context, context.query("again"))
    if trade.other_scheme is not None:
        if trade.listing is None or trade.kind != "out":
            raise NoSuchPage
        counterpart = await find_counterpart(context, "", listing_id(trade.listing, trade.other_scheme))
        assert counterpart.listing is not None
        amount, unit = trade.other_amount or 0, counterpart.listing.unit(context)
    else:
        payee = None if trade.payee_no is None else await context.read(member_by_account, trade.payee_no)
        if payee is None:
            raise NoSuchPage
        counterpart = Counterpart(member=payee)
        amount, unit = trade.amount, context.unit
    typed = as_typed(amount, unit, context.language) if amount else ""
    return context.redirect(back_to_what(counterpart, trade.text, typed))


def _what_view(context: Context, counterpart: Counterpart, form: Filled) -> RecordWhatView:
    listing, voice = counterpart.listing, context.voice
    unit = context.unit if listing is None else listing.unit(context)
    other = None if listing is None else listing.other
    return RecordWhatView(
        did="received",
        name=first_name(counterpart.name),
        badge="" if other is None else other.name,
        form=form,
        hidden=tuple(counterpart.fields.items()),
        unit_name=voice.unit_name(unit),
        amount_hint=voice.amount_hint(unit),
        rate_note=""
        if other is None
        else rate_words(other, context.node.settings.rate().minor_per_hour, voice),
        change_who_href="/record",
    )


async def what_sent(context: Context) -> web.Response:
    """POST /record/what: the check page, or this page again."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(WhatForm)
    counterpart = await find_counterpart(
        context, context.fields.get("who", ""), context.fields.get("listing", "")
    )
    if isinstance(form, Filled):
        return context.show(_what_view(context, counterpart, form), 422)
    unit = context.unit if counterpart.listing is None else counterpart.listing.unit(context)
    filled = Filled({"what": form.what, "amount": form.amount})
    amount = read_amount(context, form.amount, unit, filled)
    if isinstance(amount, Filled):
        return context.show(_what_view(context, counterpart, amount), 422)
    if counterpart.member is None:
        return await member_pay.check(context, counterpart, form.what, amount)
    return await check(context, counterpart, form.what, amount)


# --- 3: check, and done -------------------------------------------------------------------------------------


async def check(
    context: Context, counterpart: Counterpart, text: str, amount: int, *, once: str = "", said: str = ""
) -> web.Response:
    """Return the check page of a trade with a member of ours; `once` is its key where it has one already, `said` a sentence above it."""
    payee = counterpart.member
    assert payee is not None
    if (stop := _not_mine(context, counterpart)) is not None:
        return context.show(stop)
    change = back_to_what(counterpart, text, as_typed(amount, context.unit, context.language))
    mine, theirs = await context.read(_accounts, context.member.account_no, payee.account_no)
    stop = _obstacle(context, payee, mine, theirs, amount, change)
    if stop is not None:
        return context.show(stop)
    lately = await context.node.trades.recorded_lately(
        context.member.account_no, payee.account_no, amount, text
    )
    _ = context.words.gettext
    about = Check(
        payee=payee,
        what=text,
        amount=amount,
        action="/record/do",
        hidden=tuple({**counterpart.fields, "what": text, "minor": str(amount)}.items()),
        change_href=change,
        again=_("You recorded exactly this within the last ten minutes. Again?") if lately else "",
    )
    view = replace(check_view(context, about, mine.balance), sign_ask=await sign_ask(context), changed=said)
    return context.show(replace(view, once=once) if once else view)


def _accounts(tx: ReadTx, payer_no: int, payee_no: int) -> tuple[Account, Account]:
    return load(tx, payer_no).value, load(tx, payee_no).value


def _obstacle(
    context: Context, payee: Member, mine: Account, theirs: Account, amount: int, change_href: str
) -> RecordStoppedView | None:
    """Return the page that says why this cannot be recorded, or None."""
    _ = context.words.gettext
    if payee.no == context.member.no:
        return stopped(
            context,
            _("This is you"),
            _("A trade needs two people."),
            action=Link(text=_("Choose somebody else"), href="/record"),
        )
    if not payee.may_trade:
        said = {"name": payee.name}
        return stopped(
            context,
            _("%(name)s cannot trade now") % said,
            _("Nothing can be recorded just now."),
            ring(context),
        )
    if (stop := too_far(context, mine, amount, change_href)) is not None:
        return stop
    if theirs.room is not None and theirs.room < amount:
        said = {"name": first_name(payee.name)}
        return stopped(
            context,
            _("%(name)s cannot take that much now") % said,
            _("Every member may go only so far above zero, so that units keep moving."),
            _("Talk to %(name)s, or record a smaller amount.") % said,
            ring(context),
            action=Link(text=_("Change the amount"), href=change_href),
        )
    return None


async def do(context: Context) -> web.Response:
    """POST /record/do: record it; the same form sent twice records once."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(DoForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    known = await context.node.trades.by_once(once_key(form.once))
    if known is not None:
        return context.redirect(f"/t/{reference(known)}/check")
    counterpart = await _counterpart_of(context, form)
    if counterpart is None:
        return context.redirect(f"/asks/{form.ask}", note="answered-before")
    if (stop := _not_mine(context, counterpart)) is not None:
        return context.show(stop)
    amount = read_minor(form.minor)
    payee = counterpart.member
    if payee is None:
        if context.behalf is not None:
            raise NotForOthers  # what other schemes are paid goes by the member's own hand
        return await member_pay.pay(context, counterpart, form)
    change = back_to_what(counterpart, form.what, as_typed(amount, context.unit, context.language))
    mine, theirs = await context.read(_accounts, context.member.account_no, payee.account_no)
    stop = _obstacle(context, payee, mine, theirs, amount, change)
    if stop is not None:
        return context.show(stop)
    hand, behalf = context.hand, context.behalf
    signed = None if behalf is not None or not form.answer else await read_signature(context, form.answer)
    if form.answer and signed is None:
        said = context.words.gettext("Your passkey did not work here. Nothing has moved.")
        return await check(context, counterpart, form.what, amount, once=form.once, said=said)
    try:
        trade = await context.node.trades.record(
            NewTrade(
                payer_no=context.member.account_no,
                payee_no=payee.account_no,
                amount=amount,
                text=form.what,
                entered_by=hand.entered_by,
                proved_by=hand.proved_by if signed is None else "passkey",
                on_behalf_of=hand.on_behalf_of,
                reason=hand.reason,
                signed=signed,
                once=once_key(form.once),
                payer_name=context.member.name,
                payee_name=payee.name,
                listing=None if counterpart.listing is None else counterpart.listing.key,
            ),
            also=None if behalf is None else context.node.acting.of_trade(behalf, payee.name),
        )
    except NotWhatWasSigned:
        raise NoSuchPage from None  # no check page of ours had that signed
    except Refused as refused:
        return context.show(await _refused(context, refused.reason, counterpart, amount, change))
    return context.redirect(f"/t/{reference(trade)}/check")


async def _counterpart_of(context: Context, form: DoForm) -> Counterpart | None:
    """Return whom the check page was about; None for a request that has ended. Raises NoSuchPage."""
    if not form.ask:
        return await find_counterpart(context, form.who, form.listing)
    counterpart = await find_asker(context, form.ask)
    ask = None if counterpart is None else counterpart.ask
    if ask is not None and (str(ask.amount), ask.text) != (form.minor, form.what):
        raise NoSuchPage  # no check page of ours said that of this request
    return counterpart


async def _refused(
    context: Context, reason: Refusal, counterpart: Counterpart, amount: int, change_href: str
) -> RecordStoppedView:
    """Return the page for what the ledger refused although the page before it saw no obstacle."""
    assert counterpart.member is not None
    mine, theirs = await context.read(_accounts, context.member.account_no, counterpart.member.account_no)
    stop = _obstacle(context, counterpart.member, mine, theirs, amount, change_href)
    if stop is not None:
        return stop
    _ = context.words.gettext
    title = _("This cannot be recorded now")
    if reason in (Refusal.PAYER_CLOSED, Refusal.PAYEE_CLOSED):
        return stopped(context, title, _("One of the two accounts is closed."), ring(context))
    return stopped(context, title, ring(context))


# --- signed by a passkey ------------------------------------------------------------------------------------


async def ask_signature(context: Context) -> web.Response:
    """POST /record/sign: what the browser's question needs, for our script; the form is the one that records."""
    form = context.form(DoForm)
    if isinstance(form, Filled) or paused(context) is not None:
        return web.json_response({}, status=409)
    counterpart = await _counterpart_of(context, form)
    if counterpart is None or counterpart.member is None:
        return web.json_response({}, status=409)
    payer_no, payee_no = context.member.account_no, counterpart.member.account_no
    if payer_no == payee_no:
        return web.json_response({}, status=409)
    amount, session = read_minor(form.minor), context.cookies.get(context.cookies.names.session)
    book = await context.read(context.node.books.to_sign, ((payer_no, -amount), (payee_no, amount)))
    options = await context.node.passkeys.ask_trade(context.member, session, book)
    if options is None:
        return web.json_response({}, status=409)
    return web.json_response(options, headers={"Cache-Control": "no-store"})


ROUTES: Final = (
    get("/record", who, MEMBER, for_others=True),
    get("/record/what", what, MEMBER, for_others=True),
    post("/record/what", what_sent, MEMBER, for_others=True),
    post("/record/do", do, MEMBER, for_others=True),
    post("/record/sign", ask_signature, MEMBER),
)
