"""Pay codes: showing one, typing one, paying by one. Source: docs/protocol.md 7.9; docs/pages.md 0.7, 7.1, 7.2, 8.7."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from markupsafe import Markup

from node.services.books import Refused
from node.services.members import Member, member_by_account
from node.services.pay_codes import CodeEnded, PayCode, TooManyCodes, WaitFirst, pay_code_of
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import EMPTY, Filled, Form, SpendForm, line, once_key
from node.web.live_marks import Kind, marks_for
from node.web.pages.recording import (
    TEXT_CHARACTERS_MAX,
    Check,
    check_view,
    own_account,
    paused,
    read_amount,
    read_minor,
    ring,
    stopped,
    too_far,
)
from node.web.present import first_name, reference
from node.web.qr import picture_of
from node.web.sentences import wait_sentence
from node.web.views.codes import CodeView, MakeCodeView, PayLinkView, ScanView
from node.web.views.page import Link
from node.web.views.trade import RecordStoppedView, RecordWhatView
from protocol.errors import InvalidValue
from protocol.references import parse_reference, reference_bits, reference_of


class MakeForm(SpendForm):
    """What a code says; both may stay empty."""

    what: line(TEXT_CHARACTERS_MAX)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    amount: line(40)  # type: ignore[valid-type]  # as above


class CodeForm(Form):
    """A code as somebody types it."""

    code: line(40)  # type: ignore[valid-type]  # as above


class PayForm(Form):
    """What for and how much, where the code leaves it open."""

    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    amount: line(40)  # type: ignore[valid-type]  # as above


class PayDoForm(Form):
    """Exactly what the check page showed."""

    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    minor: line(20, 1)  # type: ignore[valid-type]  # as above


def _bits(text: str) -> bytes | None:
    try:
        return reference_bits(parse_reference(text))
    except InvalidValue:
        return None


# --- showing one --------------------------------------------------------------------------------------------


async def make(context: Context) -> web.Response:
    """GET /qr"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    return context.show(_make_view(context, EMPTY))


def _make_view(context: Context, form: Filled) -> MakeCodeView:
    voice = context.voice
    return MakeCodeView(
        form=form, unit_name=voice.unit_name(), amount_hint=voice.amount_hint(), once=context.once()
    )


async def make_sent(context: Context) -> web.Response:
    """POST /qr: make a code; the same form again gives the same one."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(MakeForm)
    if isinstance(form, Filled):
        return context.show(_make_view(context, form), 422)
    amount: int | None = None
    if form.amount:
        filled = Filled({"what": form.what, "amount": form.amount})
        typed = read_amount(context, form.amount, context.unit, filled)
        if isinstance(typed, Filled):
            return context.show(_make_view(context, typed), 422)
        amount = typed
    try:
        code = await context.node.pay_codes.make(context.member, amount, form.what, once_key(form.once))
    except TooManyCodes:
        _ = context.words.gettext
        sentence = _("You made many codes today. Tomorrow there is room for more.")
        return context.show(stopped(context, _("There is no new code now"), sentence))
    return context.redirect(f"/qr/{reference_of(code.code)}")


async def show(context: Context) -> web.Response:
    """GET /qr/{code}: for whoever made it; says when it was paid."""
    live = await marks_for(context, Kind.TRADES)
    code, trade = await context.read(_own_code, context.part("code"), context.member.account_no)
    voice, letters = context.voice, reference_of(code.code)
    link = f"{context.node.options.origin.rstrip('/')}/pay/{letters}"
    is_open = code.is_open(context.now_ms)
    return context.show(
        CodeView(
            letters=letters,
            picture=picture_of(link) if is_open else Markup(),
            amount="" if code.amount is None else voice.spoken(code.amount),
            what=code.text,
            until=voice.since(code.until_ms),
            paid=None
            if trade is None
            else Link(text=voice.spoken(trade.amount), href=f"/t/{reference(trade)}"),
            over=trade is None and not is_open,
            check_href=f"/qr/{letters}",
        ),
        live=live,
    )


def _own_code(tx: ReadTx, text: str, account_no: int) -> tuple[PayCode, Trade | None]:
    bits = _bits(text)
    code = None if bits is None else pay_code_of(tx, bits)
    if code is None or code.account_no != account_no:
        raise NoSuchPage
    return code, None if code.trade_no is None else trade_by_no(tx, code.trade_no)


# --- typing one ---------------------------------------------------------------------------------------------


async def scan(context: Context) -> web.Response:
    """GET /scan: type the nine letters, or use the telephone's own camera."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    return context.show(ScanView())


async def scan_sent(context: Context) -> web.Response:
    """POST /scan"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(CodeForm)
    typed = form.value("code") if isinstance(form, Filled) else form.code
    bits, _ = _bits(typed), context.words.gettext
    if bits is None:
        sentence = _("These are not the nine letters and numbers of a code. Please look again.")
        return context.show(ScanView(form=Filled({"code": typed}).with_error("code", sentence)), 422)
    found = await context.node.pay_codes.look_up(bits, member=context.member, address=context.address)
    if isinstance(found, PayCode):
        return context.redirect(f"/pay/{reference_of(found.code)}")
    sentence = _gone(context) if found is None else wait_sentence(found.ms, context.words)
    view = ScanView(form=Filled({"code": typed}).with_error("code", sentence))
    return context.show(view, 404 if found is None else 429)


def _gone(context: Context) -> str:
    return context.words.gettext("This code was used, is over, or never was. Ask for a new one.")


# --- paying by one ------------------------------------------------------------------------------------------


async def _find(context: Context) -> tuple[PayCode, Member] | RecordStoppedView:
    """Return the open code of the address with whom it pays, or the page that says why not."""
    bits, _ = _bits(context.part("code")), context.words.gettext
    if bits is None:
        raise NoSuchPage
    member = None if context.session is None else context.member
    found = await context.node.pay_codes.look_up(bits, member=member, address=context.address)
    again = Link(text=_("Type a code"), href="/scan")
    if isinstance(found, WaitFirst):
        return stopped(context, _("Please wait"), wait_sentence(found.ms, context.words), action=again)
    payee = None if found is None else await context.read(member_by_account, found.account_no)
    if found is None or payee is None or not payee.may_trade:
        return stopped(context, _("This code does not work"), _gone(context), action=again)
    return found, payee


async def pay(context: Context) -> web.Response:
    """GET /pay/{code}: whoever is not signed in sees what it is; a member sees the check page. Nothing moves by it."""
    if context.session is not None and (stop := paused(context)) is not None:
        return context.show(stop)
    found = await _find(context)
    if isinstance(found, RecordStoppedView):
        return context.show(found, 404)
    code, payee = found
    if context.session is None:
        return context.show(_link_view(context, code, payee))
    if payee.no == context.member.no:
        return context.redirect(f"/qr/{reference_of(code.code)}")
    if code.amount is None or not code.text:
        return context.show(_what_view(context, code, payee, Filled({"what": code.text, "amount": ""})))
    return await _check(context, code, payee, code.amount, code.text)


def _link_view(context: Context, code: PayCode, payee: Member) -> PayLinkView:
    letters = reference_of(code.code)
    return PayLinkView(
        name=payee.public_name,
        what=code.text,
        amount="" if code.amount is None else context.voice.spoken(code.amount),
        login_href=f"/login?after=/pay/{letters}",
    )


def _what_view(context: Context, code: PayCode, payee: Member, form: Filled) -> RecordWhatView:
    voice = context.voice
    if code.amount is not None and not form.value("amount"):
        form = Filled({**form.values, "amount": voice.short(code.amount)}, form.errors)
    return RecordWhatView(
        did="received",
        action=f"/pay/{reference_of(code.code)}",
        name=first_name(payee.name),
        badge="",
        form=form,
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        rate_note="",
        change_who_href="/scan",
    )


async def what_sent(context: Context) -> web.Response:
    """POST /pay/{code}: the check page, where the code left something open."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    found = await _find(context)
    if isinstance(found, RecordStoppedView):
        return context.show(found, 404)
    code, payee = found
    form = context.form(PayForm)
    if isinstance(form, Filled):
        return context.show(_what_view(context, code, payee, form), 422)
    filled = Filled({"what": form.what, "amount": form.amount})
    amount: int | Filled = code.amount or read_amount(context, form.amount, context.unit, filled)
    if isinstance(amount, Filled):
        return context.show(_what_view(context, code, payee, amount), 422)
    return await _check(context, code, payee, amount, form.what)


async def _check(context: Context, code: PayCode, payee: Member, amount: int, text: str) -> web.Response:
    letters = reference_of(code.code)
    account = await context.read(own_account, context.member.account_no)
    if (stop := too_far(context, account, amount, "/scan")) is not None:
        return context.show(stop)
    check = Check(
        payee=payee,
        what=text,
        amount=amount,
        action=f"/pay/{letters}/do",
        hidden=(("what", text), ("minor", str(amount))),
        change_href=f"/pay/{letters}",
    )
    return context.show(check_view(context, check, account.balance))


async def do(context: Context) -> web.Response:
    """POST /pay/{code}/do: pay it; however often and by whomever it is sent, the code pays once."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(PayDoForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    found, bits, _ = await _find(context), _bits(context.part("code")), context.words.gettext
    assert bits is not None, "else there is no such page"
    if isinstance(found, RecordStoppedView):
        mine = await context.read(_paid_by, bits, context.member.account_no)
        return context.show(found, 404) if mine is None else context.redirect(f"/t/{reference(mine)}/check")
    code, payee = found
    if payee.no == context.member.no:
        raise NoSuchPage
    try:
        trade = await context.node.pay_codes.pay(
            code.code, context.member, payee, read_minor(form.minor), form.what, proved_by=context.actor.proof
        )
    except CodeEnded:
        again = Link(text=_("Type a code"), href="/scan")
        return context.show(stopped(context, _("This code does not work"), _gone(context), action=again), 404)
    except Refused:
        account = await context.read(own_account, context.member.account_no)
        far = too_far(context, account, read_minor(form.minor), "/scan")
        said = {"name": first_name(payee.name)}
        return context.show(
            far or stopped(context, _("%(name)s cannot take that much now") % said, ring(context))
        )
    return context.redirect(f"/t/{reference(trade)}/check")


def _paid_by(tx: ReadTx, bits: bytes, account_no: int) -> Trade | None:
    """Return the trade that paid a code, for whoever paid it: the same form came twice."""
    code = pay_code_of(tx, bits)
    trade = None if code is None or code.trade_no is None else trade_by_no(tx, code.trade_no)
    return trade if trade is not None and trade.payer_no == account_no else None


ROUTES: Final = (
    get("/qr", make, MEMBER),
    post("/qr", make_sent, MEMBER),
    get("/qr/{code}", show, MEMBER),
    get("/scan", scan, MEMBER),
    post("/scan", scan_sent, MEMBER),
    get("/pay/{code}", pay),
    post("/pay/{code}", what_sent, MEMBER),
    post("/pay/{code}/do", do, MEMBER),
)
