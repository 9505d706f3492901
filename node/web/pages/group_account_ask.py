"""Asking for an account of a group, as its keeper. Source: docs/protocol.md 3.10; docs/pages.md 7.2."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.circle_account_rows import AccountState, GroupAccount, account_of_circle
from node.services.circle_accounts import CannotKeepAccount, Why
from node.web.context import MEMBER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled
from node.web.pages.group_account import people_options, ticked
from node.web.pages.group_account_words import account_base, cannot, who_words
from node.web.pages.group_words import Found, back_to, base_of, find_group, is_keeper
from node.web.views.circle_accounts import GroupAccountAskView
from node.web.views.page import Link
from protocol.circle import INSIDE


async def _of_group(context: Context) -> tuple[Found, GroupAccount | None]:
    """Return the group of this address, of which the reader is one, and its account. Raises NoSuchPage."""
    found = await find_group(context)
    if found.circle.standing_of(context.member.no) not in INSIDE:
        raise NoSuchPage
    return found, await context.read(account_of_circle, found.known.no)


def _ask_view(
    context: Context, found: Found, account: GroupAccount | None, form: Filled = EMPTY
) -> GroupAccountAskView:
    _, keeps = context.words.gettext, is_keeper(found, context.member)
    if account is not None:
        told = _("It is asked for. An organiser looks at it.")
    else:
        told = "" if keeps else _("The group has none. A keeper can ask for one.")
    people = {each.who: found.names[each.who] for each in found.circle.inside}
    return GroupAccountAskView(
        group=Link(text=found.known.name, href=base_of(found.known)),
        people=people_options(people) if keeps and account is None else (),
        told=told,
        form=form,
    )


async def asking(context: Context) -> web.Response:
    """GET /groups/{key}/account: the group's account, or how it is asked for."""
    found, account = await _of_group(context)
    if account is not None and account.state is AccountState.OPEN:
        return context.redirect(account_base(account))
    return context.show(_ask_view(context, found, account))


async def asked(context: Context) -> web.Response:
    """POST /groups/{key}/account"""
    found, account = await _of_group(context)
    people = {each.who: found.names[each.who] for each in found.circle.inside}
    try:
        await context.node.circle_accounts.ask(found.known.key, context.member, ticked(context, people))
    except LookupError:
        raise NoSuchPage from None
    except CannotKeepAccount as no:
        if no.why is not Why.WHO:
            return cannot(context, no, back_to(found, context.voice))
        wrong = Filled(dict(context.fields)).with_error("", who_words(context))
        return context.show(_ask_view(context, found, account, wrong), 422)
    return context.redirect(f"{base_of(found.known)}/account", note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get("/groups/{key}/account", asking, MEMBER),
    post("/groups/{key}/account", asked, MEMBER),
)
