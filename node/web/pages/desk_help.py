"""The organisers' desk: who asks for help, who could help, and what helpers say. Source: docs/pages.md 7.6."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from aiohttp import web

from node.services.help_matching import Fitting, fitting_helpers
from node.services.help_rows import (
    Answer,
    Request,
    answers_to,
    ended_requests,
    open_requests,
    request_by_no,
)
from node.services.helping import CannotHelp
from node.services.members import Member, member_by_no
from node.services.settings import SchemeSettings
from node.store import ReadTx
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled, Form, WholeNumber, line
from node.web.pages.help_words import answer_pill, cannot_help_words, help_facts, help_pill
from node.web.pages.helper_words import badge_words
from node.web.pages.member_profile import skills_said
from node.web.present import Voice, distance, name_of
from node.web.views.helping import HelpDeskView, HelperCard, HelpMatchView, HelpRow
from node.web.views.page import Empty, Fact, Link
from node.web.words import Words
from protocol.helping import OPEN, HelpEvent, HelpState

WORDS_CHARACTERS_MAX: Final = 200
ENDED_SHOWN: Final = 10
SKILLS_SHOWN: Final = 4


class AskForm(Form):
    helper: WholeNumber


class CloseForm(Form):
    words: line(WORDS_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field


# --- The list -----------------------------------------------------------------------------------------------------

_Row = tuple[Request, Member | None, int]  # with how many helpers were asked


def _read_list(tx: ReadTx) -> tuple[list[_Row], list[_Row]]:
    def of(request: Request) -> _Row:
        return request, member_by_no(tx, request.member_no), len(answers_to(tx, request.no))

    return [of(each) for each in open_requests(tx)], [of(each) for each in ended_requests(tx)[:ENDED_SHOWN]]


async def help_list(context: Context) -> web.Response:
    """GET /desk/help"""
    alive, ended = await context.read(_read_list)
    nothing = Empty(text=context.words.gettext("Nobody asks for help."))
    return context.show(
        HelpDeskView(
            waiting=tuple(_row(context, each) for each in alive if each[0].state is HelpState.WAITING),
            found=tuple(_row(context, each) for each in alive if each[0].state is HelpState.FOUND),
            ended=tuple(_row(context, each) for each in ended),
            empty=None if alive or ended else nothing,
        )
    )


def _row(context: Context, row: _Row) -> HelpRow:
    request, asker, asked = row
    words = context.words
    said = words.ngettext("%(num)d helper asked", "%(num)d helpers asked", asked) % {"num": asked}
    name = "" if asker is None else name_of(asker, words)
    return HelpRow(
        href=_href(request),
        what=request.what or words.gettext("Erased"),
        state=help_pill(request.state, words),
        lines=(", ".join(each for each in (name, request.when, request.place) if each), said),
    )


def _href(request: Request) -> str:
    return f"/desk/help/{request.no}"


# --- One request --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    request: Request
    asker: Member
    answers: list[tuple[Answer, Member | None]]
    fitting: list[Fitting]


def _read(tx: ReadTx, no: int, settings: SchemeSettings, today: date, called: str) -> _Read:
    request = request_by_no(tx, no)
    asker = None if request is None else member_by_no(tx, request.member_no)
    if request is None or asker is None:
        raise NoSuchPage
    waits = request.state is HelpState.WAITING
    return _Read(
        request=request,
        asker=asker,
        answers=[(each, member_by_no(tx, each.helper_no)) for each in answers_to(tx, no).values()],
        fitting=fitting_helpers(tx, request, asker, settings, today, called) if waits else [],
    )


async def _find(context: Context) -> _Read:
    today = context.node.helpers.today()
    return await context.read(_read, context.number("no"), context.settings, today, context.query("q"))


async def one(context: Context) -> web.Response:
    """GET /desk/help/{no}?q"""
    return context.show(_view(context, await _find(context)))


def _view(context: Context, read: _Read, *, said: Filled = EMPTY, close: Filled = EMPTY) -> HelpMatchView:
    request, words, here = read.request, context.words, _href(read.request)
    _, found = words.gettext, request.state is HelpState.FOUND
    knows = (
        _("Helpers who are asked read the name.")
        if request.named
        else _("Helpers read the name after a yes.")
    )
    return HelpMatchView(
        what=request.what or _("Erased"),
        state=help_pill(request.state, words),
        facts=(
            *help_facts(request, context.voice),
            *_ways(read.asker, words),
            Fact(label=_("Who knows of it"), text=knows),
        ),
        asker=Link(text=name_of(read.asker, words), href=f"/admin/members/{read.asker.no}"),
        answers=tuple(
            HelpRow(
                href=f"/admin/members/{answer.helper_no}",
                what="" if helper is None else name_of(helper, words),
                state=answer_pill(answer.state, words),
                lines=(answer.said,) if answer.said else (),
            )
            for answer, helper in read.answers
        ),
        fitting=tuple(_card(each, context.voice) for each in read.fitting),
        query=context.query("q"),
        note=_note(read, words),
        said=said,
        ask_action=f"{here}/ask" if request.state is HelpState.WAITING else "",
        close_form=close,
        close_action=f"{here}/close" if request.state in OPEN else "",
        done_action=f"{here}/done" if found else "",
        another_action=f"{here}/another" if found else "",
    )


def _ways(asker: Member, words: Words) -> list[Fact]:
    _ = words.gettext
    shown = ((_("Phone"), asker.phone), (_("E-mail"), asker.email or ""))
    return [Fact(label=label, text=text) for label, text in shown if text]


def _note(read: _Read, words: Words) -> str:
    if read.request.state is not HelpState.WAITING:
        return ""
    if not read.fitting:
        return words.gettext("Nobody fits. Look for a name, or ring somebody and check them first.")
    return words.gettext("Only checked helpers are shown, as asked for.") if read.request.checked_only else ""


def _card(one: Fitting, voice: Voice) -> HelperCard:
    _ = voice.words.gettext
    said = skills_said(one.skills, voice.words)
    lines = []
    if one.refused:
        lines.append(_("Asked before."))
    if said:
        lines.append(_("Can do: %(what)s") % {"what": ", ".join(said[:SKILLS_SHOWN])})
    where = ", ".join(each for each in (one.member.place, distance(one.km, voice)) if each)
    return HelperCard(
        name=one.member.name,
        number=one.member.number,
        href=f"/admin/members/{one.member.no}",
        badge=badge_words(one.until, voice.words),
        lines=(*lines, where) if where else tuple(lines),
    )


async def ask(context: Context) -> web.Response:
    """POST /desk/help/{no}/ask: bring it to a helper."""
    read, form = await _find(context), context.form(AskForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    try:
        await context.node.helping.bring(context.actor, read.request.no, form.helper)
    except LookupError:
        raise NoSuchPage from None
    except CannotHelp as no:
        return await _refused(context, no)
    return context.redirect(_href(read.request), note="help-brought")


async def _refused(context: Context, no: CannotHelp) -> web.Response:
    said = Filled().with_error("", cannot_help_words(no.why, context.words))
    return context.show(_view(context, await _find(context), said=said), 422)


async def close(context: Context) -> web.Response:
    """POST /desk/help/{no}/close: nobody is found."""
    read, form = await _find(context), context.form(CloseForm)
    if isinstance(form, Filled):
        return context.show(_view(context, read, close=form), 422)
    try:
        await context.node.helping.close(context.actor, read.request.no, form.words)
    except CannotHelp as no:
        return await _refused(context, no)
    return context.redirect(_href(read.request), note="saved")


async def _settle(context: Context, event: HelpEvent) -> web.Response:
    read = await _find(context)
    try:
        await context.node.helping.settle(context.actor, read.request.no, event)
    except CannotHelp as no:
        return await _refused(context, no)
    return context.redirect(_href(read.request), note="saved")


async def done(context: Context) -> web.Response:
    """POST /desk/help/{no}/done"""
    return await _settle(context, HelpEvent.DONE)


async def another(context: Context) -> web.Response:
    """POST /desk/help/{no}/another"""
    return await _settle(context, HelpEvent.ANOTHER)


ROUTES: Final[tuple[Route, ...]] = (
    get("/desk/help", help_list, ORGANISER),
    get("/desk/help/{no}", one, ORGANISER),
    post("/desk/help/{no}/ask", ask, ORGANISER),
    post("/desk/help/{no}/close", close, ORGANISER),
    post("/desk/help/{no}/done", done, ORGANISER),
    post("/desk/help/{no}/another", another, ORGANISER),
)
