"""The organisers' desk: a new fee, and one fee with who would owe what at its next time. Source: docs/protocol.md 3.8; docs/pages.md 7.3."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from aiohttp import web

from node.services.chest import Chest, NewRule, Owing
from node.services.fee_rows import Rule, RuleState, rule_by_no
from node.services.fee_telling import rule_words
from node.services.joint_kinds import CannotAct
from node.store import ReadTx
from node.web.amounts import Unreadable, parse_amount
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import Filled, SpendForm, amount_sentence, line, once_key
from node.web.pages.chest_asked import CHEST
from node.web.pages.fee_words import base_words, long_day_words, rule_pill
from node.web.pages.member_statement import parse_day
from node.web.pages.together_words import why_sentence
from node.web.present import name_of
from node.web.views.chest import ChargeRow, FeeFormView, FeeView
from node.web.views.page import Fact, Option
from protocol.fee import Fee, Round, Side
from protocol.limits import AMOUNT_MAX, FEE_NOTICE_DAYS, FEE_SHARE_MAX

NEW: Final = CHEST + "/fees/new"
TEXT_CHARACTERS_MAX: Final = 60
FIXED: Final = "fixed"
SHARE: Final = "share"
_PLACES: Final = 2  # of a share behind the point


class FeeForm(SpendForm):
    """A new fee."""

    text: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    kind: line(10)  # type: ignore[valid-type]  # as above
    amount: line(40)  # type: ignore[valid-type]  # as above
    share: line(10)  # type: ignore[valid-type]  # as above
    side: line(10)  # type: ignore[valid-type]  # as above
    every: line(10)  # type: ignore[valid-type]  # as above
    first: line(20)  # type: ignore[valid-type]  # as above


async def new(context: Context) -> web.Response:
    """GET /admin/chest/fees/new"""
    usual = {"kind": FIXED, "side": Side.GOT.value, "every": Round.YEAR.value}
    return context.show(_form_view(context, Filled(usual)))


def _form_view(context: Context, form: Filled) -> FeeFormView:
    voice, _ = context.voice, context.words.gettext
    return FeeFormView(
        form=form,
        kinds=(
            Option(value=FIXED, text=_("The same amount from everybody")),
            Option(value=SHARE, text=_("A share of what somebody traded here")),
        ),
        sides=(
            Option(value=Side.GOT.value, text=_("of what they got from others")),
            Option(value=Side.GIVEN.value, text=_("of what they gave others")),
            Option(value=Side.BOTH.value, text=_("of both")),
        ),
        rounds=(
            Option(value=Round.YEAR.value, text=_("Every year")),
            Option(value=Round.MONTH.value, text=_("Every month")),
        ),
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        notice_days=FEE_NOTICE_DAYS,
        once=context.once(),
    )


async def ask(context: Context) -> web.Response:
    """POST /admin/chest/fees/new: ask for it; a second organiser begins it."""
    form = context.form(FeeForm)
    if isinstance(form, Filled):
        return context.show(_form_view(context, form), 422)
    fee = _read_fee(context, form)
    if isinstance(fee, Filled):
        return context.show(_form_view(context, fee), 422)
    rule = NewRule(text=form.text, fee=fee)
    try:
        await context.node.joint_acts.ask_fee(context.actor, rule, once_key(form.once))
    except CannotAct as error:
        wrong = Filled(form.model_dump()).with_error("first", why_sentence(context, error.why))
        return context.show(_form_view(context, wrong), 422)
    return context.redirect("/admin/together", note="asked-two")


def _read_fee(context: Context, form: FeeForm) -> Fee | Filled:
    """Return what was typed, or the form with what is wrong with it."""
    typed, _ = Filled(form.model_dump()), context.words.gettext
    amount = share = 0
    if form.kind == SHARE:
        found = read_share(form.share)
        if found is None:
            most = {"most": FEE_SHARE_MAX // 100}
            typed = typed.with_error(
                "share", _("Please write a number up to %(most)d, with at most two places: 2 or 2.5.") % most
            )
        else:
            share = found
    elif form.kind == FIXED:
        minor = parse_amount(form.amount, context.unit, most=AMOUNT_MAX)
        if isinstance(minor, Unreadable):
            sentence = amount_sentence(minor, form.amount, context.unit, AMOUNT_MAX, context.words)
            typed = typed.with_error("amount", sentence)
        else:
            amount = minor
    else:
        typed = typed.with_error("kind", _("Please choose one."))
    if form.every not in set(Round):
        typed = typed.with_error("every", _("Please choose one."))
    if form.side not in set(Side):
        typed = typed.with_error("side", _("Please choose one."))
    first: date | None = parse_day(form.first)
    if first is None:
        typed = typed.with_error("first", _("This is not a day. Please write it like 2026-03-31."))
    if typed.errors or first is None:
        return typed
    return Fee(
        every=Round(form.every), first=first.toordinal(), amount=amount, share=share, side=Side(form.side)
    )


def read_share(typed: str) -> int | None:
    """Return hundredths of a hundredth that "2", "2.5" or "2,5 %" writes; None for what is no share that may be asked for."""
    text = typed.removesuffix("%").strip().replace(",", ".")
    whole, _, rest = text.partition(".")
    if not (text.isascii() and whole.isdigit() and len(whole) <= 2 and len(rest) <= _PLACES):
        return None
    if rest and not rest.isdigit():
        return None
    share = int(whole) * 100 + int(rest.ljust(_PLACES, "0") or "0")
    return share if 1 <= share <= FEE_SHARE_MAX else None


# --- One fee ------------------------------------------------------------------------------------------------


async def fee(context: Context) -> web.Response:
    """GET /admin/chest/fees/{number}"""
    rule, owing = await context.read(_read, context.node.chest, context.number("number"))
    voice, _ = context.voice, context.words.gettext
    total, too_far = sum(each.amount for each in owing), sum(each.too_far for each in owing)
    facts = [(_("First on"), long_day_words(rule.fee.due(0), voice))]
    if rule.began_ms is not None:
        facts.append((_("Members were told on"), voice.day(rule.began_ms)))
    if rule.next_day is not None:
        facts.append((_("Next on"), long_day_words(rule.next_day, voice)))
    if rule.ended_ms is not None:
        facts.append((_("Ended on"), voice.day(rule.ended_ms)))
    text = context.words.ngettext(
        "%(num)d member would give %(amount)s.", "%(num)d members would give %(amount)s together.", len(owing)
    ) % {"num": len(owing), "amount": voice.spoken(total)}
    far = context.words.ngettext(
        "For %(num)d of them it would go further behind than their limit: it waits.",
        "For %(num)d of them it would go further behind than their limits: it waits.",
        too_far,
    ) % {"num": too_far}
    return context.show(
        FeeView(
            text=rule.text,
            rule=rule_words(rule.fee, context.settings, context.words),
            state=rule_pill(rule, voice),
            facts=tuple(Fact(label=label, text=text) for label, text in facts),
            preview=_preview(context, rule, owing),
            preview_text=text,
            too_far=far if too_far else "",
            end_action=f"{CHEST}/fees/{rule.no}/end" if rule.state is RuleState.RUNNING else "",
        )
    )


def _read(tx: ReadTx, chest: Chest, no: int) -> tuple[Rule, list[Owing]]:
    rule = rule_by_no(tx, no)
    if rule is None:
        raise NoSuchPage
    return rule, [] if rule.state is RuleState.ENDED else chest.owing(tx, rule, rule.turn)


def _preview(context: Context, rule: Rule, owing: Sequence[Owing]) -> tuple[ChargeRow, ...]:
    voice, far = context.voice, context.words.gettext("It would go further behind than the limit.")
    return tuple(
        ChargeRow(
            href=f"/admin/members/{each.member.no}",
            who=name_of(each.member, context.words),
            text=base_words(each.base, rule, voice),
            amount=voice.short(each.amount),
            note=far if each.too_far else "",
        )
        for each in owing
    )


async def end(context: Context) -> web.Response:
    """POST /admin/chest/fees/{number}/end"""
    try:
        await context.node.chest.end(context.actor, context.number("number"))
    except LookupError:
        raise NoSuchPage from None
    return context.redirect(f"{CHEST}/fees/{context.number('number')}", note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get(NEW, new, ORGANISER),
    post(NEW, ask, ORGANISER),
    get(CHEST + "/fees/{number}", fee, ORGANISER),
    post(CHEST + "/fees/{number}/end", end, ORGANISER),
)
