"""What both kinds of recording a trade share: whom it is with, what was typed, and why it is stopped.

Trades within the scheme go on in `member_record.py`, those with other schemes in `member_pay.py`.
Source: docs/pages.md 8.6, 8.11.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from node.services.ask_rows import Ask, CannotAsk
from node.services.books import load
from node.services.members import Member, State, member_by_no, parse_number
from node.services.passkey_check import ANSWER_CHARACTERS_MAX
from node.services.passkeys import passkeys_of
from node.services.signed_books import SignedBook
from node.store import ReadTx
from node.web.amounts import Unit, Unreadable, parse_amount
from node.web.context import Context, NoSuchPage
from node.web.forms import Filled, Form, SpendForm, amount_sentence, line
from node.web.pages.listings import ShownListing, find_listing
from node.web.pages.schemes import schemes_known
from node.web.present import OtherScheme, Voice, before_and_after, first_name
from node.web.views.page import Link
from node.web.views.trade import Did, RecordCheckView, RecordStoppedView
from protocol.ledger import Account
from protocol.limits import AMOUNT_MAX
from protocol.names import Handle, ItemKey

TEXT_CHARACTERS_MAX = 120


class WhatForm(Form):
    """Step 2: what it was and how much, with whom from the steps before."""

    who: line(20)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    listing: line(100)  # type: ignore[valid-type]  # as above
    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    amount: line(40)  # type: ignore[valid-type]  # as above


class DoForm(SpendForm):
    """Step 3: exactly what the check page showed."""

    who: line(20)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    listing: line(100)  # type: ignore[valid-type]  # as above
    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    minor: line(20, 1)  # type: ignore[valid-type]  # as above
    ask: line(20)  # type: ignore[valid-type]  # as above
    gives: line(20)  # type: ignore[valid-type]  # as above
    offer: line(64)  # type: ignore[valid-type]  # as above
    answer: line(ANSWER_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above; of a passkey that signed it


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterpart:
    """Whom a trade is recorded with: a member of ours, whoever placed a neighbour's listing, or asks from abroad."""

    member: Member | None = None
    listing: ShownListing | None = None  # what it is about, if anything
    ask: Ask | None = None  # a request from abroad that it answers
    asker: OtherScheme | None = None  # whose member asks

    @property
    def name(self) -> str:
        """How the pages call them."""
        if self.member is not None:
            return self.member.name
        if self.ask is not None:
            return self.ask.their_name
        assert self.listing is not None
        return self.listing.owner_name

    @property
    def fields(self) -> dict[str, str]:
        """Return what names them in a form or an address."""
        named = {"who": self.member.number if self.member is not None else ""}
        if self.listing is not None:
            named["listing"] = self.listing.id
        if self.ask is not None:
            named["ask"] = str(self.ask.no)
        return {name: value for name, value in named.items() if value}

    @property
    def other(self) -> OtherScheme:
        """The scheme of somebody abroad."""
        other = self.asker if self.listing is None else self.listing.other
        assert other is not None, "somebody abroad is paid for a listing, or answers a request"
        return other

    @property
    def key(self) -> ItemKey | None:
        """The listing's key, as a price is asked for."""
        return None if self.listing is None else self.listing.key

    @property
    def handle(self) -> Handle | None:
        """How whoever asks is called, where no listing names them."""
        return None if self.ask is None else self.ask.their_handle

    @property
    def href(self) -> str:
        """Where the pages about paying came from."""
        if self.ask is not None:
            return f"/asks/{self.ask.no}"
        return "/home" if self.listing is None else f"/l/{self.listing.id}"

    def with_price(self, amount: int) -> Counterpart:
        """Return the same with the listing's price as it is now, though gossip has not brought it yet."""
        assert self.listing is not None
        price = replace(self.listing.content.price, amount=amount)
        return replace(
            self, listing=replace(self.listing, content=replace(self.listing.content, price=price))
        )


async def find_counterpart(context: Context, who: str, listing: str) -> Counterpart:
    """Return whom a form or an address names. Raises NoSuchPage."""
    if listing:
        shown = await find_listing(context, listing)
        if shown.owner is None and shown.other is None:
            raise NoSuchPage
        return Counterpart(member=shown.owner, listing=shown)
    no = parse_number(who)
    member = None if no is None else await context.read(member_by_no, no)
    if member is None or member.state is State.LEFT:
        raise NoSuchPage
    return Counterpart(member=member)


async def find_asker(context: Context, number: str) -> Counterpart | None:
    """Return who asks the reader from abroad, as somebody to pay; None if that request has ended. Raises NoSuchPage."""
    if not (number.isascii() and number.isdigit() and len(number) <= 12):
        raise NoSuchPage
    try:
        ask = await context.node.asks_abroad.ready_to_pay(int(number), context.member)
    except CannotAsk:
        return None
    except LookupError:
        raise NoSuchPage from None
    assert ask.other_scheme is not None
    asker = (await schemes_known(context)).get(ask.other_scheme)
    if asker is None:
        raise NoSuchPage
    return Counterpart(ask=ask, asker=asker)


def read_minor(text: str) -> int:
    """Return the whole amount a check page carried. Raises NoSuchPage: no page of ours did."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= AMOUNT_MAX):
        raise NoSuchPage
    return int(text)


def read_amount(context: Context, typed: str, unit: Unit, form: Filled) -> int | Filled:
    """Return the amount that was typed, or the form with what is wrong with it."""
    amount = parse_amount(typed, unit, most=AMOUNT_MAX)
    if isinstance(amount, Unreadable):
        return form.with_error("amount", amount_sentence(amount, typed, unit, AMOUNT_MAX, context.words))
    return amount


def back_to_what(counterpart: Counterpart, what: str, amount: str) -> str:
    """Return the address of step 3 with everything as it was typed; a request says all that by itself."""
    if counterpart.ask is not None:
        return counterpart.href
    return "/record/what?" + urlencode({**counterpart.fields, "what": what, "amount": amount})


# --- What is checked before it is done ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A trade within the scheme as its check page sends it on."""

    payee: Member
    what: str
    amount: int
    action: str
    hidden: tuple[tuple[str, str], ...]
    change_href: str
    again: str = ""  # a question, where it looks like something that was done before


def check_view(context: Context, check: Check, balance: int) -> RecordCheckView:
    """Return the page that shows what the reader, who has `balance`, would give a member of ours."""
    voice, after = context.voice, balance - check.amount
    given = voice.spoken(check.amount)
    return RecordCheckView(
        did="received",
        dated=today(voice),
        payer=context.member.name,
        payer_scheme=voice.scheme,
        payee=check.payee.name,
        payee_scheme=voice.scheme,
        what=check.what,
        payee_gets=given,
        payer_gives=given,
        payer_gives_short=voice.short(check.amount),
        mine_now=voice.spoken(balance),
        mine_after=voice.spoken(after),
        mine=before_and_after(balance, after, voice),
        button=context.words.gettext("Pay %(name)s") % {"name": first_name(check.payee.name)},
        action=check.action,
        hidden=check.hidden,
        once=context.once(),
        change_href=check.change_href,
        cancel_href="/home",
        again=check.again,
    )


async def sign_ask(context: Context) -> str:
    """Return where a browser asks what the payer's passkey is to sign; "" where there is none, or somebody acts for the payer."""
    if context.behalf is not None or not context.node.passkeys.possible:
        return ""
    return "/record/sign" if await context.read(passkeys_of, context.member.no) else ""


async def read_signature(context: Context, answer: str) -> SignedBook | None:
    """Return what the payer's passkey signed in this browser; None if it did not."""
    session = context.cookies.get(context.cookies.names.session)
    return await context.node.passkeys.signed(context.member, session, answer)


# --- Why it is stopped --------------------------------------------------------------------------------------


def own_account(tx: ReadTx, account_no: int) -> Account:
    """Return an account; a part of a page's read."""
    return load(tx, account_no).value


def ring(context: Context) -> str:
    """Return whom to turn to, in a sentence."""
    site, _ = context.scheme.site, context.words.gettext
    if site.help_phone:
        return _("Ring %(name)s on %(phone)s.") % {
            "name": site.help_name,
            "phone": site.help_phone,
        }
    return _("Ask %(name)s.") % {"name": site.help_name}


def too_far(context: Context, account: Account, amount: int, change_href: str) -> RecordStoppedView | None:
    """Return the page that says a trade would take its payer too far below zero, or None. Source: docs/pages.md 8.6."""
    over = amount - account.spendable
    if over <= 0:
        return None
    voice, _ = context.voice, context.words.gettext
    sentences = [
        _("You can go to %(limit)s behind. This would be %(after)s.")
        % {
            "limit": voice.spoken(account.credit_limit),
            "after": voice.spoken(amount + account.held - account.balance),
        }
    ]
    if account.held:
        sentences.append(
            _("%(amount)s of yours are set aside, for trades under way or as deposits.")
            % {"amount": voice.spoken(account.held)}
        )
    if over < amount:
        sentences.append(_("You could make it %(amount)s less.") % {"amount": voice.spoken(over)})
    return RecordStoppedView(
        title=_("This would take you too far behind"),
        sentences=(*sentences, ring(context)),
        action=Link(text=_("Change the amount"), href=change_href),
        other=Link(text=_("Back to Home"), href="/home"),
    )


def paused(context: Context) -> RecordStoppedView | None:
    """Return the page for a member who may not trade now, or None."""
    member, _ = context.member, context.words.gettext
    if member.may_trade:
        return None
    sentences = [_("Your membership is paused, so you cannot record trades now.")]
    if member.state_reason:
        sentences.append(_("The reason: %(reason)s") % {"reason": member.state_reason})
    return stopped(context, _("You are paused"), *sentences, ring(context))


def not_mine_to_write(context: Context, did: Did, payee: Member | None = None) -> RecordStoppedView | None:
    """Return the page for whoever `did` what others write down in this scheme, or None.

    `payee`: whom of the scheme somebody who received would pay; None before it is known.
    """
    who, _ = context.settings.who_records, context.words.gettext
    if who in ("both", did):
        return None
    if did == "gave":
        return stopped(
            context,
            _("Here whoever was helped writes it down"),
            _("That is what your scheme agreed on. Ask them to record it."),
            action=Link(text=_("My messages"), href="/messages"),
        )
    said = _("They ask you, and you say yes. Until then nothing moves.")
    if payee is not None:
        said = _("%(name)s asks you, and you say yes. Until then nothing moves.") % {
            "name": first_name(payee.name)
        }
    return stopped(
        context,
        _("Here whoever helped writes it down"),
        said,
        _("If they stand beside you, they can show you a code."),
        action=Link(text=_("My requests"), href="/asks"),
    )


def stopped(context: Context, title: str, *sentences: str, action: Link | None = None) -> RecordStoppedView:
    """Return a page that says why a trade goes no further, with one thing to do next."""
    _ = context.words.gettext
    home = Link(text=_("Back to Home"), href="/home")
    return RecordStoppedView(
        title=title, sentences=sentences, action=action or home, other=home if action else None
    )


def today(voice: Voice) -> str:
    """Return the day on the cheque."""
    return voice.long_day(voice.now_ms)
