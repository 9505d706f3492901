"""Help that its reader asks for in private, or is asked for. Open to whoever asks and to helpers who were asked; to nobody else.

Source: docs/pages.md 7.6.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.acting import Did
from node.services.help_rows import (
    Answer,
    Request,
    answers_to,
    request_by_no,
)
from node.services.helper_rows import helper_until
from node.services.helping import CannotHelp, Noted
from node.services.members import Member, member_by_no
from node.services.settings import SchemeSettings
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, Form, line
from node.web.pages.help_words import (
    answer_pill,
    cannot_help_words,
    help_facts,
    help_pill,
)
from node.web.pages.helper_words import badge_words
from node.web.present import first_name
from node.web.views.helping import HelpView
from node.web.views.page import Fact, Link
from node.web.words import Words
from protocol.helping import OPEN, AnswerState, HelpEvent, HelpState

SAID_CHARACTERS_MAX: Final = 200


class AnswerForm(Form):
    said: line(SAID_CHARACTERS_MAX)  # type: ignore[valid-type]  # makes the type of a field


def href_of(request: Request) -> str:
    """Return the address of a request, for those who may read it."""
    return f"/my/help/{request.no}"


def also_for(context: Context, did: Did, what: str) -> Noted | None:
    """Return what notes an act by an organiser's hand, and tells the member."""
    return None if context.behalf is None else context.node.acting.of(context.behalf, did, what)


# --- One request --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    request: Request
    asker: Member
    answer: Answer | None  # the reader's own, where they were asked
    coming: Answer | None  # of whoever comes
    helper: Member | None
    until: date | None  # for how long that helper is a checked one


def _read(tx: ReadTx, no: int, me: int, settings: SchemeSettings, today: date) -> _Shown:
    """Query: a request of the reader's, or one that was brought to them. Raises NoSuchPage."""
    request = request_by_no(tx, no)
    answers = {} if request is None else answers_to(tx, no)
    if request is None or (request.member_no != me and me not in answers):
        raise NoSuchPage
    asker = member_by_no(tx, request.member_no)
    assert asker is not None, "members are never deleted"
    coming = next((each for each in answers.values() if each.state is AnswerState.YES), None)
    helper = None if coming is None else member_by_no(tx, coming.helper_no)
    return _Shown(
        request=request, asker=asker, answer=answers.get(me), coming=coming, helper=helper,
        until=None if helper is None else helper_until(tx, helper, settings, today),
    )  # fmt: skip


async def _find(context: Context) -> _Shown:
    today = context.node.helpers.today()
    return await context.read(_read, context.number("no"), context.member.no, context.settings, today)


async def one(context: Context) -> web.Response:
    """GET /my/help/{no}"""
    return context.show(_view(context, await _find(context)))


def _view(context: Context, shown: _Shown) -> HelpView:
    return _askers(context, shown) if shown.asker.no == context.member.no else _helpers(context, shown)


def _askers(context: Context, shown: _Shown) -> HelpView:
    words, request, here, helper = context.words, shown.request, href_of(shown.request), shown.helper
    _ = words.gettext
    found, links = request.state is HelpState.FOUND, []
    if helper is not None:
        links.append(
            Link(text=_("Message %(name)s") % {"name": helper.name}, href=f"/messages/new?to={helper.number}")
        )
        if helper.may_trade:
            links.append(
                Link(
                    text=_("Pay %(name)s") % {"name": helper.name},
                    href=_record("/record/what", helper, request),
                )
            )
    knows = (
        _("Organisers, and helpers whom they ask.")
        if request.named
        else _("Organisers. Helpers whom they ask read your name once they have said yes.")
    )
    return HelpView(
        what=request.what,
        state=help_pill(request.state, words),
        sentence=_askers_sentence(request, helper, words),
        facts=(*help_facts(request, context.voice), Fact(label=_("Who knows of it"), text=knows)),
        helper=None if helper is None else Link(text=helper.name, href=f"/people/{helper.number}"),
        helper_badge=badge_words(shown.until, words),
        said="" if shown.coming is None else shown.coming.said,
        links=tuple(links),
        done_action=f"{here}/done" if found else "",
        another_action=f"{here}/another" if found else "",
        back_action=f"{here}/back" if request.state in OPEN else "",
    )


def _askers_sentence(request: Request, helper: Member | None, words: Words) -> str:
    _, name = words.gettext, "" if helper is None else helper.name
    match request.state:
        case HelpState.WAITING:
            return _("The organisers look for somebody, and you are told.")
        case HelpState.FOUND:
            return _("%(name)s comes. Agree with each other on the rest, and record it afterwards.") % {
                "name": name
            }
        case HelpState.DONE:
            return _("%(name)s helped you.") % {"name": name}
        case HelpState.TAKEN_BACK:
            return _("You took it back.")
        case HelpState.CLOSED:
            return request.outcome


def _helpers(context: Context, shown: _Shown) -> HelpView:
    words, request, here, answer = context.words, shown.request, href_of(shown.request), shown.answer
    assert answer is not None, "asked"
    _, asked, comes = words.gettext, answer.state is AnswerState.ASKED, answer.state is AnswerState.YES
    facts: list[Fact] = []
    if asked or comes:  # whoever does not come need not know more
        if comes or request.named:
            facts.append(Fact(label=_("Who"), text=shown.asker.name))
        facts += help_facts(request, context.voice)
    links = []
    if comes:
        name = {"name": shown.asker.name}
        links.append(Link(text=_("Message %(name)s") % name, href=f"/messages/new?to={shown.asker.number}"))
        if shown.asker.may_trade:
            links.append(
                Link(
                    text=_("Ask %(name)s to pay you") % name, href=_record("/ask/what", shown.asker, request)
                )
            )
    return HelpView(
        what=request.what,
        state=answer_pill(answer.state, words),
        sentence=_helpers_sentence(shown, answer, words),
        facts=tuple(facts),
        said=answer.said,
        links=tuple(links),
        yes_action=f"{here}/yes" if asked else "",
        no_action=f"{here}/no" if asked else "",
        off_action=f"{here}/off" if comes and request.state is HelpState.FOUND else "",
    )


def _helpers_sentence(shown: _Shown, answer: Answer, words: Words) -> str:
    _, name = words.gettext, {"name": first_name(shown.asker.name)}
    match answer.state:
        case AnswerState.ASKED if shown.request.named:
            return _("An organiser asks whether you can help.")
        case AnswerState.ASKED:
            return _("An organiser asks whether you can help. You read who it is when you have said yes.")
        case AnswerState.YES if shown.request.state is HelpState.DONE:
            return _("You helped %(name)s. Thank you.") % name
        case AnswerState.YES:
            return _("You said yes. %(name)s knows that you come. Agree with each other on the rest.") % name
        case AnswerState.NO:
            return _("You said that you cannot help.")
        case AnswerState.OVER:
            return _("Thank you. Nothing is to be done any more.")


def _record(path: str, other: Member, request: Request) -> str:
    """Return where a trade about it is recorded, with everything filled in that is known."""
    return f"{path}?{urlencode({'who': other.number, 'what': request.what})}"


Act = Callable[[_Shown], Awaitable[None]]


async def _done(context: Context, act: Act, note: str) -> web.Response:
    """Do something with a request, and show how it stands; or why it was not done."""
    shown = await _find(context)
    try:
        await act(shown)
    except LookupError:
        raise NoSuchPage from None
    except CannotHelp as no:
        wrong = Filled().with_error("", cannot_help_words(no.why, context.words))
        return context.show(replace(_view(context, await _find(context)), once_said=wrong), 422)
    return context.redirect(href_of(shown.request), note=note)


async def back(context: Context) -> web.Response:
    """POST /my/help/{no}/back"""

    async def act(shown: _Shown) -> None:
        also = also_for(context, Did.HELP_TAKEN_BACK, shown.request.what)
        await context.node.helping.take_back(context.member, shown.request.no, also)

    return await _done(context, act, "saved")


async def done(context: Context) -> web.Response:
    """POST /my/help/{no}/done"""

    async def act(shown: _Shown) -> None:
        also = also_for(context, Did.HELP_DONE, shown.request.what)
        await context.node.helping.done(context.member, shown.request.no, also)

    return await _done(context, act, "help-done")


async def another(context: Context) -> web.Response:
    """POST /my/help/{no}/another"""

    async def act(shown: _Shown) -> None:
        also = also_for(context, Did.HELP_ANOTHER, shown.request.what)
        await context.node.helping.another(context.member, shown.request.no, also)

    return await _done(context, act, "help-asked")


async def yes(context: Context) -> web.Response:
    """POST /my/help/{no}/yes"""
    return await _answer(context, HelpEvent.SAY_YES, Did.HELP_YES, "help-yes")


async def no(context: Context) -> web.Response:
    """POST /my/help/{no}/no"""
    return await _answer(context, HelpEvent.SAY_NO, Did.HELP_NO, "help-no")


async def off(context: Context) -> web.Response:
    """POST /my/help/{no}/off"""
    return await _answer(context, HelpEvent.CALL_OFF, Did.HELP_OFF, "help-no")


async def _answer(context: Context, event: HelpEvent, did: Did, note: str) -> web.Response:
    form = context.form(AnswerForm)
    if isinstance(form, Filled):
        shown = await _find(context)
        return context.show(replace(_view(context, shown), once_said=form), 422)
    said = form.said

    async def act(shown: _Shown) -> None:
        also = also_for(context, did, shown.request.what)
        await context.node.helping.answer(context.member, shown.request.no, event, said, also)

    return await _done(context, act, note)


ROUTES: Final = (
    get("/my/help/{no}", one, MEMBER, for_others=True),
    post("/my/help/{no}/back", back, MEMBER, for_others=True),
    post("/my/help/{no}/done", done, MEMBER, for_others=True),
    post("/my/help/{no}/another", another, MEMBER, for_others=True),
    post("/my/help/{no}/yes", yes, MEMBER, for_others=True),
    post("/my/help/{no}/no", no, MEMBER, for_others=True),
    post("/my/help/{no}/off", off, MEMBER, for_others=True),
)
