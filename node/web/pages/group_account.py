"""A group's own account: asking for one, giving to it, letting it give, and who its treasurers are.

Source: docs/protocol.md 3.10; docs/pages.md 7.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from aiohttp import web

from node.services.accounts import load
from node.services.acts import Actor
from node.services.books import Refused
from node.services.circle_account_rows import (
    AccountState,
    GroupAccount,
    GroupAccountKey,
    group_account_by_key,
    treasurers_of,
)
from node.services.circle_accounts import CannotKeepAccount, Why, may_name, may_read_account
from node.services.circle_rows import Known as Group
from node.services.circle_rows import circle_by_no, names_in, people_of
from node.services.members import Member, State, member_by_no, parse_number
from node.services.statement import StatementLine, read_statement
from node.store import ReadTx
from node.web.amounts import as_typed
from node.web.context import MEMBER, Context, NoSuchPage, Route, WrongRole, get, post
from node.web.forms import EMPTY, Filled, SpendForm, line, once_key
from node.web.pages.decisions import hex_key
from node.web.pages.group_account_words import account_base, cannot, refused, who_words
from node.web.pages.group_giving import Wanted, giving_rows, read_wanted, two_words, wants_second
from node.web.pages.group_words import base_of
from node.web.pages.member import members_of
from node.web.pages.recording import TEXT_CHARACTERS_MAX, own_account, paused, read_amount, too_far
from node.web.pages.schemes import read_schemes
from node.web.present import name_of, party_of, reference, trade_sentence
from node.web.views.chest import ChestMove
from node.web.views.circle_accounts import GroupAccountCheckView, GroupAccountView
from node.web.views.page import Fact, Link, Option
from protocol.ledger import Account

MOVES_SHOWN: Final = 50
FIELD: Final = "t-"  # before a member's number


class GiveForm(SpendForm):
    """What somebody gives, or lets the group give; `once` is of the page that shows it once more."""

    way: Literal["give", "pay"]
    who: line(20)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    amount: line(40)  # type: ignore[valid-type]  # as above
    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above


class CheckForm(GiveForm):
    once: line(40)  # type: ignore[valid-type]  # as above: not yet


_Form = TypeVar("_Form", bound=GiveForm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An account with what its reader may know of it."""

    found: GroupAccount
    account: Account | None  # on the ledger; None while it is asked for
    group: Group | None
    treasurers: Mapping[int, str]
    may_read: bool
    may_name: bool
    inside: Mapping[int, str]  # who can be its treasurer
    wanted: tuple[Wanted, ...]  # what waits for a second treasurer, for those who are
    lines: tuple[StatementLine, ...]
    members: Mapping[int, Member]


def _read(tx: ReadTx, key: GroupAccountKey, by: Actor, now_ms: int) -> Shown | None:
    found = group_account_by_key(tx, key)
    if found is None or found.account_no is None:
        return None
    group = None if found.circle_no is None else circle_by_no(tx, found.circle_no)
    may = may_read_account(tx, found, by)
    lines = read_statement(tx, found.account_no, 0, now_ms + 1).lines if may else ()
    shown, treasurers = lines[-MOVES_SHOWN:], treasurers_of(tx, found.no)
    return Shown(
        found=found,
        account=load(tx, found.account_no).value,
        group=group,
        treasurers=treasurers,
        wanted=read_wanted(tx, found.no, now_ms) if by.no in treasurers else (),
        may_read=may,
        may_name=found.state is AccountState.OPEN and may_name(tx, found, by),
        inside={} if group is None else _inside(tx, group),
        lines=tuple(shown),
        members=members_of(tx, [each.trade for each in shown if each.trade is not None]),
    )


def _inside(tx: ReadTx, group: Group) -> dict[int, str]:
    names = names_in(tx, group.no)
    return {each.who: names[each.who] for each in people_of(tx, group).inside}


async def _find(context: Context) -> Shown:
    """Return the account of this address. Raises NoSuchPage."""
    shown = await context.read(
        _read, GroupAccountKey(hex_key(context.part("key"))), context.actor, context.now_ms
    )
    if shown is None:
        raise NoSuchPage
    return shown


def ticked(context: Context, people: Mapping[int, str]) -> list[int]:
    """Return who was chosen."""
    return [no for no in people if context.fields.get(f"{FIELD}{no}")]


def people_options(people: Mapping[int, str]) -> tuple[Option, ...]:
    """Return who may be a treasurer, to choose from."""
    return tuple(Option(value=f"{FIELD}{no}", text=name) for no, name in people.items())


# --- One account ----------------------------------------------------------------------------------------------


async def account(context: Context) -> web.Response:
    """GET /accounts/{key}?amount&what"""
    # What was rented of a group is paid from its page, with everything filled in.
    give = Filled({name: context.query(name) for name in ("amount", "what")})
    return context.show(await _view(context, await _find(context), give))


async def _view(
    context: Context, shown: Shown, give: Filled = EMPTY, pay: Filled = EMPTY, names: Filled | None = None,
    two: Filled | None = None,
) -> GroupAccountView:  # fmt: skip
    voice, me, found, held = context.voice, context.member, shown.found, shown.account
    assert held is not None, "it was opened"
    is_open = found.state is AccountState.OPEN
    people = shown.inside if shown.may_name else {}
    over = as_typed(found.two_above, context.unit, context.language) if found.two_above is not None else ""
    chosen = Filled({f"{FIELD}{no}": "yes" for no in shown.treasurers})
    return GroupAccountView(
        name=found.name,
        group=None if shown.group is None else Link(text=shown.group.name, href=base_of(shown.group)),
        base=account_base(found),
        closed=not is_open,
        balance=voice.short(held.balance) if shown.may_read else "",
        facts=_facts(context, shown, held),
        wanted=giving_rows(context, shown.wanted, held.balance),
        moves=await _moves(context, shown),
        may_give=is_open and me.may_trade,
        may_pay=is_open and me.may_trade and me.no in shown.treasurers,
        people=people_options(people),
        by_number=shown.may_name and shown.group is None,
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        give_form=give,
        pay_form=pay,
        names_form=chosen if names is None else names,
        two_form=Filled({"two_above": over}) if two is None else two,
        may_two=shown.may_name,
    )


def _facts(context: Context, shown: Shown, held: Account) -> tuple[Fact, ...]:
    _, voice = context.words.gettext, context.voice
    facts = [Fact(label=_("Treasurers"), text=", ".join(shown.treasurers.values()))]
    if shown.may_read:
        if shown.found.two_above is not None:
            facts.append(Fact(label=_("Who lets it give"), text=two_words(shown.found.two_above, voice)))
        facts.append(Fact(label=_("May go to"), text=voice.short(-held.credit_limit)))
        if held.ceiling is not None:
            facts.append(Fact(label=_("May hold"), text=voice.short(held.ceiling)))
    return tuple(each for each in facts if each.text)


async def _moves(context: Context, shown: Shown) -> tuple[ChestMove, ...]:
    voice, schemes = context.voice, await context.read(read_schemes, context.now_ms)
    no, moves = shown.found.account_no or 0, []
    for each in reversed(shown.lines):
        if each.trade is None:
            continue  # opened, its limits changed, closed
        party = party_of(each.trade, no, shown.members, schemes, voice)
        mine = each.trade.concerns(context.member.account_no)
        moves.append(
            ChestMove(
                href=f"/t/{reference(each.trade)}" if mine else "",
                date=voice.day(each.time_ms),
                text=trade_sentence(each.trade, no, party, voice),
                amount=voice.short(each.amount, signed=True),
            )
        )
    return tuple(moves)


# --- Giving ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Typed:
    """What was typed, and understood."""

    amount: int
    payee: Member | None  # whom the group gives to; None: somebody gives to the group


async def _understand(context: Context, shown: Shown, form: GiveForm) -> _Typed | Filled:
    """Return what was typed, or the form with what is wrong."""
    typed = Filled(form.model_dump())
    amount = read_amount(context, form.amount, context.unit, typed)
    if isinstance(amount, Filled):
        return amount
    if form.way == "give":
        return _Typed(amount, None)
    if context.member.no not in shown.treasurers:
        raise WrongRole
    no = parse_number(form.who)
    member = None if no is None else await context.read(member_by_no, no)
    if member is None or member.state is State.LEFT:
        return typed.with_error("who", context.words.gettext("Nobody here has this number."))
    if member.no == context.member.no:
        said = context.words.gettext("Nobody gives to themselves from a group. Another treasurer can.")
        return typed.with_error("who", said)
    return _Typed(amount, member)


async def _again(context: Context, shown: Shown, form: Filled) -> web.Response:
    pays = form.value("way") == "pay" or context.fields.get("way") == "pay"
    view = await _view(context, shown, pay=form) if pays else await _view(context, shown, give=form)
    return context.show(view, 422)


async def _sent(context: Context, form_class: type[_Form]) -> tuple[Shown, _Form, _Typed] | web.Response:
    """Return the account, the form that was sent, and what it says; or the answer to one that cannot be followed."""
    shown, form = await _find(context), context.form(form_class)
    if (stop := paused(context)) is not None:
        return context.show(stop)
    if isinstance(form, Filled):
        return await _again(context, shown, form)
    typed = await _understand(context, shown, form)
    return await _again(context, shown, typed) if isinstance(typed, Filled) else (shown, form, typed)


async def check(context: Context) -> web.Response:
    """POST /accounts/{key}/check"""
    sent = await _sent(context, CheckForm)
    if isinstance(sent, web.Response):
        return sent
    shown, form, typed = sent
    voice, _ = context.voice, context.words.gettext
    giver = await context.read(own_account, _payer_no(context, shown, typed))
    if (stop := too_far(context, giver, typed.amount, account_base(shown.found))) is not None:
        return context.show(stop, 422)
    names = (context.member.name, shown.found.name)
    if typed.payee is not None:
        names = (shown.found.name, name_of(typed.payee, context.words))
    said = {
        "name": names[0], "now": voice.spoken(giver.balance), "then": voice.spoken(giver.balance - typed.amount),
        "amount": voice.spoken(typed.amount),
    }  # fmt: skip
    return context.show(
        GroupAccountCheckView(
            what=form.what,
            people=(
                Fact(label=_("From"), text=names[0]), Fact(label=_("To"), text=names[1]),
                Fact(label=_("Amount"), text=said["amount"]),
            ),
            after=_("%(name)s: %(now)s now, %(then)s afterwards.") % said,
            second=wants_second(context) if (second := _wants_second(shown, typed)) else "",
            button=_("Ask a second treasurer") if second else _("Record it"),
            hidden=tuple((name, getattr(form, name)) for name in ("way", "who", "amount", "what")),
            once=context.once(),
            base=account_base(shown.found),
        )
    )  # fmt: skip


def _wants_second(shown: Shown, typed: _Typed) -> bool:
    over = shown.found.two_above
    return typed.payee is not None and over is not None and typed.amount > over


def _payer_no(context: Context, shown: Shown, typed: _Typed) -> int:
    assert shown.found.account_no is not None, "it was opened"
    return context.member.account_no if typed.payee is None else shown.found.account_no


async def do(context: Context) -> web.Response:
    """POST /accounts/{key}/do: once, whatever is pressed how often."""
    sent = await _sent(context, GiveForm)
    if isinstance(sent, web.Response):
        return sent
    shown, form, typed = sent
    key, once, node = shown.found.key, once_key(form.once), context.node
    back = Link(text=context.words.gettext("Back to the account"), href=account_base(shown.found))
    try:
        if typed.payee is None:
            trade = await node.circle_accounts.give(
                key, context.member, typed.amount, form.what, context.hand, once
            )
            return context.redirect(f"/t/{reference(trade)}/check")
        await node.circle_givings.pay_out(
            key, context.member, context.actor.proof, typed.payee.no, typed.amount, form.what, once
        )
    except LookupError:
        raise NoSuchPage from None
    except CannotKeepAccount as no:
        return cannot(context, no, back)
    except Refused as no:
        giver = await context.read(own_account, _payer_no(context, shown, typed))
        stop = too_far(context, giver, typed.amount, account_base(shown.found))
        return context.show(stop or refused(context, no, back), 422)
    return context.redirect(account_base(shown.found), note="saved")


async def treasurers(context: Context) -> web.Response:
    """POST /accounts/{key}/treasurers"""
    shown = await _find(context)
    if not shown.may_name:
        raise WrongRole
    chosen = ticked(context, shown.inside)
    if shown.group is None and (no := parse_number(context.fields.get("who", ""))) is not None:
        chosen = [no]  # nobody is left in the group: an organiser names somebody by number
    try:
        await context.node.circle_accounts.name_treasurers(shown.found.key, context.actor, chosen)
    except LookupError:
        raise NoSuchPage from None
    except CannotKeepAccount as no:
        if no.why is not Why.WHO:
            raise WrongRole from None
        wrong = Filled(dict(context.fields)).with_error("", who_words(context))
        return context.show(await _view(context, shown, names=wrong), 422)
    return context.redirect(account_base(shown.found), note="saved")


async def two(context: Context) -> web.Response:
    """POST /accounts/{key}/two: above which amount two treasurers give; an empty field says one alone does."""
    shown = await _find(context)
    if not shown.may_name:
        raise WrongRole
    typed, amount = Filled({"two_above": context.fields.get("two_above", "").strip()}), None
    if typed.value("two_above"):
        read = read_amount(context, typed.value("two_above"), context.unit, typed)
        if isinstance(read, Filled):
            wrong = typed.with_error("two_above", read.error("amount"))
            return context.show(await _view(context, shown, two=wrong), 422)
        amount = read
    try:
        await context.node.circle_givings.set_two_above(shown.found.key, context.actor, amount)
    except LookupError:
        raise NoSuchPage from None
    except CannotKeepAccount:
        raise WrongRole from None
    return context.redirect(account_base(shown.found), note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get("/accounts/{key}", account, MEMBER),
    post("/accounts/{key}/check", check, MEMBER),
    post("/accounts/{key}/do", do, MEMBER),
    post("/accounts/{key}/treasurers", treasurers, MEMBER),
    post("/accounts/{key}/two", two, MEMBER),
)
