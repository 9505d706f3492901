"""Help: what its reader asked for or is asked, and asking for some. One request is in `member_help.py`. Source: docs/pages.md 7.6."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.acting import Did
from node.services.help_rows import NewRequest, Request, brought_to, requests_of
from node.services.helping import CannotHelp
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, SpendForm, Tick, line, once_key
from node.web.pages.help_words import answer_pill, cannot_help_words, category_choices, help_pill
from node.web.pages.member_help import also_for, href_of
from node.web.views.helping import HelpRow, MyHelpView, NewHelpView
from node.web.views.member import WaitingCard
from node.web.views.page import Empty, Link, Pill
from node.web.words import Words
from protocol.helping import AnswerState, HelpState

TASK_CHARACTERS_MAX: Final = 120
WHEN_CHARACTERS_MAX: Final = 80
WHERE_CHARACTERS_MAX: Final = 60


class HelpForm(SpendForm):
    task: line(TASK_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below
    when: line(WHEN_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above
    where: line(WHERE_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above
    category: line(40)  # type: ignore[valid-type]  # see above
    checked: Tick
    named: Tick


# --- The list -----------------------------------------------------------------------------------------------------


def _read_mine(tx: ReadTx, no: int) -> tuple[list[Request], list[tuple[Request, AnswerState]]]:
    return requests_of(tx, no), brought_to(tx, no)


async def help_list(context: Context) -> web.Response:
    """GET /my/help"""
    mine, brought = await context.read(_read_mine, context.member.no)
    nothing = Empty(
        text=context.words.gettext("You asked for nothing, and nobody asked you."),
        action=Link(text=context.words.gettext("Ask for help"), href="/my/help/new"),
    )
    return context.show(
        MyHelpView(
            asked=tuple(_row(each, help_pill(each.state, context.words)) for each in mine),
            brought=tuple(_row(each, answer_pill(answer, context.words)) for each, answer in brought),
            empty=None if mine or brought else nothing,
        )
    )


def _row(request: Request, pill: Pill) -> HelpRow:
    return HelpRow(href=href_of(request), what=request.what, state=pill, lines=(request.when,))


# --- Asking -------------------------------------------------------------------------------------------------------


async def new(context: Context) -> web.Response:
    """GET /my/help/new"""
    return context.show(_new_view(context, Filled({"where": context.member.place, "checked": "yes"})))


def _new_view(context: Context, form: Filled) -> NewHelpView:
    site = context.scheme.site
    return NewHelpView(
        form=form,
        once=form.value("once") or context.once(),
        categories=category_choices(context.words),
        ring=", ".join(each for each in (site.help_name, site.help_phone) if each) if site.help_phone else "",
    )


async def ask(context: Context) -> web.Response:
    """POST /my/help/new"""
    form = context.form(HelpForm)
    kinds = {option.value for option in category_choices(context.words)}
    if isinstance(form, Filled):
        return context.show(_new_view(context, form), 422)
    request = NewRequest(
        what=form.task, when=form.when, place=form.where, category=form.category if form.category in kinds else "",
        checked_only=form.checked, named=form.named,
    )  # fmt: skip
    also = also_for(context, Did.HELP_ASKED, form.task)
    try:
        made = await context.node.helping.ask(context.member, request, once_key(form.once), also)
    except CannotHelp as no:
        typed = {name: context.fields.get(name, "") for name in HelpForm.model_fields}
        wrong = Filled(typed).with_error("", cannot_help_words(no.why, context.words))
        return context.show(_new_view(context, wrong), 422)
    if made.member_no != context.member.no:
        raise NoSuchPage  # another's form
    return context.redirect(href_of(made), note="help-asked")


# --- The first page -----------------------------------------------------------------------------------------------


def read_brought(tx: ReadTx, member_no: int) -> tuple[Request, ...]:
    """Query: what waits for a yes or no of a member's."""
    return tuple(
        request
        for request, answer in brought_to(tx, member_no)
        if answer is AnswerState.ASKED and request.state is HelpState.WAITING
    )


def help_cards(brought: tuple[Request, ...], words: Words) -> list[WaitingCard]:
    """Return what the first page of a helper says of them."""
    return [
        WaitingCard(
            title=words.gettext("Can you help?"),
            text=f"{request.what}. {request.when}",
            action=Link(text=words.gettext("Yes or no"), href=href_of(request)),
            private=True,
        )
        for request in brought
    ]


ROUTES: Final = (
    get("/my/help", help_list, MEMBER, for_others=True),
    get("/my/help/new", new, MEMBER, for_others=True),
    post("/my/help/new", ask, MEMBER, for_others=True),
)
