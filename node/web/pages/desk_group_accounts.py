"""The organisers' desk: accounts that groups ask for, and those they have. Source: docs/protocol.md 3.10; docs/pages.md 7.3."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from aiohttp import web

from node.services.accounts import load
from node.services.circle_account_rows import AccountState, GroupAccount, group_accounts, treasurers_of
from node.services.circle_accounts import CannotKeepAccount, Why
from node.store import ReadTx
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled, Form, line
from node.web.pages.desk_members import TYPED_AMOUNT_MAX, read_limits
from node.web.pages.recording import stopped
from node.web.views.circle_accounts import GroupAccountRow, GroupAccountsView
from node.web.views.member import Tile
from node.web.views.page import Link
from node.web.words import Words
from protocol.ledger import Account

PATH: Final = "/admin/group-accounts"


class OpenForm(Form):
    """How far an account may go."""

    lower: line(TYPED_AMOUNT_MAX, 1)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    upper: line(TYPED_AMOUNT_MAX)  # type: ignore[valid-type]  # as above


def account_tiles(count: int, words: Words) -> list[Tile]:
    """Return what the desk's first page says of groups that ask for an account; nothing where none does."""
    text = words.ngettext(
        "%(num)d group asks for an account", "%(num)d groups ask for an account", count
    ) % {"num": count}  # fmt: skip
    hint = words.gettext("Say how far it may go, or say no")
    return [Tile(text=text, hint=hint, href=PATH, tone="wait")] if count else []


Listed = list[tuple[GroupAccount, Account | None, dict[int, str]]]


def _read(tx: ReadTx) -> Listed:
    return [
        (
            each,
            None if each.account_no is None else load(tx, each.account_no).value,
            treasurers_of(tx, each.no),
        )
        for each in group_accounts(tx)
    ]


async def accounts(context: Context) -> web.Response:
    """GET /admin/group-accounts"""
    return context.show(await _view(context))


async def _view(context: Context, no: str = "", form: Filled = EMPTY) -> GroupAccountsView:
    listed, voice = await context.read(_read), context.voice
    rows = [
        (
            each.state,
            GroupAccountRow(
                no=str(each.no),
                name=each.name,
                href=f"/accounts/{each.key.hex()}",
                treasurers=_treasurers(context, names),
                balance="" if held is None else voice.short(held.balance),
                own=context.member.no in names,
                may_close=held is not None
                and held.balance == 0
                and held.held == 0
                and context.member.no not in names,
                form=form if str(each.no) == no else EMPTY,
            ),
        )
        for each, held, names in listed
    ]
    return GroupAccountsView(
        asked=tuple(row for state, row in rows if state is AccountState.ASKED),
        open=tuple(row for state, row in rows if state is AccountState.OPEN),
        unit_name=voice.unit_name(),
    )


def _treasurers(context: Context, names: dict[int, str]) -> str:
    _ = context.words.gettext
    if not names:
        return _("It has no treasurer.")
    return _("Treasurers: %(names)s") % {"names": ", ".join(names.values())}


async def open_one(context: Context) -> web.Response:
    """POST /admin/group-accounts/{no}/open"""
    no, form = context.number("no"), context.form(OpenForm)
    if isinstance(form, Filled):
        return context.show(await _view(context, str(no), form), 422)
    limits = read_limits(context, Filled(form.model_dump()), form.lower, form.upper)
    if isinstance(limits, Filled):
        return context.show(await _view(context, str(no), limits), 422)
    return await _done(context, context.node.circle_accounts.open(no, context.actor, *limits))


async def decline(context: Context) -> web.Response:
    """POST /admin/group-accounts/{no}/no"""
    return await _done(context, context.node.circle_accounts.decline(context.number("no"), context.actor))


async def close(context: Context) -> web.Response:
    """POST /admin/group-accounts/{no}/close"""
    return await _done(context, context.node.circle_accounts.close(context.number("no"), context.actor))


async def _done(context: Context, act: Awaitable[None]) -> web.Response:
    try:
        await act
    except LookupError:
        raise NoSuchPage from None
    except CannotKeepAccount as no:
        _ = context.words.gettext
        match no.why:
            case Why.OWN:
                sentence = _("You are one of its treasurers. Another organiser decides.")
            case Why.NOT_EVEN:
                sentence = _("An account is closed when its balance is zero.")
            case Why.WHO:
                sentence = _("It has no treasurer.")
            case _:
                sentence = _("This has changed meanwhile. Please look again.")
        back = Link(text=_("Accounts of groups"), href=PATH)
        return context.show(stopped(context, _("This was not done"), sentence, action=back), 409)
    return context.redirect(PATH, note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get(PATH, accounts, ORGANISER),
    post(PATH + "/{no}/open", open_one, ORGANISER),
    post(PATH + "/{no}/no", decline, ORGANISER),
    post(PATH + "/{no}/close", close, ORGANISER),
)
