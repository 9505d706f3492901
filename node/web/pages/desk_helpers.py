"""The organisers' desk: who helps and was checked, what ends soon, and what is checked here. Source: docs/pages.md 7.6."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from aiohttp import web

from node.services.acts import NotAllowed
from node.services.folding import fold
from node.services.helper_checks import (
    LISTED_MAX,
    NOTE_CHARACTERS_MAX,
    WHAT_CHARACTERS_MAX,
    CannotCheck,
    NewCheck,
    ending_soon,
)
from node.services.helper_rows import (
    Check,
    checked_helpers,
    checks_of,
    ended_checks,
    helper_until,
    needed_checks,
    other_checks,
    running_checks,
)
from node.services.members import Member, State, member_by_no
from node.services.settings import SchemeSettings
from node.store import ReadTx
from node.web.context import ORGANISER, Context, NoSuchPage, Route, WrongRole, get, post
from node.web.dates import short_day
from node.web.forms import Filled, Form, line, paragraphs
from node.web.pages.helper_words import badge_words, check_row, why_words
from node.web.typed_days import read_day
from node.web.views.care import CheckRow, HelpersView, HelperView
from node.web.views.page import Empty, Link, Option
from node.web.words import Words

REASON_CHARACTERS_MAX: Final = 200
DAY_CHARACTERS_MAX: Final = 40
ENDED_DAYS: Final = 90  # for which what ended stays on the list
LIST_CHARACTERS_MAX: Final = LISTED_MAX * (WHAT_CHARACTERS_MAX + 1)


class CheckForm(Form):
    what: line(WHAT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below
    checked: line(DAY_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above
    until: line(DAY_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above
    note: line(NOTE_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above


class WithdrawForm(Form):
    reason: line(REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above


class ListsForm(Form):
    needed: paragraphs(LIST_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above
    more: paragraphs(LIST_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above


# --- The list -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _All:
    helpers: dict[int, date]
    soon: list[Check]
    ended: list[Check]
    members: dict[int, Member]


def _read_all(tx: ReadTx, settings: SchemeSettings, today: date) -> _All:
    helpers = checked_helpers(tx, settings, today)
    running = running_checks(tx, today)
    soon = ending_soon(running, today)
    alive = {(check.member_no, fold(check.what)) for check in running}
    ended = [
        check
        for check in ended_checks(tx, today, today - timedelta(days=ENDED_DAYS))
        if (check.member_no, fold(check.what)) not in alive
    ]
    found = {no: member_by_no(tx, no) for no in {*helpers, *(check.member_no for check in (*soon, *ended))}}
    here = {
        no: member for no, member in found.items() if member is not None and member.state is not State.LEFT
    }
    return _All(
        helpers=helpers,
        soon=[check for check in soon if check.member_no in here],
        ended=[check for check in ended if check.member_no in here],
        members=here,
    )


async def helpers(context: Context) -> web.Response:
    """GET /desk/helpers"""
    return context.show(await _list_view(context))


async def _list_view(context: Context, form: Filled | None = None) -> HelpersView:
    settings, words, today = context.settings, context.words, context.node.helpers.today()
    read = await context.read(_read_all, settings, today)
    rows = sorted(
        (member for no, member in read.members.items() if no in read.helpers), key=lambda each: each.name
    )
    lists = {"needed": "\n".join(needed_checks(settings)), "more": "\n".join(other_checks(settings))}
    nobody = Empty(
        text=words.gettext("Nobody is a checked helper yet. Begin at somebody’s page."),
        action=Link(text=words.gettext("All members"), href="/admin/members"),
    )
    return HelpersView(
        helpers=tuple(
            Link(
                text=words.gettext("%(name)s (%(number)s), until %(day)s")
                % {"name": each.name, "number": each.number, "day": short_day(read.helpers[each.no], words)},
                href=_href(each),
            )
            for each in rows
        ),
        soon=tuple(_row(check, read, today, words) for check in read.soon),
        ended=tuple(_row(check, read, today, words) for check in read.ended),
        empty=None if rows else nobody,
        form=form or Filled(lists),
    )


def _row(check: Check, read: _All, today: date, words: Words) -> CheckRow:
    member = read.members[check.member_no]
    return check_row(check, today, words, who=Link(text=member.name, href=_href(member)))


def _href(member: Member) -> str:
    return f"/desk/helpers/{member.no}"


async def lists(context: Context) -> web.Response:
    """POST /desk/helpers: what is checked here."""
    form = context.form(ListsForm)
    if isinstance(form, Filled):
        return context.show(await _list_view(context, form), 422)
    try:
        await context.node.helpers.set_lists(context.actor, form.needed.split("\n"), form.more.split("\n"))
    except CannotCheck as no:
        wrong = Filled(form.model_dump()).with_error(*why_words(no.why, context.words))
        return context.show(await _list_view(context, wrong), 422)
    return context.redirect("/desk/helpers", note="saved")


# --- One member ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _One:
    member: Member
    checks: list[Check]
    until: date | None


def _read_one(tx: ReadTx, no: int, settings: SchemeSettings, today: date) -> _One:
    member = member_by_no(tx, no)
    if member is None or member.is_erased:
        raise NoSuchPage
    return _One(member=member, checks=checks_of(tx, no), until=helper_until(tx, member, settings, today))


async def helper(context: Context) -> web.Response:
    """GET /desk/helpers/{no}"""
    return context.show(_view(context, await _find(context)))


async def _find(context: Context) -> _One:
    return await context.read(_read_one, context.number("no"), context.settings, context.node.helpers.today())


def _view(context: Context, read: _One, form: Filled | None = None) -> HelperView:
    words, today, here = context.words, context.node.helpers.today(), _href(read.member)
    mine = read.member.no == context.member.no
    needed, others = needed_checks(context.settings), other_checks(context.settings)
    alive = {fold(check.what) for check in read.checks if check.counts(today)}
    lacking = [what for what in needed if fold(what) not in alive]
    return HelperView(
        name=read.member.name,
        number=read.member.number,
        member_href=f"/admin/members/{read.member.no}",
        badge=badge_words(read.until, words),
        lacking=words.gettext("Missing for a checked helper: %(what)s") % {"what": ", ".join(lacking)}
        if lacking
        else "",
        rows=tuple(
            check_row(check, today, words, withdraw_action="" if mine else f"{here}/{check.no}/withdraw")
            for check in read.checks
        ),
        form=form or Filled({"checked": short_day(today, words)}),
        whats=tuple(Option(value=what, text=what) for what in (*needed, *others)),
        action="" if mine or read.member.state is State.LEFT else here,
    )


async def record(context: Context) -> web.Response:
    """POST /desk/helpers/{no}: something was checked."""
    read, form = await _find(context), context.form(CheckForm)
    if isinstance(form, Filled):
        return context.show(_view(context, read, form), 422)
    today, words = context.node.helpers.today(), context.words
    checked, until = (read_day(typed, today, context.language) for typed in (form.checked, form.until))
    wrong = Filled(form.model_dump())
    for name, day in (("checked", checked), ("until", until)):
        if day is None:
            wrong = wrong.with_error(name, words.gettext("Please write a day, for example 4 Mar 2027."))
    if checked is None or until is None:
        return context.show(_view(context, read, wrong), 422)
    new = NewCheck(member_no=read.member.no, what=form.what, checked=checked, until=until, note=form.note)
    try:
        await context.node.helpers.record(context.actor, new)
    except CannotCheck as no:
        return context.show(_view(context, read, wrong.with_error(*why_words(no.why, words))), 422)
    except NotAllowed:
        raise WrongRole from None
    return context.redirect(_href(read.member), note="saved")


async def withdraw(context: Context) -> web.Response:
    """POST /desk/helpers/{no}/{check}/withdraw"""
    read, no, form = await _find(context), context.number("check"), context.form(WithdrawForm)
    if no not in {check.no for check in read.checks}:
        raise NoSuchPage
    if not isinstance(form, Filled):
        try:
            await context.node.helpers.withdraw(context.actor, no, form.reason)
        except CannotCheck:
            return context.redirect(_href(read.member), note="changed")  # withdrawn before
        except NotAllowed:
            raise WrongRole from None
        else:
            return context.redirect(_href(read.member), note="saved")
    view = _view(context, read)
    rows = tuple(replace(row, form=form) if row.prefix == f"c{no}-" else row for row in view.rows)
    return context.show(replace(view, rows=rows), 422)


ROUTES: Final[tuple[Route, ...]] = (
    get("/desk/helpers", helpers, ORGANISER),
    post("/desk/helpers", lists, ORGANISER),
    get("/desk/helpers/{no}", helper, ORGANISER),
    post("/desk/helpers/{no}", record, ORGANISER),
    post("/desk/helpers/{no}/{check}/withdraw", withdraw, ORGANISER),
)
