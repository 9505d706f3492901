"""The organisers' desk: one member, the limits, ways to log in, pauses, and adding by paper form. The list is in `desk_member_list.py`.

What lets somebody log in is shown once, as the answer to the form that asked for it; everything else is
followed by a redirect. Source: docs/pages.md 7.3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from node.services.acts import OPERATOR, Act, Deed, Role, acts_for
from node.services.behalf import may_act_for
from node.services.books import load
from node.services.erasure import Erased, Outside, outside, read_erased, shares_listings
from node.services.member_lists import Doing, read_doing
from node.services.members import Member, NewMember, State, Unable, Why, member_by_no
from node.services.second_step import Step, read_step
from node.store import ReadTx
from node.web.amounts import Unit, Unreadable, as_typed, parse_amount
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled, Form, SpendForm, amount_sentence, line, once_key, paragraphs
from node.web.pages.desk_member_list import limits_of, seen_of, state_of
from node.web.pages.desk_outside import outside_words
from node.web.pages.desk_roles import role_name
from node.web.pages.join import (
    ADDRESS_CHARACTERS_MAX,
    HELP_CHARACTERS_MAX,
    PHONE_CHARACTERS_MAX,
    PLACE_CHARACTERS_MAX,
)
from node.web.pages.schemes import Schemes, read_schemes
from node.web.present import balance_words, name_of
from node.web.sentences import field_of, unable_sentence
from node.web.views.admin import MemberAddView, MemberView
from node.web.views.page import Fact
from protocol.ledger import Account
from protocol.limits import AMOUNT_MAX
from protocol.names import SchemeId

REASON_CHARACTERS_MAX: Final = 200
TYPED_AMOUNT_MAX: Final = 40


class LimitsForm(Form):
    lower: line(TYPED_AMOUNT_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below
    upper: line(TYPED_AMOUNT_MAX)  # type: ignore[valid-type]  # see above
    reason: line(REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above


class PauseForm(Form):
    reason: line(REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above


class AddForm(SpendForm):
    name: line(80, 1)  # type: ignore[valid-type]  # see above
    place: line(PLACE_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above
    email: line(254)  # type: ignore[valid-type]  # see above
    phone: line(PHONE_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above
    address: paragraphs(ADDRESS_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above
    offer: line(HELP_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above
    want: line(HELP_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above


# --- One member --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the page of one member reads."""

    member: Member
    account: Account
    acts: list[Act]
    erased: Erased | None
    outside: tuple[Outside, ...]  # what other schemes were given about them
    schemes: Schemes
    doing: Doing
    step: Step | None
    shares: bool  # whether a listing of theirs was for other schemes too


def _read_member(tx: ReadTx, no: int, own: SchemeId, now_ms: int) -> Known | None:
    member = member_by_no(tx, no)
    if member is None:
        return None
    erased = read_erased(tx, no)
    return Known(
        member=member,
        account=load(tx, member.account_no).value,
        acts=acts_for(tx, no),
        erased=erased,
        outside=outside(tx, member, own) if erased is None else erased.outside,
        schemes=read_schemes(tx, now_ms),
        doing=read_doing(tx, member, now_ms),
        step=read_step(tx, no),
        shares=shares_listings(tx, member),
    )


async def known_member(context: Context) -> Known:
    """Return the member that the address names, with what the page reads."""
    known = await context.read(_read_member, context.number("no"), context.node.scheme, context.now_ms)
    if known is None:
        raise NoSuchPage
    return known


async def member(context: Context) -> web.Response:
    """Show a member as organisers see one."""
    return context.show(member_view(context, await known_member(context)))


def member_view(context: Context, known: Known) -> MemberView:
    """Return the page of one member, as organisers see it."""
    here, account, voice = f"/admin/members/{known.member.no}", known.account, context.voice
    limits = {"lower": typed_amount(account.credit_limit, context.unit, context.language)}
    if account.ceiling is not None:
        limits["upper"] = typed_amount(account.ceiling, context.unit, context.language)
    has_left = known.member.state is State.LEFT
    erased = known.member.is_erased
    stepping = known.step.since_ms if known.step is not None else None
    return MemberView(
        name=name_of(known.member, context.words),
        number=known.member.number,
        state=state_of(known.member, context.words),
        facts=_facts(context, known),
        limits_form=Filled(limits),
        amount_hint=voice.amount_hint(),
        unit_name=voice.unit_name(),
        limits_action=f"{here}/limits",
        pin_action=f"{here}/pin",
        pin_set=_pin_set(context, known),
        new_pin="",
        link_action=f"{here}/link",
        new_link="",
        log_out_action=f"{here}/log-out",
        step_since="" if stepping is None else voice.day(stepping),
        step_action=f"{here}/second-step",
        pause_action=f"{here}/pause",
        paused=known.member.state is State.PAUSED,
        checks_href="" if erased else f"/desk/helpers/{known.member.no}",
        act_href=f"/desk/as/{known.member.no}" if may_act_for(context.member, known.member) else "",
        role_href=f"{here}/role" if context.actor.role is Role.ADMIN and not has_left else "",
        part_action="" if has_left else f"{here}/part",
        erase_action=f"{here}/erase" if has_left and not erased else "",
        erased="" if known.erased is None else context.voice.day(known.erased.at_ms),
        outside=outside_words(context, known.schemes, known.outside, shares=known.shares) if has_left else (),
    )


def _facts(context: Context, known: Known) -> tuple[Fact, ...]:
    member, _ = known.member, context.words.gettext
    facts = [Fact(label=_("Balance"), text=balance_words(known.account.balance, context.voice))]
    if known.account.held:
        facts.append(Fact(label=_("Set aside"), text=context.voice.spoken(known.account.held)))
    facts.append(Fact(label=_("Limits"), text=limits_of(context, known.account)))
    at_desk = role_name(member.role, context.words) if member.organises else ""
    shown = (
        (_("At the desk"), at_desk),
        (_("E-mail"), member.email or ""),
        (_("Phone"), member.phone),
        (_("Address"), member.address),
        (_("Place"), member.place),
        (_("Why paused"), member.state_reason),
    )
    facts += [Fact(label=label, text=text) for label, text in shown if text]
    facts.append(Fact(label=_("Member since"), text=context.voice.day(member.joined_ms)))
    facts.append(Fact(label=_("Last logged in"), text=seen_of(context, member)))
    doing = known.doing
    last = _("never") if doing.moved_ms is None else context.voice.day(doing.moved_ms)
    facts.append(Fact(label=_("Last gave or received"), text=last))
    facts.append(Fact(label=_("Offers and wants now"), text=str(doing.listed)))
    return tuple(facts)


def _pin_set(context: Context, known: Known) -> str:
    if not known.member.has_pin:
        return ""
    changed = next((act for act in known.acts if act.deed is Deed.PIN), None)
    if changed is None:
        return context.words.gettext("set")
    if changed.by_name == OPERATOR.name:
        return context.words.gettext("set on %(day)s at the computer itself") % {
            "day": context.voice.day(changed.at_ms)
        }
    return context.words.gettext("set on %(day)s by %(name)s") % {
        "day": context.voice.day(changed.at_ms),
        "name": changed.by_name,
    }


async def limits(context: Context) -> web.Response:
    """Change how far a member may go, with a reason on the record."""
    known = await known_member(context)
    form = context.form(LimitsForm)
    if not isinstance(form, Filled):
        amounts = read_limits(context, Filled(form.model_dump()), form.lower, form.upper)
        if not isinstance(amounts, Filled):
            lower, upper = amounts
            await context.node.people.set_limits(
                context.actor, known.member.no, lower, upper, why=form.reason
            )
            return context.redirect(f"/admin/members/{known.member.no}", note="saved")
        form = amounts
    elif form.value("lower"):
        unread = read_limits(context, form, form.value("lower"), form.value("upper"))
        form = unread if isinstance(unread, Filled) else form
    return context.show(replace(member_view(context, known), limits_form=form), 422)


def read_limits(context: Context, typed: Filled, lower: str, upper: str) -> tuple[int, int | None] | Filled:
    """Return both limits in minor units, or the form again; an empty upper one is none."""
    read: dict[str, int | None] = {"lower": None, "upper": None}
    for name, text in (("lower", lower), ("upper", upper)):
        if name == "upper" and not text:
            continue
        amount = parse_amount(text, context.unit, most=AMOUNT_MAX)
        if amount is Unreadable.ZERO:
            amount = 0
        if isinstance(amount, Unreadable):
            sentence = amount_sentence(amount, text, context.unit, AMOUNT_MAX, context.words)
            typed = typed.with_error(name, sentence)
        else:
            read[name] = amount
    below = read["lower"]
    return typed if typed.errors or below is None else (below, read["upper"])


def typed_amount(minor: int, unit: Unit, language: str) -> str:
    """Return an amount as a field shows it; nothing is 0."""
    return as_typed(minor, unit, language) if minor else "0"


async def pin(context: Context) -> web.Response:
    """Give a member a new PIN, and show it this once."""
    known = await known_member(context)
    new = context.node.applications.random_pin()
    await context.node.people.set_pin(context.actor, known.member.no, new)
    known = await known_member(context)
    return context.show(replace(member_view(context, known), new_pin=new), secret=True)


async def link(context: Context) -> web.Response:
    """Make a one-time link for a member, and show it this once."""
    known = await known_member(context)
    new = await context.node.sign_in.make_link(context.actor, known.member.no)
    return context.show(replace(member_view(context, known), new_link=new), secret=True)


async def pause(context: Context) -> web.Response:
    """Pause a member, with a reason the member reads; or end the pause."""
    known = await known_member(context)
    here = f"/admin/members/{known.member.no}"
    if known.member.state is State.PAUSED:
        await context.node.people.resume(context.actor, known.member.no)
        return context.redirect(here, note="resumed")
    form = context.form(PauseForm)
    if not isinstance(form, Filled):
        try:
            await context.node.people.pause(context.actor, known.member.no, why=form.reason)
        except Unable as unable:
            form = Filled(form.model_dump()).with_error("reason", unable_sentence(unable.why, context.words))
        else:
            return context.redirect(here, note="paused")
    return context.show(replace(member_view(context, known), pause_form=form), 422)


# --- Adding ------------------------------------------------------------------------------------------------------


async def add_form(context: Context) -> web.Response:
    """Show the form for somebody at the desk, or from paper."""
    return context.show(MemberAddView(form=EMPTY, once=context.once()))


async def add(context: Context) -> web.Response:
    """Add a member, once, however often it is sent."""
    form = context.form(AddForm)
    if not isinstance(form, Filled):
        new = NewMember(
            name=form.name,
            place=form.place,
            email=form.email or None,
            phone=form.phone,
            address=form.address,
        )
        try:
            member = await context.node.applications.enter(
                context.actor, new, form.offer, form.want, once=once_key(form.once)
            )
        except Unable as unable:
            sentence = unable_sentence(unable.why, context.words)
            form = Filled(form.model_dump()).with_error(_field(unable.why), sentence)
        else:
            return context.redirect(f"/admin/members/{member.no}", note="added")
    return context.show(MemberAddView(form=form, once=context.once()), 422)


def _field(why: Why) -> str:
    field = field_of(why)
    return field if field in AddForm.model_fields else ""


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/members/add", add_form, ORGANISER),
    post("/admin/members/add", add, ORGANISER),
    get("/admin/members/{no}", member, ORGANISER),
    post("/admin/members/{no}/limits", limits, ORGANISER),
    post("/admin/members/{no}/pin", pin, ORGANISER),
    post("/admin/members/{no}/link", link, ORGANISER),
    post("/admin/members/{no}/pause", pause, ORGANISER),
)
