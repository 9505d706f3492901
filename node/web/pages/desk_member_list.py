"""The organisers' desk: members by name, those to look after, and the list as a table. Source: docs/pages.md 7.3."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.acts import Role
from node.services.member_lists import QUIET_DAYS, Which, list_members
from node.services.members import Member, State
from node.web.context import ORGANISER, Context, Route, get
from node.web.dates import ago, local
from node.web.downloads import harmless, plain_number, plain_unit, table
from node.web.pages.member import PAGE_ROWS, pager
from node.web.present import name_of
from node.web.views.admin import MemberRow, MembersView
from node.web.views.page import Option, Pill
from node.web.words import Words
from protocol.ledger import Account

# These names, and their order, stay as they are: schemes' own spreadsheets count on them.
CSV_COLUMNS: Final = (
    "number", "name", "place", "reach", "email", "phone", "address", "state", "balance", "lowest", "highest", "unit",
    "joined", "last_login",
)  # fmt: skip


async def members(context: Context) -> web.Response:
    """GET /admin/members?q&show"""
    query, which = context.query("q"), _which(context)
    found, total = await context.read(
        list_members, query, which, context.now_ms, skip=(context.page_number - 1) * PAGE_ROWS, most=PAGE_ROWS
    )
    asked = {"q": query, "show": which.value}
    summary = context.words.ngettext("%(num)d member", "%(num)d members", total) % {"num": total}
    return context.show(
        MembersView(
            query=query,
            show=which.value,
            shows=shows_of(context.words),
            summary=summary,
            members=tuple(_row(context, member, account) for member, account in found),
            pager=pager(context, "/admin/members", asked, total),
            add_href="/admin/members/add",
            import_href="/admin/import" if context.actor.role is Role.ADMIN else "",
            csv_href="/admin/members.csv?" + urlencode(asked),
        )
    )


def _which(context: Context) -> Which:
    asked = context.query("show")
    return Which(asked) if asked in set(Which) else Which.ALL


def shows_of(words: Words) -> tuple[Option, ...]:
    """Return every list there is, with its name."""
    _ = words.gettext
    days = {"num": QUIET_DAYS}
    said = {
        Which.ALL: _("Everybody"),
        Which.NO_MAIL: _("Without e-mail"),
        Which.NOT_SEEN: _("Not logged in for %(num)d days") % days,
        Which.NO_TRADE: _("Nothing given or received for %(num)d days") % days,
        Which.NO_OFFERS: _("Without offers or wants"),
        Which.NEITHER: _("Neither offers, wants nor trades"),
        Which.BEYOND: _("Beyond a limit"),
        Which.TO_TELL: _("On the letters list"),
        Which.PAUSED: _("Paused"),
    }
    return tuple(Option(value=which.value, text=said[which]) for which in Which)


def _row(context: Context, member: Member, account: Account) -> MemberRow:
    return MemberRow(
        href=f"/admin/members/{member.no}",
        number=member.number,
        name=member.name,
        place=member.place,
        balance=context.voice.short(account.balance, signed=True),
        limits=limits_of(context, account),
        active=seen_of(context, member),
        state=state_of(member, context.words),
    )


def limits_of(context: Context, account: Account) -> str:
    words, voice = context.words, context.voice
    lower = voice.short(-account.credit_limit)
    if account.ceiling is None:
        return words.gettext("down to %(lower)s") % {"lower": lower}
    upper = voice.short(account.ceiling, signed=True)
    return words.gettext("%(lower)s to %(upper)s") % {"lower": lower, "upper": upper}


def seen_of(context: Context, member: Member) -> str:
    if not member.seen_ms:
        return context.words.gettext("never")
    return ago(member.seen_ms, context.now_ms, context.words)


def state_of(member: Member, words: Words) -> Pill:
    match member.state:
        case State.ACTIVE:
            return Pill(text=words.gettext("Active"), tone="good")
        case State.AWAY:
            return Pill(text=words.gettext("Away"), tone="wait")
        case State.PAUSED:
            return Pill(text=words.gettext("Paused"), tone="stop")
        case State.LEAVING:
            return Pill(text=words.gettext("Leaving"), tone="wait")
        case State.LEFT:
            return Pill(text=words.gettext("Left"))


# --- As a table --------------------------------------------------------------------------------------------------


async def members_csv(context: Context) -> web.Response:
    """GET /admin/members.csv?q&show: everybody of the list, not only a page of it."""
    found, _ = await context.read(list_members, context.query("q"), _which(context), context.now_ms)
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(CSV_COLUMNS)
    rows.writerows(_csv_rows(context, found))
    today = local(context.now_ms, context.zone).date().isoformat()
    return table(out.getvalue(), f"members-{today}.csv")


def _csv_rows(context: Context, found: list[tuple[Member, Account]]) -> Iterator[tuple[str, ...]]:
    unit = context.unit
    for member, account in found:
        yield (
            member.number,
            harmless(name_of(member, context.words)),
            harmless(member.place),
            member.reach.value,
            harmless(member.email or ""),
            harmless(member.phone),
            harmless(", ".join(member.address.split("\n"))),
            member.state.value,
            plain_number(account.balance, unit),
            plain_number(-account.credit_limit, unit),
            "" if account.ceiling is None else plain_number(account.ceiling, unit),
            harmless(plain_unit(unit)),
            local(member.joined_ms, context.zone).date().isoformat(),
            local(member.seen_ms, context.zone).date().isoformat() if member.seen_ms else "",
        )


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/members", members, ORGANISER),
    get("/admin/members.csv", members_csv, ORGANISER),
)
