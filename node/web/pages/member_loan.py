"""One loan: yes or no, paid back early, forgiven. It opens for its two parties; for everybody else there is no such page.

Source: docs/protocol.md 3.7; docs/pages.md 0.10, 6.5, 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.accounts import load
from node.services.books import Refused
from node.services.loan_rows import Lent, PartPaid, find_loan, parts_of_loan
from node.services.loans import CannotLend, Why
from node.services.members import Member, member_by_account
from node.services.standing_rows import Order, order_by_no
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import EMPTY, Filled, Form, SpendForm, line, once_key
from node.web.pages.loan_words import loan_facts, loan_pill, loan_sentences, loan_title
from node.web.pages.member_loans import PATH, cannot_lend
from node.web.pages.member_standing import PATH as ORDERS
from node.web.pages.member_standing import name_of
from node.web.pages.recording import (
    Check,
    check_view,
    paused,
    read_amount,
    read_minor,
    ring,
    stopped,
    too_far,
)
from node.web.present import before_and_after, reference
from node.web.views.page import Link
from node.web.views.standing import LoanView, TurnRow
from node.web.views.trade import RecordStoppedView
from protocol.ledger import Account, Refusal
from protocol.loan import LoanState


class RepayForm(Form):
    """How much goes back now."""

    amount: line(40)  # type: ignore[valid-type]  # `line` makes the type of a field; so below


class RepayDoForm(SpendForm):
    """Exactly what the check page showed."""

    minor: line(20, 1)  # type: ignore[valid-type]  # as above


@dataclass(frozen=True, slots=True)
class Shown:
    """A loan with who is on the other side of it and what came back, of one moment."""

    lent: Lent
    other: Member | None
    order: Order | None
    parts: tuple[tuple[PartPaid, Trade], ...]
    account: Account  # the reader's
    mine: bool  # the reader lends


def _read(tx: ReadTx, no: int, account_no: int) -> Shown | None:
    lent = find_loan(tx, no, account_no)
    if lent is None:
        return None
    mine = lent.lender_no == account_no
    return Shown(
        lent,
        member_by_account(tx, lent.borrower_no if mine else lent.lender_no),
        None if lent.standing_no is None else order_by_no(tx, lent.standing_no),
        tuple((part, trade_by_no(tx, part.trade_no)) for part in parts_of_loan(tx, no)),
        load(tx, account_no).value,
        mine,
    )


async def _find(context: Context, *, mine: bool | None = None) -> Shown:
    """Return the loan that is asked for, as its lender (`mine`), its borrower, or either. Raises NoSuchPage."""
    shown = await context.read(_read, context.number("number"), context.member.account_no)
    if shown is None or (mine is not None and shown.mine is not mine):
        raise NoSuchPage
    return shown


async def loan_page(context: Context) -> web.Response:
    """GET /my/loans/{number}"""
    return context.show(_view(context, await _find(context)))


def _view(context: Context, shown: Shown, form: Filled = EMPTY) -> LoanView:
    lent, voice, mine = shown.lent, context.voice, shown.mine
    _, path, state = context.words.gettext, f"{PATH}/{lent.no}", lent.stands(context.now_ms)
    name = name_of(shown.other)
    asked = state is LoanState.OFFERED and not mine
    runs, after = state is LoanState.RUNNING, shown.account.balance + lent.loan.amount
    return LoanView(
        title=loan_title(lent.loan.amount, name, voice, mine=mine),
        state=loan_pill(state, voice),
        sentences=loan_sentences(lent, shown.order, name, voice, mine=mine),
        facts=loan_facts(lent, name, voice, mine=mine),
        balances=before_and_after(shown.account.balance, after, voice) if asked else "",
        yes_action=f"{path}/yes" if asked else "",
        no_action=f"{path}/no" if asked else "",
        withdraw_action=f"{path}/withdraw" if state is LoanState.OFFERED and mine else "",
        repay_action=f"{path}/repay" if runs and not mine else "",
        repay_form=form,
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        forgive_action=f"{path}/forgive" if runs and mine else "",
        left=voice.spoken(lent.loan.left),
        order=None
        if mine or not runs or lent.standing_no is None
        else Link(text=_("What goes back by itself"), href=f"{ORDERS}/{lent.standing_no}"),
        parts=tuple(_part_row(context, part, trade) for part, trade in shown.parts),
        message_href="" if shown.other is None else f"/messages/new?to={shown.other.number}",
    )


def _part_row(context: Context, part: PartPaid, trade: Trade) -> TurnRow:
    _, voice = context.words.gettext, context.voice
    said = {"amount": voice.spoken(part.amount)}
    text = _("%(amount)s, corrected later") % said if part.undone else said["amount"]
    return TurnRow(day=voice.long_day(trade.created_ms), text=text, href=f"/t/{reference(trade)}")


# --- yes, no, taken back -------------------------------------------------------------------------------------


async def yes(context: Context) -> web.Response:
    """POST /my/loans/{number}/yes: what the page showed is given and begins; said twice, it is given once."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    shown = await _find(context, mine=False)
    try:
        await context.node.loans.agree(shown.lent.no, context.member, proved_by=context.actor.proof)
    except CannotLend as no:
        return context.show(cannot_lend(context, no.why))
    except Refused as refused:
        return context.show(_not_given(context, shown, refused.reason))
    return context.redirect(f"{PATH}/{shown.lent.no}", note="loan-agreed")


def _not_given(context: Context, shown: Shown, reason: Refusal) -> RecordStoppedView:
    _, said = context.words.gettext, {"name": name_of(shown.other)}
    back = Link(text=_("Back to the loan"), href=f"{PATH}/{shown.lent.no}")
    if reason is Refusal.EXCEEDS_CEILING:
        sentence = _("It would take you further above zero than a member may go.")
    else:
        sentence = _("%(name)s cannot lend that much just now.") % said
    return stopped(context, _("This cannot be recorded now"), sentence, ring(context), action=back)


async def no(context: Context) -> web.Response:
    """POST /my/loans/{number}/no"""
    shown = await _find(context, mine=False)
    try:
        await context.node.loans.decline(shown.lent.no, context.member)
    except CannotLend as cannot:
        return context.show(cannot_lend(context, cannot.why))
    return context.redirect(f"{PATH}/{shown.lent.no}", note="said-no")


async def withdraw(context: Context) -> web.Response:
    """POST /my/loans/{number}/withdraw"""
    shown = await _find(context, mine=True)
    try:
        await context.node.loans.withdraw(shown.lent.no, context.member)
    except CannotLend as cannot:
        return context.show(cannot_lend(context, cannot.why))
    return context.redirect(f"{PATH}/{shown.lent.no}", note="ask-taken-back")


# --- paid back early, forgiven -------------------------------------------------------------------------------


async def repay(context: Context) -> web.Response:
    """POST /my/loans/{number}/repay: the check page, or the loan's page again."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    shown, form = await _find(context, mine=False), context.form(RepayForm)
    if isinstance(form, Filled):
        return context.show(_view(context, shown, form), 422)
    amount = read_amount(context, form.amount, context.unit, Filled({"amount": form.amount}))
    if isinstance(amount, Filled):
        return context.show(_view(context, shown, amount), 422)
    if shown.lent.loan.owed == 0:
        return context.show(cannot_lend(context, Why.ENDED))
    if amount > shown.lent.loan.owed:
        said = {"amount": context.voice.spoken(shown.lent.loan.owed)}
        wrong = context.words.gettext("That is more than is left: %(amount)s.") % said
        return context.show(_view(context, shown, Filled({"amount": form.amount}, {"amount": wrong})), 422)
    back = f"{PATH}/{shown.lent.no}"
    stop = _obstacle(context, shown, amount)
    if stop is not None or shown.other is None:
        return context.show(stop or cannot_lend(context, Why.NOT_NOW))
    check = Check(
        payee=shown.other,
        what=shown.lent.text,
        amount=amount,
        action=f"{back}/repay/do",
        hidden=(("minor", str(amount)),),
        change_href=back,
    )
    return context.show(check_view(context, check, shown.account.balance))


def _obstacle(context: Context, shown: Shown, amount: int) -> RecordStoppedView | None:
    if shown.other is None or not shown.other.may_trade:
        return cannot_lend(context, Why.NOT_NOW)
    return too_far(context, shown.account, amount, f"{PATH}/{shown.lent.no}")


async def repay_do(context: Context) -> web.Response:
    """POST /my/loans/{number}/repay/do: the same form sent twice pays back once."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    shown, form = await _find(context, mine=False), context.form(RepayDoForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    amount = read_minor(form.minor)
    try:
        trade = await context.node.loans.repay(
            shown.lent.no, context.member, amount, once_key(form.once), proved_by=context.actor.proof
        )
    except CannotLend as cannot:
        return context.show(cannot_lend(context, cannot.why))
    except Refused:
        stop = _obstacle(context, shown, amount)
        return context.show(stop or _not_taken(context, shown))
    return context.redirect(f"/t/{reference(trade)}/check")


def _not_taken(context: Context, shown: Shown) -> RecordStoppedView:
    _, said = context.words.gettext, {"name": name_of(shown.other)}
    back = Link(text=_("Back to the loan"), href=f"{PATH}/{shown.lent.no}")
    return stopped(context, _("%(name)s cannot take that much now") % said, ring(context), action=back)


async def forgive(context: Context) -> web.Response:
    """POST /my/loans/{number}/forgive"""
    shown = await _find(context, mine=True)
    try:
        await context.node.loans.forgive(shown.lent.no, context.member)
    except CannotLend as cannot:
        return context.show(cannot_lend(context, cannot.why))
    return context.redirect(f"{PATH}/{shown.lent.no}", note="loan-forgiven")


ROUTES: Final = (
    get(f"{PATH}/{{number}}", loan_page, MEMBER),
    post(f"{PATH}/{{number}}/yes", yes, MEMBER),
    post(f"{PATH}/{{number}}/no", no, MEMBER),
    post(f"{PATH}/{{number}}/withdraw", withdraw, MEMBER),
    post(f"{PATH}/{{number}}/repay", repay, MEMBER),
    post(f"{PATH}/{{number}}/repay/do", repay_do, MEMBER),
    post(f"{PATH}/{{number}}/forgive", forgive, MEMBER),
)
