"""The organisers' desk: what two of them must want. One asks, another confirms. Source: docs/protocol.md 6.6, 6.9, 7.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.acts import Actor
from node.services.booking_rows import Booking, asked_to_keep
from node.services.closing_down import unpack
from node.services.joint_acts import asked_now, why_not
from node.services.joint_kinds import Asked, CannotAct, Kind, Why
from node.services.line_accounts import line_account_balance
from node.services.line_rows import Line, read_lines
from node.services.members import Member, existing, member_by_account
from node.services.payer_desk import stuck_trades
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.web.closed import closing_card
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled
from node.web.pages.booking_words import when_words
from node.web.pages.chest_asked import AskedOfChest, chest_card, read_of_chest
from node.web.pages.desk_going_on import booked_words, read_standing
from node.web.pages.desk_neighbour import view_of
from node.web.pages.desk_neighbours import scheme_of
from node.web.pages.desk_pledges import (
    AskedPledge,
    pledge_card,
    pledge_stuck,
    pledge_then,
    read_asked_to_keep,
)
from node.web.pages.desk_rules import silence_card
from node.web.pages.member import members_of
from node.web.pages.neighbours_shown import (
    GoOnForm,
    Known,
    LossForm,
    href_of,
    in_unit,
    known_neighbours,
    name_of,
    read_hours,
    standing_words,
)
from node.web.pages.together_words import why_sentence
from node.web.present import party_of, reference, trade_sentence
from node.web.views.admin import AskedCard, StuckCard, TogetherView
from node.web.views.page import Empty
from protocol.names import SchemeId

HERE: Final = "/admin/together"


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What the page reads."""

    asked: list[tuple[Asked, tuple[Why, int] | None]]
    trades: dict[int, Trade]  # that can be freed, or are asked for
    stuck: list[int]
    booked: dict[SchemeId, int]  # what our books say we owe, of neighbours with whom it is to go on
    members: dict[int, Member]  # by account
    named: dict[int, str]  # who is to be erased, or to log in without a second step, by number
    deposits: dict[int, Booking]  # that an owner asks to keep some of, by number of the booking
    pledges: dict[int, AskedPledge]  # the same for things of other schemes
    chest: dict[int, AskedOfChest]  # fees, and what the chest is to give, by number of what is asked


def _read(tx: ReadTx, by: Actor, now_ms: int, own: SchemeId) -> Together:
    asked = asked_now(tx, now_ms)
    about = {each.trade_no for each in asked if each.kind is Kind.FREE}
    stuck = [no for no in stuck_trades(tx, now_ms) if no not in about]
    trades = {no: trade_by_no(tx, no) for no in (*about, *stuck)}
    deposits = {each.no: each for each in asked_to_keep(tx)}
    accounts = {no for each in deposits.values() for no in (each.owner_no, each.borrower_no)}
    lent = {no: member for no in accounts if (member := member_by_account(tx, no)) is not None}
    return Together(
        asked=[(each, why_not(tx, by, each, now_ms)) for each in asked],
        trades=trades,
        stuck=stuck,
        booked={
            line.peer: line_account_balance(tx, own, line.peer) - line.written_off
            for line in read_lines(tx, own)
            if any(each.kind is Kind.GO_ON and each.about == line.peer for each in asked)
        },
        members={**members_of(tx, trades.values()), **lent},
        named={
            each.member_no: existing(tx, each.member_no).name
            for each in asked
            if each.kind in (Kind.ERASE, Kind.STEP)
        },
        deposits=deposits,
        pledges=read_asked_to_keep(tx),
        chest=read_of_chest(tx, asked),
    )


async def together(context: Context) -> web.Response:
    """Show what waits for another organiser, and which trades are stuck."""
    return context.show(await _view(context))


async def _view(context: Context, said: Filled = EMPTY) -> TogetherView:
    read = await context.read(_read, context.actor, context.now_ms, context.node.scheme)
    known = await known_neighbours(context)
    nothing = Empty(
        text=context.words.gettext("Nothing waits for a second organiser, and no trade is stuck.")
    )
    return TogetherView(
        said=said,
        asked=tuple(_asked(context, known, read, *each) for each in read.asked),
        stuck=tuple(_stuck(context, known, read, no) for no in read.stuck),
        deposits=tuple(
            _deposit(context, read, each)
            for each in read.deposits.values()
            if not any(other.kind is Kind.DEPOSIT and other.booking_no == each.no for other, _ in read.asked)
        )
        + tuple(
            pledge_stuck(context, each, known.schemes)
            for no, each in read.pledges.items()
            if not any(other.kind is Kind.PLEDGE and other.number == no for other, _ in read.asked)
        ),
        empty=None if read.asked or read.stuck or read.deposits or read.pledges else nothing,
    )


def _asked(
    context: Context, known: Known, read: Together, asked: Asked, hindered: tuple[Why, int] | None
) -> AskedCard:
    _, voice = context.words.gettext, context.voice
    if asked.kind is Kind.FREE:
        trade = read.trades[asked.trade_no]
        what = _("Free %(who)s’s %(amount)s") % _said(context, known, read, trade)
        detail = _sentence(context, known, read, trade)
        then = _(
            "Confirmed, %(amount)s are %(who)s’s again at once. If %(scheme)s’s answer still comes, our chest pays "
            "what it says; nobody is charged twice."
        ) % _said(context, known, read, trade)
        href = f"/t/{reference(trade)}"
    elif asked.kind is Kind.ERASE:
        said = {"who": read.named[asked.member_no]}
        what = _("Erase what we hold about %(who)s") % said
        detail = _(
            "They have left. Name, ways to get in touch, messages, offers, and the words of their trades go."
        )
        then = _(
            "Confirmed, nobody can bring it back. Balances and sums stay; in others’ statements the trades remain, "
            "with “Former member”. What other schemes were given stands on the member’s page."
        )
        href = f"/admin/members/{asked.member_no}"
    elif asked.kind is Kind.STEP:
        said = {"who": read.named[asked.member_no]}
        what = _("Let %(who)s log in without the second step") % said
        detail = _("Make sure that it is really them who asked: ring them, or meet.")
        then = _("Confirmed, they are logged out everywhere and log in as before. They can set it up anew.")
        href = f"/admin/members/{asked.member_no}"
    elif asked.kind is Kind.DEPOSIT and (booking := read.deposits.get(asked.booking_no)) is not None:
        what, detail = _of_deposit(context, read, booking)
        kept = {"amount": voice.spoken(asked.amount)}
        then = _("Confirmed, %(amount)s go to the owner, and the rest is free again.") % kept
        href = HERE
    elif asked.kind is Kind.PLEDGE and (pledge := read.pledges.get(asked.number)) is not None:
        what, detail = pledge_card(context, pledge, known.schemes)
        then, href = pledge_then(context, pledge), HERE
    elif asked.kind in (Kind.DEPOSIT, Kind.PLEDGE):
        what, detail, then, href = _("A deposit"), _("It was settled meanwhile."), "", HERE
    elif (of_chest := read.chest.get(asked.no)) is not None:
        what, detail, then, href = chest_card(context, of_chest)
    elif asked.kind is Kind.CLOSE:
        what, detail, then, href = closing_card(context.voice, unpack(asked.about, asked.amount))
    elif asked.kind is Kind.SILENCE:
        what, detail, then, href = silence_card(context, asked.number)
    elif asked.kind is Kind.GO_ON:
        peer = SchemeId(asked.about)
        named = {"name": name_of(context, known, peer)}
        what = _("Go on with %(name)s from an agreed balance") % named
        detail = standing_words(context, asked.amount)
        then = booked_words(context, asked.amount - read.booked.get(peer, asked.amount))
        href = href_of(peer)
    else:
        peer = SchemeId(asked.about)
        said = {"name": name_of(context, known, peer), "amount": voice.spoken(in_unit(context, asked.amount))}
        what = _("Write off %(amount)s that %(name)s owes us") % said
        detail = _each(context, known, asked.amount)
        then = (
            _(
                "Confirmed, our books count it as lost. %(name)s still owes it: what they give us when they come back "
                "makes it good first. No trade under way ends by this."
            )
            % said
        )
        href = href_of(peer)
    return AskedCard(
        what=what,
        detail=detail,
        then=then,
        href=href,
        asked=_("Asked by %(name)s, %(when)s") % {"name": asked.asker, "when": voice.lately(asked.asked_ms)},
        hindered="" if hindered is None else why_sentence(context, *hindered),
        confirm_action=f"{HERE}/{asked.no}/confirm" if hindered is None else "",
        drop_action=f"{HERE}/{asked.no}/drop",
    )


def _said(context: Context, known: Known, read: Together, trade: Trade) -> dict[str, str]:
    assert trade.payer_no is not None, "a trade that is stuck is one of ours that pays"
    member = read.members.get(trade.payer_no)
    other = trade.other_scheme
    return {
        "who": context.settings.name if member is None else member.name,
        "amount": context.voice.spoken(trade.amount),
        "scheme": name_of(context, known, other) if other is not None else "",
    }


def _sentence(context: Context, known: Known, read: Together, trade: Trade) -> str:
    assert trade.payer_no is not None, "see above"
    party = party_of(trade, trade.payer_no, read.members, known.schemes, context.voice)
    said = _said(context, known, read, trade) | {
        "what": trade_sentence(trade, trade.payer_no, party, context.voice),
        "since": context.voice.day(trade.created_ms),
    }
    return context.words.gettext("%(what)s (%(scheme)s). Set aside since %(since)s.") % said


def _each(context: Context, known: Known, hours: int) -> str:
    each = -(-in_unit(context, hours) // max(1, known.members))
    return context.words.gettext("That is %(each)s a member.") % {"each": context.voice.spoken(each)}


def _stuck(context: Context, known: Known, read: Together, no: int) -> StuckCard:
    trade = read.trades[no]
    said = _said(context, known, read, trade)
    return StuckCard(
        what=context.words.gettext("%(who)s: %(amount)s set aside") % said,
        detail=_sentence(context, known, read, trade),
        href=f"/t/{reference(trade)}",
        who=said["who"],
        ask_action=f"{HERE}/free/{no}",
    )


def _of_deposit(context: Context, read: Together, booking: Booking) -> tuple[str, str]:
    """Return who asks to keep what of whose deposit, and for what."""
    _, voice = context.words.gettext, context.voice
    names = {no: member.name for no, member in read.members.items()}
    owner, borrower = names.get(booking.owner_no, ""), names.get(booking.borrower_no, "")
    said = {"owner": owner, "borrower": borrower, "amount": voice.spoken(booking.keep)}
    return (
        _("%(owner)s asks to keep %(amount)s of %(borrower)s’s deposit") % said,
        _("%(what)s: %(when)s.") % {"what": booking.title, "when": when_words(booking, voice)},
    )


def _deposit(context: Context, read: Together, booking: Booking) -> StuckCard:
    what, detail = _of_deposit(context, read, booking)
    owner = read.members.get(booking.owner_no)
    return StuckCard(
        what=what, detail=detail, href=HERE, who="" if owner is None else owner.name,
        ask_action=f"{HERE}/deposit/{booking.no}",
    )  # fmt: skip


async def _again(context: Context, error: CannotAct) -> web.Response:
    said = EMPTY.with_error("", why_sentence(context, error.why))
    return context.show(await _view(context, said), 422)


async def confirm(context: Context) -> web.Response:
    """Do what another organiser asked for."""
    try:
        await context.node.joint_acts.confirm(context.actor, context.number("no"))
    except CannotAct as error:
        return await _again(context, error)
    return context.redirect(HERE, note="both-agreed")


async def drop(context: Context) -> web.Response:
    """Ask for it no more."""
    try:
        await context.node.joint_acts.drop(context.actor, context.number("no"))
    except CannotAct as error:
        return await _again(context, error)
    return context.redirect(HERE, note="dropped")


async def free(context: Context) -> web.Response:
    """Ask to free the member of a trade that is stuck."""
    try:
        await context.node.joint_acts.ask_free(context.actor, context.number("trade"))
    except CannotAct as error:
        return await _again(context, error)
    return context.redirect(HERE, note="asked-two")


async def keep(context: Context) -> web.Response:
    """Ask that an owner keeps what they ask for of a deposit."""
    booking = {each.no: each for each in await context.read(asked_to_keep)}.get(context.number("booking"))
    try:
        if booking is None:
            raise CannotAct(Why.CHANGED)
        await context.node.joint_acts.ask_keep(context.actor, booking.no, booking.keep)
    except CannotAct as error:
        return await _again(context, error)
    return context.redirect(HERE, note="asked-two")


async def keep_abroad(context: Context) -> web.Response:
    """Ask that an owner in another scheme keeps what they ask for of a deposit."""
    asked = (await context.read(read_asked_to_keep)).get(context.number("request"))
    try:
        if asked is None:
            raise CannotAct(Why.CHANGED)
        pledged = asked.pledged
        await context.node.joint_acts.ask_keep(context.actor, pledged.no, pledged.keep, Kind.PLEDGE)
    except CannotAct as error:
        return await _again(context, error)
    return context.redirect(HERE, note="asked-two")


async def lose(context: Context) -> web.Response:
    """Ask to write off what a neighbour owes."""
    scheme, form = scheme_of(context), context.form(LossForm)
    known = await known_neighbours(context)
    if scheme not in known.lines:
        raise NoSuchPage
    if not isinstance(form, Filled):
        typed = Filled(form.model_dump())
        hours = read_hours(context, form.lost)
        if isinstance(hours, str):
            form = typed.with_error("lost", hours)
        else:
            try:
                await context.node.joint_acts.ask_write_off(context.actor, scheme, hours)
            except CannotAct as error:
                form = typed.with_error("lost", why_sentence(context, error.why))
            else:
                return context.redirect(HERE, note="asked-two")
    return context.show(await view_of(context, known, scheme, loss=form), 422)


async def go_on(context: Context) -> web.Response:
    """Write, or agree to, the balance from which trade with a neighbour goes on."""
    scheme, form = scheme_of(context), context.form(GoOnForm)
    known = await known_neighbours(context)
    each = known.lines.get(scheme)
    if each is None:
        raise NoSuchPage
    if not isinstance(form, Filled):
        typed = Filled(form.model_dump())
        owed = await _read_owed(context, each, form)
        if isinstance(owed, Filled):
            form = owed
        else:
            try:
                done = await context.node.joint_acts.ask_go_on(context.actor, scheme, owed)
            except CannotAct as error:
                form = typed.with_error("", why_sentence(context, error.why))
            else:
                return context.redirect(
                    href_of(scheme) if done else HERE, note="goes-on" if done else "asked-two"
                )
    return context.show(await view_of(context, known, scheme, go_on=form), 422)


async def _read_owed(context: Context, each: Line, form: GoOnForm) -> int | Filled:
    """Return what we would owe by what was chosen, or the form again."""
    typed = Filled(form.model_dump())
    if form.agreed:
        digits = form.agreed.removeprefix("-")
        fine = digits.isascii() and digits.isdigit()
        return int(form.agreed) if fine else typed.with_error("", why_sentence(context, Why.CHANGED))
    match form.basis:
        case "line":
            return each.state.owed
        case "books":
            return (await context.read(read_standing, each, context.node.scheme)).booked
        case "we" | "they":
            hours = read_hours(context, form.amount)
            if isinstance(hours, str):
                return typed.with_error("amount", hours)
            return hours if form.basis == "we" else -hours
        case _:
            return typed.with_error("basis", context.words.gettext("Please choose one."))


ROUTES: Final[tuple[Route, ...]] = (
    get(HERE, together, ORGANISER),
    post(HERE + "/free/{trade}", free, ORGANISER),
    post(HERE + "/deposit/{booking}", keep, ORGANISER),
    post(HERE + "/pledge/{request}", keep_abroad, ORGANISER),
    post(HERE + "/{no}/confirm", confirm, ORGANISER),
    post(HERE + "/{no}/drop", drop, ORGANISER),
    post("/admin/neighbours/{scheme}/write-off", lose, ORGANISER),
    post("/admin/neighbours/{scheme}/go-on", go_on, ORGANISER),
)
