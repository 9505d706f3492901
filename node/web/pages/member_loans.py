"""Loans: the list, and offering one in three steps. One of them, and what is done with it, is in `member_loan.py`.

Nothing moves before both have said yes. Source: docs/protocol.md 3.7; docs/pages.md 0.10, 6.5, 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.loan_rows import Lent, loan_by_once, loans_of
from node.services.loans import CannotLend, NewLoan, Why, schedule_of
from node.services.members import Member, member_by_account
from node.store import ReadTx
from node.web.amounts import as_typed
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, Form, SpendForm, line, once_key
from node.web.pages.choosing import person_view
from node.web.pages.loan_words import loan_pill, loan_title, schedule_facts
from node.web.pages.member_standing import FIRST_WITHIN_DAYS, name_of, not_with, read_payee
from node.web.pages.member_statement import parse_day
from node.web.pages.recording import (
    TEXT_CHARACTERS_MAX,
    own_account,
    paused,
    read_amount,
    read_minor,
    ring,
    stopped,
    too_far,
)
from node.web.present import before_and_after, first_name
from node.web.views.page import Fact, Link
from node.web.views.standing import LoanCheckView, LoanRow, LoansView, LoanWhatView
from node.web.views.trade import RecordStoppedView
from protocol.errors import InvalidValue
from protocol.limits import LOAN_OFFER_VALID_MS
from protocol.loan import LoanState
from protocol.standing import Every

PATH: Final = "/my/loans"
FIELDS: Final = ("what", "amount", "part", "every", "first")


class WhatForm(Form):
    """Step 2: how much, and how it comes back."""

    who: line(20)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    amount: line(40)  # type: ignore[valid-type]  # as above
    part: line(40)  # type: ignore[valid-type]  # as above
    every: line(10)  # type: ignore[valid-type]  # as above
    first: line(20)  # type: ignore[valid-type]  # as above


class DoForm(SpendForm):
    """Step 3: exactly what the check page showed."""

    who: line(20)  # type: ignore[valid-type]  # as above
    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    minor: line(20, 1)  # type: ignore[valid-type]  # as above
    part_minor: line(20, 1)  # type: ignore[valid-type]  # as above
    every: line(10)  # type: ignore[valid-type]  # as above
    first: line(20)  # type: ignore[valid-type]  # as above


@dataclass(frozen=True, slots=True)
class Terms:
    """How much is lent, and how it comes back."""

    amount: int
    part: int
    every: Every
    first: int


# --- the list -----------------------------------------------------------------------------------------------


async def loans(context: Context) -> web.Response:
    """GET /my/loans"""
    account_no, voice = context.member.account_no, context.voice
    found = await context.read(_read_all, account_no)

    def row(lent: Lent, other: Member | None, mine: bool) -> LoanRow:
        left = voice.words.gettext("left: %(amount)s") % {"amount": voice.spoken(lent.loan.left)}
        return LoanRow(
            href=f"{PATH}/{lent.no}",
            text=loan_title(lent.loan.amount, name_of(other), voice, mine=mine),
            what=lent.text,
            left=left if lent.loan.state is LoanState.RUNNING else "",
            state=loan_pill(lent.stands(context.now_ms), voice),
        )

    return context.show(
        LoansView(
            borrowed=tuple(
                row(lent, other, False) for lent, other in found if lent.borrower_no == account_no
            ),
            lent=tuple(row(lent, other, True) for lent, other in found if lent.lender_no == account_no),
        )
    )


def _read_all(tx: ReadTx, account_no: int) -> list[tuple[Lent, Member | None]]:
    return [
        (lent, member_by_account(tx, lent.borrower_no if lent.lender_no == account_no else lent.lender_no))
        for lent in loans_of(tx, account_no)
    ]


# --- a new one ----------------------------------------------------------------------------------------------


async def who(context: Context) -> web.Response:
    """GET /my/loans/new?q"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    _ = context.words.gettext
    return context.show(await person_view(context, _("A loan, step 1 of 3"), _("Whom do you lend to?"), PATH))


async def what(context: Context) -> web.Response:
    """GET /my/loans/what?who"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    if not context.query("who"):
        return context.redirect(f"{PATH}/new")
    borrower = await read_payee(context, context.query("who"))
    if (stop := not_with(context, borrower, PATH)) is not None:
        return context.show(stop)
    typed = {name: context.query(name) for name in FIELDS}
    return context.show(_what_view(context, borrower, Filled({**typed, "every": typed["every"] or "month"})))


def _what_view(context: Context, borrower: Member, form: Filled) -> LoanWhatView:
    voice = context.voice
    return LoanWhatView(
        name=first_name(borrower.name),
        form=form,
        who=borrower.number,
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
    )


async def what_sent(context: Context) -> web.Response:
    """POST /my/loans/what: the check page, or this page again."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(WhatForm)
    borrower = await read_payee(context, context.fields.get("who", ""))
    if (stop := not_with(context, borrower, PATH)) is not None:
        return context.show(stop)
    if isinstance(form, Filled):
        return context.show(_what_view(context, borrower, form), 422)
    filled = Filled({name: getattr(form, name) for name in FIELDS})
    amount = read_amount(context, form.amount, context.unit, filled)
    part = read_amount(
        context,
        form.part,
        context.unit,
        Filled(),
    )
    if isinstance(amount, Filled):
        filled = amount
    if isinstance(part, Filled):
        filled = filled.with_error("part", part.error("amount"))
    terms = _read_terms(
        context,
        1 if isinstance(amount, Filled) else amount,
        1 if isinstance(part, Filled) or isinstance(amount, Filled) else part,
        form,
        filled,
    )
    if isinstance(terms, Filled):
        return context.show(_what_view(context, borrower, terms), 422)
    return context.show(await _check_view(context, borrower, form.what, terms))


def _read_terms(
    context: Context, amount: int, part: int, form: WhatForm | DoForm, filled: Filled
) -> Terms | Filled:
    """Return what was typed, or the form with what is wrong with it."""
    _ = context.words.gettext
    first, today = parse_day(form.first), context.node.standing.today()
    if form.every not in tuple(Every):
        filled = filled.with_error("every", _("Please choose one of the answers."))
    if first is None:
        filled = filled.with_error("first", _("This is not a day. Please write it like 2026-03-31."))
    elif first.toordinal() <= today:
        filled = filled.with_error("first", _("Please choose a day after today."))
    elif first.toordinal() > today + FIRST_WITHIN_DAYS:
        filled = filled.with_error("first", _("Please choose a day within a year."))
    if part > amount:
        filled = filled.with_error("part", _("That is more than you lend."))
    if filled.errors or first is None:
        return filled
    try:
        schedule_of(amount, part, Every(form.every), first.toordinal())
    except InvalidValue:
        return filled.with_error("part", _("That would take too many times. Please write more."))
    return Terms(amount, part, Every(form.every), first.toordinal())


async def _check_view(
    context: Context, borrower: Member, text: str, terms: Terms
) -> LoanCheckView | RecordStoppedView:
    voice, _ = context.voice, context.words.gettext
    asked = {
        "who": borrower.number,
        "what": text,
        "every": terms.every.value,
        "first": date.fromordinal(terms.first).isoformat(),
    }
    typed = {
        "amount": as_typed(terms.amount, context.unit, context.language),
        "part": as_typed(terms.part, context.unit, context.language),
    }
    change = f"{PATH}/what?" + urlencode({**asked, **typed})
    account = await context.read(own_account, context.member.account_no)
    if (stop := too_far(context, account, terms.amount, change)) is not None:
        return stop
    return LoanCheckView(
        name=first_name(borrower.name),
        what=text,
        facts=(
            Fact(label=_("To"), text=borrower.name),
            Fact(label=_("You lend"), text=voice.spoken(terms.amount)),
            *schedule_facts(terms.amount, terms.part, terms.every, terms.first, voice),
        ),
        mine=before_and_after(account.balance, account.balance - terms.amount, voice),
        until=voice.long_day(
            min(context.now_ms + LOAN_OFFER_VALID_MS, context.node.loans.end_of(terms.first) - 1)
        ),
        hidden=tuple({**asked, "minor": str(terms.amount), "part_minor": str(terms.part)}.items()),
        once=context.once(),
        change_href=change,
    )


async def do(context: Context) -> web.Response:
    """POST /my/loans/do: offer it; the same form sent twice offers one."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(DoForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    known = await context.read(loan_by_once, once_key(form.once))
    if known is not None:
        return context.redirect(f"{PATH}/{known.no}", note="loan-offered")
    borrower = await read_payee(context, form.who)
    terms = _read_terms(context, read_minor(form.minor), read_minor(form.part_minor), form, Filled())
    if isinstance(terms, Filled):
        if terms.errors.keys() != {"first"}:
            raise NoSuchPage  # no check page of ours said that
        return context.show(cannot_lend(context, Why.PAST))  # it lay open over midnight
    new = NewLoan(
        lender=context.member, borrower=borrower, amount=terms.amount, text=form.what, part=terms.part, every=terms.every,
        first=terms.first, proved_by=context.actor.proof,
    )  # fmt: skip
    try:
        lent = await context.node.loans.offer(new, once_key(form.once))
    except CannotLend as no:
        return context.show(cannot_lend(context, no.why))
    return context.redirect(f"{PATH}/{lent.no}", note="loan-offered")


def cannot_lend(context: Context, why: Why) -> RecordStoppedView:
    """Return the page that says why something is not done with a loan."""
    _ = context.words.gettext
    mine = Link(text=_("All loans"), href=PATH)
    match why:
        case Why.TOO_MANY:
            sentence = _("There are many of these already. Wait for an answer, or stop one of them first.")
        case Why.SAME:
            sentence = _("You offered this person a loan already, and it waits for an answer.")
        case Why.PAST:
            sentence = _("Its first day is over. Please begin again with another day.")
        case Why.NOT_NOW:
            sentence = _("One of the two cannot trade now.") + " " + ring(context)
        case Why.ENDED:
            sentence = _("This was answered, taken back, or ran out.")
        case Why.TOO_MUCH:
            sentence = _("That is more than is left of it.")
    return stopped(context, _("This was not done"), sentence, action=mine)


ROUTES: Final = (
    get(PATH, loans, MEMBER),
    get(f"{PATH}/new", who, MEMBER),
    get(f"{PATH}/what", what, MEMBER),
    post(f"{PATH}/what", what_sent, MEMBER),
    post(f"{PATH}/do", do, MEMBER),
)
