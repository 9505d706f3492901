"""The organisers' desk: the community chest, what it is owed, and what it gives. Fees are in `desk_fees.py`.

Source: docs/protocol.md 3.8; docs/pages.md 7.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.acts import NotAllowed
from node.services.chest import Chest, NewChestGift
from node.services.chest_report import EMPTY as NOTHING
from node.services.chest_report import ChestReport, read_chest
from node.services.fee_rows import (
    Charge,
    ChargeState,
    Rule,
    charge_by_no,
    charges_owed,
    owed_in_all,
    rule_by_no,
    rules_begun,
)
from node.services.joint_kinds import CannotAct
from node.services.members import Member, State, member_by_account, member_by_no, parse_number
from node.services.trades import trade_by_no
from node.store import ReadTx
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled, Form, SpendForm, line, once_key
from node.web.pages.chest_asked import CHEST
from node.web.pages.fee_words import base_words, charge_note, charge_pill, day_words, fee_row
from node.web.pages.member import members_of
from node.web.pages.member_statement import read_period
from node.web.pages.recording import TEXT_CHARACTERS_MAX, read_amount
from node.web.pages.schemes import read_schemes
from node.web.pages.together_words import why_sentence
from node.web.present import name_of, party_of, reference, trade_sentence
from node.web.views.chest import ChargeRow, ChargeView, ChestMove, ChestView
from node.web.views.page import Fact, Option

MONTHS: Final = 12
MOVES_SHOWN: Final = 30
OWED_SHOWN: Final = 50
REASON_CHARACTERS_MAX: Final = 200


class GiveForm(SpendForm):
    """What the chest is to give a member."""

    who: line(20, 1)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    amount: line(40)  # type: ignore[valid-type]  # as above
    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above


class LetOffForm(Form):
    """Why somebody need not pay."""

    how: line(20, 1)  # type: ignore[valid-type]  # as above
    reason: line(REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What somebody owes, with its rule and who it is."""

    charge: Charge
    rule: Rule
    member: Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the page reads."""

    report: ChestReport
    account_no: int
    members: dict[int, Member]
    rules: list[Rule]
    owed: list[Owed]
    owed_count: int
    owed_amount: int


def _read(tx: ReadTx, chest: Chest, from_ms: int, to_ms: int) -> Known:
    no = chest.account_no(tx)
    report = NOTHING if no is None else read_chest(tx, no, from_ms, to_ms)
    count, amount = owed_in_all(tx)
    return Known(
        report=report,
        account_no=no or 0,
        members=members_of(
            tx, [each.trade for each in report.lines[-MOVES_SHOWN:] if each.trade is not None]
        ),
        rules=rules_begun(tx),
        owed=[owed for each in charges_owed(tx, OWED_SHOWN) if (owed := _owed(tx, each)) is not None],
        owed_count=count,
        owed_amount=amount,
    )


def _owed(tx: ReadTx, charge: Charge) -> Owed | None:
    rule, member = rule_by_no(tx, charge.rule_no), member_by_account(tx, charge.account_no)
    return None if rule is None or member is None else Owed(charge=charge, rule=rule, member=member)


async def chest(context: Context) -> web.Response:
    """GET /admin/chest"""
    return context.show(await _view(context))


async def _view(context: Context, form: Filled = EMPTY) -> ChestView:
    voice = context.voice
    period = read_period(context, voice, MONTHS)
    known = await context.read(_read, context.node.chest, *period.moments(voice))
    report = known.report
    return ChestView(
        holds=voice.short(report.balance),
        facts=_facts(context, report),
        fees=tuple(fee_row(context, each, f"{CHEST}/fees/{each.no}") for each in known.rules),
        owed=tuple(_row(context, each) for each in known.owed),
        owed_in_all=_in_all(context, known),
        moves=await _moves(context, known),
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        form=form,
        once=context.once(),
    )


def _facts(context: Context, report: ChestReport) -> tuple[Fact, ...]:
    voice, _ = context.voice, context.words.gettext
    facts = [
        (_("Fees"), report.fees),
        (_("Gifts from members"), report.gifts),
        (_("Given to members"), -report.given),
        (_("Set aside for trades that are late"), -report.aside),
        (_("Other"), report.other),
    ]
    return tuple(
        Fact(label=label, text=voice.short(amount, signed=True)) for label, amount in facts if amount
    )


def _in_all(context: Context, known: Known) -> str:
    if not known.owed_count:
        return ""
    return context.words.ngettext(
        "%(num)d fee has not gone yet: %(amount)s.",
        "%(num)d fees have not gone yet: %(amount)s together.",
        known.owed_count,
    ) % {"num": known.owed_count, "amount": context.voice.spoken(known.owed_amount)}


def _row(context: Context, owed: Owed) -> ChargeRow:
    voice, charge = context.voice, owed.charge
    return ChargeRow(
        href=f"{CHEST}/charges/{charge.no}",
        who=name_of(owed.member, context.words),
        text=f"{owed.rule.text}, {day_words(charge.day, voice)}",
        amount=voice.short(charge.amount),
        note=charge_note(charge, voice),
    )


async def _moves(context: Context, known: Known) -> tuple[ChestMove, ...]:
    voice, schemes = context.voice, await context.read(read_schemes, context.now_ms)
    moves = []
    for each in reversed(known.report.lines[-MOVES_SHOWN:]):
        text, href = context.words.gettext("Entered by the organisers"), ""
        if each.trade is not None:
            party = party_of(each.trade, known.account_no, known.members, schemes, voice)
            text = trade_sentence(each.trade, known.account_no, party, voice)
            href = f"/t/{reference(each.trade)}"
        amount = voice.short(each.amount, signed=True)
        moves.append(ChestMove(href=href, date=voice.day(each.time_ms), text=text, amount=amount))
    return tuple(moves)


async def book(context: Context) -> web.Response:
    """POST /admin/chest/book: what is due, now instead of within the half hour."""
    await context.node.chest.look()
    return context.redirect(CHEST, note="saved")


async def give(context: Context) -> web.Response:
    """POST /admin/chest/give: ask that the chest gives a member something."""
    form = context.form(GiveForm)
    if isinstance(form, Filled):
        return context.show(await _view(context, form), 422)
    typed = Filled(form.model_dump())
    amount = read_amount(context, form.amount, context.unit, typed)
    if isinstance(amount, Filled):
        return context.show(await _view(context, amount), 422)
    no = parse_number(form.who)
    member = None if no is None else await context.read(member_by_no, no)
    if member is None or member.state is State.LEFT:
        sentence = context.words.gettext("Nobody here has this number.")
        return context.show(await _view(context, typed.with_error("who", sentence)), 422)
    new = NewChestGift(member=member, amount=amount, text=form.what)
    try:
        await context.node.joint_acts.ask_chest(context.actor, new, once_key(form.once))
    except CannotAct as error:
        wrong = typed.with_error("amount", why_sentence(context, error.why))
        return context.show(await _view(context, wrong), 422)
    return context.redirect("/admin/together", note="asked-two")


# --- What one member owes -----------------------------------------------------------------------------------


async def charge(context: Context) -> web.Response:
    """GET /admin/chest/charges/{number}"""
    return context.show(await _charge_view(context))


def _read_charge(tx: ReadTx, no: int) -> tuple[Owed, str]:
    found = charge_by_no(tx, no)
    owed = None if found is None else _owed(tx, found)
    if owed is None:
        raise NoSuchPage
    trade_no = owed.charge.trade_no
    return owed, "" if trade_no is None else f"/t/{reference(trade_by_no(tx, trade_no))}"


async def _charge_view(context: Context, form: Filled = EMPTY) -> ChargeView:
    owed, trade_href = await context.read(_read_charge, context.number("number"))
    voice, _, each = context.voice, context.words.gettext, owed.charge
    own = owed.member.no == context.member.no
    may = each.state is ChargeState.OWED and not own
    facts = [
        (_("Who"), name_of(owed.member, context.words)),
        (_("For what"), owed.rule.text),
        (_("Due on"), day_words(each.day, voice)),
        (_("Amount"), voice.spoken(each.amount)),
        (_("Reckoned"), base_words(each.base, owed.rule, voice)),
        (_("Why"), charge_note(each, voice)),
    ]
    return ChargeView(
        title=_("%(what)s of %(name)s")
        % {"what": owed.rule.text, "name": name_of(owed.member, context.words)},
        state=charge_pill(each, voice),
        facts=tuple(Fact(label=label, text=text) for label, text in facts if text),
        trade_href=trade_href,
        own=own and each.state is ChargeState.OWED,
        form=form,
        action=f"{CHEST}/charges/{each.no}/let-off" if may else "",
        ways=(
            Option(value=ChargeState.WAIVED.value, text=_("Let off: they need not give it")),
            Option(value=ChargeState.WRITTEN_OFF.value, text=_("Written off: it will not come any more")),
        ),
    )


async def let_off(context: Context) -> web.Response:
    """POST /admin/chest/charges/{number}/let-off"""
    form = context.form(LetOffForm)
    if isinstance(form, Filled):
        return context.show(await _charge_view(context, form), 422)
    typed, _ = Filled(form.model_dump()), context.words.gettext
    if form.how not in (ChargeState.WAIVED.value, ChargeState.WRITTEN_OFF.value):
        return context.show(
            await _charge_view(context, typed.with_error("how", _("Please choose one."))), 422
        )
    no = context.number("number")
    try:
        await context.node.chest.let_off(context.actor, no, ChargeState(form.how), form.reason)
    except LookupError:
        raise NoSuchPage from None
    except NotAllowed:
        wrong = typed.with_error("reason", _("This is your own. Another organiser decides."))
        return context.show(await _charge_view(context, wrong), 422)
    return context.redirect(f"{CHEST}/charges/{no}", note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get(CHEST, chest, ORGANISER),
    post(CHEST + "/book", book, ORGANISER),
    post(CHEST + "/give", give, ORGANISER),
    get(CHEST + "/charges/{number}", charge, ORGANISER),
    post(CHEST + "/charges/{number}/let-off", let_off, ORGANISER),
)
