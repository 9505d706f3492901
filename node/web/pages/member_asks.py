"""Requests for payment: the list of mine, and one of them: yes, no, remind, take back.

A request opens only for its two parties; for everybody else there is no such page. Nothing moves by opening one.
Source: docs/pages.md 0.8, 0.10, 4, 8.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.accounts import load
from node.services.acting import Did
from node.services.ask_silence_rows import SILENT, TOO_FAR
from node.services.asks import Ask, CannotAsk, Kind, Reason, Why, asks_of, find_ask
from node.services.books import Refused
from node.services.members import Member, member_by_account
from node.services.threads import messages_of
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.web.amounts import as_typed
from node.web.context import MEMBER, Context, NoSuchPage, NotForOthers, get, post
from node.web.dates import short_day
from node.web.forms import EMPTY, Filled, Form, line
from node.web.pages import member_pay
from node.web.pages.ask_words import (
    ask_amount,
    ask_pill,
    ask_title,
    reason_sentence,
    reason_words,
    silence_sentences,
    waiting_sentences,
)
from node.web.pages.recording import find_asker, own_account, paused, ring, stopped, too_far
from node.web.pages.schemes import schemes_known
from node.web.present import before_and_after, first_name, reference
from node.web.views.page import Fact, Link
from node.web.views.trade import AskRow, AsksView, AskView, RecordStoppedView
from protocol.asking import AskState
from protocol.ledger import Account
from protocol.letter import EXPIRED, NOBODY, NOT_UNDERSTOOD, TOO_MANY
from protocol.limits import ASK_REASON_CHARACTERS_MAX, ASK_REMINDED_EVERY_MS


class NoForm(Form):
    """Why not."""

    reason: line(20)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    said: line(ASK_REASON_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above


@dataclass(frozen=True, slots=True)
class Shown:
    """A request with who is on the other side of it, of one moment."""

    ask: Ask
    other: Member | None  # None: somebody abroad
    trade: Trade | None
    account: Account  # the reader's
    undelivered: str = ""  # what the other scheme answered to the letter, where it did not take it

    def is_mine(self, context: Context) -> bool:
        """Whether the reader asked; otherwise they are asked."""
        return self.ask.payee_no == context.member.account_no

    @property
    def name(self) -> str:
        """How the other side is called."""
        return self.ask.their_name if self.other is None else self.other.name or self.other.number


def _read(tx: ReadTx, no: int, account_no: int) -> Shown | None:
    ask = find_ask(tx, no, account_no)
    if ask is None:
        return None
    other_no = ask.payer_no if ask.payee_no == account_no else ask.payee_no
    return Shown(
        ask,
        None if other_no is None else member_by_account(tx, other_no),
        None if ask.trade_no is None else trade_by_no(tx, ask.trade_no),
        load(tx, account_no).value,
        "" if ask.kind is not Kind.OUT else _letter_refused(tx, ask),
    )


def _letter_refused(tx: ReadTx, ask: Ask) -> str:
    """Return how the other scheme refused the letter with a request of ours; "" if it did not."""
    sent = [] if ask.thread_no is None else messages_of(tx, ask.thread_no)
    states = [each.state for each in sent if each.mine and each.reference == ask.id]
    return next((state for state in states if state in (NOBODY, EXPIRED, TOO_MANY, NOT_UNDERSTOOD)), "")


async def _find(context: Context) -> Shown:
    shown = await context.read(_read, context.number("number"), context.member.account_no)
    if shown is None:
        raise NoSuchPage
    return shown


# --- the list -----------------------------------------------------------------------------------------------


async def asks(context: Context) -> web.Response:
    """GET /asks"""
    account_no = context.member.account_no
    (to_me, by_me), members = await context.read(_read_all, account_no)
    schemes, voice = await schemes_known(context), context.voice

    def row(ask: Ask, mine: bool) -> AskRow:
        other = members.get((ask.payer_no if mine else ask.payee_no) or 0)
        name = ask.their_name if other is None else other.name or other.number
        amount = ask_amount(ask, schemes, voice)
        return AskRow(
            href=f"/asks/{ask.no}",
            text=ask_title(name, mine=mine, amount=amount, voice=voice),
            what=ask.text,
            when=voice.lately(ask.created_ms),
            state=ask_pill(ask, context.now_ms, voice),
        )

    return context.show(
        AsksView(
            to_me=tuple(row(each, False) for each in to_me), by_me=tuple(row(each, True) for each in by_me)
        )
    )


def _read_all(tx: ReadTx, account_no: int) -> tuple[tuple[list[Ask], list[Ask]], dict[int, Member]]:
    to_me, by_me = asks_of(tx, account_no)
    numbers = {no for each in (*to_me, *by_me) for no in (each.payer_no, each.payee_no) if no is not None}
    found = {no: member_by_account(tx, no) for no in numbers}
    return (to_me, by_me), {no: member for no, member in found.items() if member is not None}


# --- one ----------------------------------------------------------------------------------------------------


async def ask_page(context: Context) -> web.Response:
    """GET /asks/{number}"""
    return context.show(await _view(context, await _find(context)))


async def _view(context: Context, shown: Shown, form: Filled = EMPTY) -> AskView:
    ask, voice, schemes = shown.ask, context.voice, await schemes_known(context)
    _, mine = context.words.gettext, shown.is_mine(context)
    stands, here = ask.stands(context.now_ms), f"/asks/{ask.no}"
    amount = ask_amount(ask, schemes, voice)
    other = None if ask.other_scheme is None else schemes.get(ask.other_scheme)
    waits = stands is AskState.ASKED and not ask.under_way
    may_answer = waits and not mine and context.member.may_trade
    after = shown.account.balance - ask.amount
    can_remind = shown.other is not None and context.now_ms - ask.reminded_ms >= ASK_REMINDED_EVERY_MS
    return AskView(
        title=ask_title(shown.name, mine=mine, amount=amount, voice=voice),
        badge="" if other is None else other.name,
        state=ask_pill(ask, context.now_ms, voice),
        sentences=_sentences(context, shown, stands),
        facts=_facts(context, shown, amount),
        balances=before_and_after(shown.account.balance, after, voice) if ask.kind is Kind.LOCAL else "",
        yes_action=f"{here}/yes" if may_answer else "",
        yes_text=_yes_text(context, shown),
        no_action=f"{here}/no" if may_answer else "",
        no_form=form,
        remind_action=f"{here}/remind" if waits and mine and can_remind else "",
        withdraw_action=f"{here}/withdraw" if waits and mine else "",
        trade=_trade_link(context, shown),
        again_href=_again_href(context, shown) if mine and stands is AskState.LAPSED else "",
        message_href=_message_href(shown),
    )


def _yes_text(context: Context, shown: Shown) -> str:
    """Return what the button says: across schemes the price comes first, on a check page of its own."""
    _ = context.words.gettext
    if shown.ask.kind is Kind.IN:
        return _("Yes, see what I give")
    return _("Yes, pay %(name)s") % {"name": first_name(shown.name)}


def _sentences(context: Context, shown: Shown, stands: AskState) -> tuple[str, ...]:
    _, ask, mine = context.words.gettext, shown.ask, shown.is_mine(context)
    said = {"name": first_name(shown.name), "day": context.voice.long_day(ask.until_ms)}
    if ask.under_way:
        return (_("The payment is under way. You need do nothing."),)
    match stands:
        case AskState.ASKED if mine and shown.undelivered:
            return (_("It could not be delivered. Nothing has moved."), _undelivered(context, shown))
        case AskState.ASKED:
            sentences = waiting_sentences(ask, said["name"], context.voice, mine=mine)
            return sentences if mine or context.member.may_trade else (*sentences, ring(context))
        case AskState.PAID if ask.reason == SILENT:
            return silence_sentences(first_name(shown.name), context.voice, mine=mine)
        case AskState.PAID:
            return (_("It is paid."),)
        case AskState.DECLINED:
            why = reason_words(ask, context.voice)
            told = _("You said no.") if not mine else _("%(name)s said no.") % said
            return tuple(each for each in (told, why, _("Nothing moved.")) if each)
        case AskState.WITHDRAWN:
            return (
                _("You took it back. Nothing moved.")
                if mine
                else _("%(name)s took it back. Nothing moved.") % said,
            )
        case AskState.LAPSED if ask.reason == TOO_FAR and not mine:
            return (_("You did not answer, and it is more than can go now. Nothing moved."),)
        case AskState.LAPSED:
            return (_("Nobody answered in time. Nothing moved."),)


def _undelivered(context: Context, shown: Shown) -> str:
    _ = context.words.gettext
    if shown.undelivered == TOO_MANY:
        return _("Their scheme takes no requests from other schemes now.")
    return _("You can take it back, or write to them.")


def _facts(context: Context, shown: Shown, amount: str) -> tuple[Fact, ...]:
    _, ask, voice = context.words.gettext, shown.ask, context.voice
    facts = [
        Fact(label=_("For"), text=ask.text),
        Fact(label=_("How much"), text=amount),
        Fact(label=_("Asked"), text=voice.moment(ask.created_ms)),
    ]
    if ask.cheque is not None:
        day = short_day(date.fromisoformat(ask.cheque.dated), context.words)
        paper = _("Cheque %(number)s of %(day)s") if ask.cheque.number else _("Slip of %(day)s")
        facts.append(Fact(label=_("From"), text=paper % {"number": ask.cheque.number, "day": day}))
        if ask.kind is Kind.IN:
            facts.append(Fact(label=_("Written on it"), text=voice.spoken(ask.cheque.written)))
    if ask.ended_ms is not None:
        facts.append(Fact(label=_("Answered"), text=voice.moment(ask.ended_ms)))
    return tuple(facts)


def _trade_link(context: Context, shown: Shown) -> Link | None:
    if shown.trade is None or not shown.trade.concerns(context.member.account_no):
        return None
    return Link(text=context.words.gettext("See the trade"), href=f"/t/{reference(shown.trade)}")


def _again_href(context: Context, shown: Shown) -> str:
    """Return where to ask the same once more."""
    if shown.other is None:
        return ""
    typed = as_typed(shown.ask.amount, context.unit, context.language)
    return "/ask/what?" + urlencode({"who": shown.other.number, "what": shown.ask.text, "amount": typed})


def _message_href(shown: Shown) -> str:
    if shown.other is not None:
        return f"/messages/new?to={shown.other.number}"
    return "" if shown.ask.thread_no is None else f"/messages/{shown.ask.thread_no}"


# --- answers ------------------------------------------------------------------------------------------------


async def yes(context: Context) -> web.Response:
    """POST /asks/{number}/yes: pay it; said twice, or on two devices, it is paid once."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    shown = await _find(context)
    if shown.is_mine(context):
        raise NoSuchPage
    if shown.ask.kind is Kind.IN:
        if context.behalf is not None:
            raise NotForOthers  # what other schemes are paid goes by the member's own hand
        return await _price(context, shown)
    if shown.other is None:
        raise NoSuchPage
    if not shown.other.may_trade:
        said = {"name": shown.name}
        return context.show(
            stopped(context, context.words.gettext("%(name)s cannot trade now") % said, ring(context))
        )
    behalf = context.behalf
    try:
        trade = await context.node.asks.pay(
            shown.ask.no,
            context.member,
            shown.other,
            hand=context.hand,
            also=None if behalf is None else context.node.acting.of_trade(behalf, shown.other.name),
        )
    except CannotAsk:
        return context.redirect(f"/asks/{shown.ask.no}", note="answered-before")
    except Refused:
        return context.show(await _refused(context, shown))
    return context.redirect(f"/t/{reference(trade)}/check")


async def _price(context: Context, shown: Shown) -> web.Response:
    """Return the check page with the firm price of what somebody abroad asks for; nothing moves by it."""
    asker = await find_asker(context, str(shown.ask.no))
    if asker is None:
        return context.redirect(f"/asks/{shown.ask.no}", note="answered-before")
    return await member_pay.check(context, asker, shown.ask.text, shown.ask.amount)


async def _refused(context: Context, shown: Shown) -> RecordStoppedView:
    """Return the page that says why a yes could not be recorded: limits count now, not when it was asked."""
    account = await context.read(own_account, context.member.account_no)
    here = f"/asks/{shown.ask.no}"
    if (stop := too_far(context, account, shown.ask.amount, here)) is not None:
        _ = context.words.gettext
        return RecordStoppedView(
            title=stop.title,
            sentences=stop.sentences,
            action=Link(text=_("Back to the request"), href=here),
            other=stop.other,
        )
    _ = context.words.gettext
    said = {"name": first_name(shown.name)}
    return stopped(
        context, _("%(name)s cannot take that much now") % said, ring(context),
        action=Link(text=_("Back to the request"), href=here),
    )  # fmt: skip


async def no(context: Context) -> web.Response:
    """POST /asks/{number}/no"""
    shown = await _find(context)
    if shown.is_mine(context):
        raise NoSuchPage
    form = context.form(NoForm)
    if not isinstance(form, Filled):
        chosen = form.model_dump()
        if form.reason not in set(Reason):
            form = Filled(chosen).with_error("reason", context.words.gettext("Please say why."))
        elif form.reason == Reason.OTHER and not form.said:
            form = Filled(chosen).with_error("said", context.words.gettext("Please say why, in your words."))
    if isinstance(form, Filled):
        return context.show(await _view(context, shown, form), 422)
    try:
        await _say_no(context, shown, Reason(form.reason), form.said)
    except CannotAsk as why:
        note = "cannot-write" if why.why is Why.UNREACHABLE else "answered-before"
        return context.redirect(f"/asks/{shown.ask.no}", note=note)
    return context.redirect(f"/asks/{shown.ask.no}", note="said-no")


async def _say_no(context: Context, shown: Shown, reason: Reason, said: str) -> None:
    """Decline; somebody abroad reads the reason in our words. Raises CannotAsk."""
    behalf = context.behalf
    if shown.ask.kind is Kind.LOCAL:
        also = None if behalf is None else context.node.acting.of(behalf, Did.SAID_NO, shown.ask.text)
        await context.node.asks.decline(shown.ask.no, context.member, reason, said, also=also)
        return
    if behalf is not None:
        raise NotForOthers  # other schemes hear from the member alone
    told = reason_sentence(reason.value, said, context.voice)
    await context.node.asks_abroad.decline(shown.ask.no, context.member, reason, said, told)


async def withdraw(context: Context) -> web.Response:
    """POST /asks/{number}/withdraw"""
    shown = await _find(context)
    if not shown.is_mine(context):
        raise NoSuchPage
    try:
        if shown.ask.kind is Kind.LOCAL:
            await context.node.asks.withdraw(shown.ask.no, context.member.account_no)
        else:
            await context.node.asks_abroad.withdraw(shown.ask.no, context.member)
    except CannotAsk as why:
        note = "cannot-write" if why.why is Why.UNREACHABLE else "answered-before"
        return context.redirect(f"/asks/{shown.ask.no}", note=note)
    return context.redirect(f"/asks/{shown.ask.no}", note="ask-taken-back")


async def remind(context: Context) -> web.Response:
    """POST /asks/{number}/remind: at most once a day."""
    shown = await _find(context)
    if not shown.is_mine(context) or shown.other is None:
        raise NoSuchPage
    try:
        await context.node.asks.remind(shown.ask.no, context.member, shown.other)
    except CannotAsk as why:
        note = "reminded-before" if why.why is Why.SOON else "answered-before"
        return context.redirect(f"/asks/{shown.ask.no}", note=note)
    return context.redirect(f"/asks/{shown.ask.no}", note="reminded")


ROUTES: Final = (
    get("/asks", asks, MEMBER, for_others=True),
    get("/asks/{number}", ask_page, MEMBER, for_others=True),
    post("/asks/{number}/yes", yes, MEMBER, for_others=True),
    post("/asks/{number}/no", no, MEMBER, for_others=True),
    post("/asks/{number}/withdraw", withdraw, MEMBER),
    post("/asks/{number}/remind", remind, MEMBER),
)
