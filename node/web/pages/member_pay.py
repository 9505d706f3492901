"""Paying somebody of another scheme, for a listing or on their request: a firm price on the check page, then the payment and the wait for its end.

The price is asked when the check page is built, and again when it is no longer firm: if it changed, the page
comes back with the new one. What a refusal says never tells whose limit it was. Source: docs/pages.md 0.2 to
0.6, 8.11.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.acts import clip
from node.services.ask_rows import Ask
from node.services.quotes import NoOffer, Offer
from node.services.settlement import CannotPay, NoPayment
from node.services.trades import trades_waiting
from node.store import ReadTx
from node.web.amounts import as_typed
from node.web.context import Context
from node.web.forms import once_key
from node.web.pages.recording import (
    Counterpart,
    DoForm,
    back_to_what,
    own_account,
    read_minor,
    ring,
    stopped,
    today,
    too_far,
)
from node.web.pages.schemes import schemes_known
from node.web.present import (
    OtherScheme,
    before_and_after,
    first_name,
    reference,
    refusal_words,
)
from node.web.rates import hours_words, rate_words, rounding_words
from node.web.views.page import Fact, Link
from node.web.views.trade import RecordCheckView, RecordStoppedView
from protocol.limits import QUOTE_TEXT_BYTES_MAX
from protocol.names import ItemKey, QuoteId

# Most purchases end within three seconds; after eight the page says that it is under way.
WAIT_S: Final = 8.0
# A price that goes stale between asking and paying is asked once more, then the member decides.
ATTEMPTS: Final = 2


async def check(
    context: Context, to: Counterpart, text: str, amount: int, *, gave_before: int | None = None, changed: str = "",
    once: str = "",
) -> web.Response:  # fmt: skip
    """Return the check page of a purchase of `amount` of the payee's units, or the page that says why not.

    `gave_before` is what an earlier check page said the member gives, `once` the key of the purchase if it has one.
    """
    waiting = await _waiting_alike(context, to, text, amount)
    if waiting is not None:
        return context.show(waiting)
    found = await ask(context, to, text, amount)
    if isinstance(found, NoOffer):
        return await _no_offer(context, to, text, amount, found, changed, once)
    if gave_before not in (None, found.amount):
        changed = _changed(context, gave_before or 0, found.amount)
    return context.show(await _check_view(context, to, text, found, changed, once))


async def ask(context: Context, to: Counterpart, text: str, amount: int) -> Offer | NoOffer:
    """Return a firm price for `amount` of the payee's units."""
    price = None if to.listing is None else to.listing.content.price
    seen = price.amount if price is not None and price.per in ("item", "hour", "day") else None
    return await context.node.quotes.ask_for(
        context.member, to.other.scheme, to.handle, amount, text, listing=to.key, price_seen=seen
    )


async def _no_offer(
    context: Context, to: Counterpart, text: str, amount: int, found: NoOffer, changed: str, once: str
) -> web.Response:
    """Return what to show instead of a check page; a changed price is asked once more with the new one."""
    other = to.other
    seen = None if to.listing is None else to.listing.content.price.amount
    if found.reason == "price-changed" and found.amount and not changed and seen and amount % seen == 0:
        voice = context.voice
        changed = context.words.gettext("The price was %(before)s. It is %(now)s now.") % {
            "before": voice.spoken(amount, other.unit),
            "now": voice.spoken(found.amount * (amount // seen), other.unit),
        }
        fresh = to.with_price(found.amount)
        return await check(context, fresh, text, found.amount * (amount // seen), changed=changed, once=once)
    _ = context.words.gettext
    sentence = refusal_words(found.reason, other.name, context.voice)
    said = {"name": first_name(to.name)}
    more = _("You can write to %(name)s, or try again later.") % said
    return context.show(stopped(context, sentence.rstrip("."), more, action=_back(context, to)))


def _back(context: Context, to: Counterpart) -> Link:
    _ = context.words.gettext
    return Link(
        text=_("Back to the request") if to.ask is not None else _("Back to the listing"), href=to.href
    )


def _changed(context: Context, before: int, now: int) -> str:
    voice = context.voice
    return context.words.gettext("You would have given %(before)s. The price now is %(now)s.") % {
        "before": voice.spoken(before),
        "now": voice.spoken(now),
    }


async def _check_view(
    context: Context, to: Counterpart, text: str, offer: Offer, changed: str, once: str
) -> RecordCheckView | RecordStoppedView:
    other, voice, quote = to.other, context.voice, offer.quote.body
    change = back_to_what(to, text, as_typed(quote.amount, other.unit, context.language))
    account = await context.read(own_account, context.member.account_no)
    if (stop := too_far(context, account, offer.amount, change)) is not None:
        return stop
    payee = offer.payee_name or to.name
    fields = {
        **to.fields,
        "what": text,
        "minor": str(quote.amount),
        "gives": str(offer.amount),
        "offer": offer.id.hex(),
    }
    after = account.balance - offer.amount
    return RecordCheckView(
        did="received",
        dated=today(voice),
        payer=context.member.name,
        payer_scheme=voice.scheme,
        payee=payee,
        payee_scheme=other.name,
        what=text,
        payee_gets=voice.spoken(quote.amount, other.unit),
        payer_gives=voice.spoken(offer.amount),
        payer_gives_short=voice.short(offer.amount),
        mine_now=voice.spoken(account.balance),
        mine_after=voice.spoken(after),
        mine=before_and_after(account.balance, after, voice),
        button=context.words.gettext("Pay %(name)s") % {"name": first_name(payee)},
        action="/record/do",
        hidden=tuple(fields.items()),
        once=once or context.once(),
        change_href=change,
        cancel_href=to.href,
        more=await _more(context, offer, other),
        changed=changed,
    )


async def _more(context: Context, offer: Offer, other: OtherScheme) -> tuple[Fact, ...]:
    """Return what the check page says under "More": the rate, what schemes then owe each other, rounding."""
    voice, _ = context.voice, context.words.gettext
    own_rate = context.node.settings.rate().minor_per_hour
    next_scheme = (await schemes_known(context)).get(offer.route[1])
    owed = {
        "scheme": voice.scheme,
        "other": next_scheme.name if next_scheme is not None else _("a neighbouring scheme"),
        "time": hours_words(offer.quote.body.hours, voice),
    }
    facts = [
        Fact(label=_("Their price in ours"), text=rate_words(other, own_rate, voice)),
        Fact(
            label=_("Between the schemes"),
            text=_("%(scheme)s then owes %(other)s %(time)s more.") % owed,
        ),
        Fact(
            label=_("Rounding"),
            text=rounding_words(offer.quote.body.hours, offer.amount, own_rate, voice),
        ),
    ]
    return tuple(fact for fact in facts if fact.text)


# --- Paying -------------------------------------------------------------------------------------------------


async def pay(context: Context, to: Counterpart, form: DoForm) -> web.Response:
    """Set the amount aside, wait a moment, and show what became of it."""
    amount, gives = read_minor(form.minor), read_minor(form.gives)
    waiting = await _waiting_alike(context, to, form.what, amount)
    if waiting is not None:
        return context.show(waiting)
    offer = await _shown_offer(context, to, form, amount)
    for _attempt in range(ATTEMPTS):
        if offer is None:
            found = await ask(context, to, form.what, amount)
            if isinstance(found, NoOffer):
                return await _no_offer(context, to, form.what, amount, found, "", form.once)
            offer = found
        if offer.amount != gives:
            return context.show(
                await _check_view(
                    context, to, form.what, offer, _changed(context, gives, offer.amount), form.once
                )
            )
        try:
            payment = await context.node.settlement.pay(
                offer,
                account_no=context.member.account_no,
                entered_by=context.member.name,
                # A request has a key of its own: whichever page or device answers it, it is paid once.
                once=once_key(form.once) if to.ask is None else _answer_once(to.ask),
            )
        except CannotPay as no:
            if no.reason is NoPayment.STALE:
                offer = None
                continue
            return context.show(await _cannot_pay(context, to, form.what, offer, no.reason))
        payment = await context.node.settlement.wait(payment.no, WAIT_S)
        trade = await context.node.trades.by_no(payment.trade_no)
        return context.redirect(f"/t/{reference(trade)}/check")
    return await check(context, to, form.what, amount, gave_before=gives, once=form.once)


def _answer_once(ask: Ask) -> bytes:
    assert ask.answer_once is not None, "requests from abroad have one from the start"
    return ask.answer_once


async def _shown_offer(context: Context, to: Counterpart, form: DoForm, amount: int) -> Offer | None:
    """Return the offer the check page showed, if it is still firm, this member's, and for the same thing."""
    other = to.other
    try:
        offer = context.node.settlement.offer(QuoteId(bytes.fromhex(form.offer)))
    except ValueError:
        return None
    if offer is None:
        return None
    request, quote = offer.request, offer.quote.body
    handle = await context.node.quotes.handle_of(other.scheme, context.member.account_no)
    named = (request.listing, request.payee_handle)
    shown = (quote.payee_scheme, named, quote.amount, request.text, request.payer_handle)
    asked = (other.scheme, (to.key, to.handle), amount, clip(form.what, QUOTE_TEXT_BYTES_MAX), handle)
    return offer if shown == asked else None


async def _cannot_pay(
    context: Context, to: Counterpart, text: str, offer: Offer, reason: NoPayment
) -> RecordStoppedView:
    """Return the page that says why the payment was not begun."""
    other = to.other
    _ = context.words.gettext
    match reason:
        case NoPayment.WAITING:
            return already_waiting(context, "/home")
        case NoPayment.TOO_LITTLE:
            change = back_to_what(to, text, as_typed(offer.quote.body.amount, other.unit, context.language))
            account = await context.read(own_account, context.member.account_no)
            stop = too_far(context, account, offer.amount, change)
            if stop is not None:
                return stop
            return stopped(context, _("This cannot be recorded now"), ring(context))
        case NoPayment.CLOSED:
            return stopped(
                context, _("This cannot be recorded now"), _("Your account is closed."), ring(context)
            )
        case _:
            sentence = refusal_words("cannot-now", other.name, context.voice)
            again = _("Try again later.")
            return stopped(context, sentence.rstrip("."), again, action=_back(context, to))


async def _waiting_alike(
    context: Context, to: Counterpart, text: str, amount: int
) -> RecordStoppedView | None:
    """Return the page that stops a second purchase of the same thing while the first is under way."""
    said = (to.other.scheme, to.key, amount, clip(text, QUOTE_TEXT_BYTES_MAX))
    found = await context.read(_find_waiting, context.member.account_no, said)
    return None if found is None else already_waiting(context, f"/t/{found}/check")


def _find_waiting(tx: ReadTx, account_no: int, said: tuple[bytes, ItemKey | None, int, str]) -> str | None:
    for trade in trades_waiting(tx, account_no):
        if (trade.other_scheme, trade.listing, trade.other_amount, trade.text) == said:
            return reference(trade)
        # What a restore gave back has lost its words, and who entered it.
        if not trade.entered_by and (trade.other_scheme, trade.listing, trade.other_amount) == said[:3]:
            return reference(trade)
        # While one is late, other words or another amount do not make it another thing.
        if trade.late and trade.listing is not None and (trade.other_scheme, trade.listing) == said[:2]:
            return reference(trade)
    return None


def already_waiting(context: Context, href: str) -> RecordStoppedView:
    """Return the page that says the same is under way."""
    _ = context.words.gettext
    return stopped(
        context,
        _("You already have one waiting for the same thing"),
        _("It will be finished or undone by itself. Do not pay again."),
        action=Link(text=_("See how it stands"), href=href),
    )
