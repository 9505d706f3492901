"""The notice board of a group: pinning a note, one note with its answers, taking off, and telling the organisers.

Who may not read a board finds nothing at these addresses. Source: docs/pages.md 7.2; docs/protocol.md 5.12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from aiohttp import web

from node.services.acts import NotAllowed
from node.services.circle_board import BoardFull, Off, Said, may_take_off, note_by_no, replies_of
from node.services.circle_rows import shut_out
from node.services.reports import CannotReport
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, Route, WrongRole, get, post
from node.web.forms import EMPTY, Filled, Form, SpendForm, line, once_key, paragraphs
from node.web.pages.group_words import Found, base_of, find_readable, is_keeper, off_words
from node.web.pages.groups import group_view
from node.web.pages.member_report import ReportForm, cannot_report
from node.web.pages.recording import ring
from node.web.present import paragraphs_of
from node.web.views.circles import NoteView, SaidItem
from node.web.views.page import Link
from node.web.views.reports import ReportView
from protocol.circle import INSIDE
from protocol.limits import (
    CIRCLE_NOTE_CHARACTERS_MAX,
    CIRCLE_NOTE_TITLE_CHARACTERS_MAX,
    CIRCLE_REASON_CHARACTERS_MAX,
    CIRCLE_REPLY_CHARACTERS_MAX,
)
from protocol.names import SchemeId


class NoteForm(SpendForm):
    title: line(CIRCLE_NOTE_TITLE_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below
    text: paragraphs(CIRCLE_NOTE_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above


class AnswerForm(SpendForm):
    text: paragraphs(CIRCLE_REPLY_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above


class ChangeForm(Form):
    """What is done with a note or an answer below it; why, where it is somebody else's."""

    act: Literal["pin", "unpin", "take-off"]
    answer: line(12)  # type: ignore[valid-type]  # the number of an answer; see above
    reason: line(CIRCLE_REASON_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above


async def note(context: Context) -> web.Response:
    """POST /groups/{key}/notes: pin a note to the board."""
    found = await find_readable(context)
    form = context.form(NoteForm)
    if isinstance(form, Filled):
        return context.show(await group_view(context, found, form), 422)
    try:
        await context.node.circle_board.post(
            found.known.key, context.member, form.title, form.text, once_key(form.once)
        )
    except LookupError:
        raise NoSuchPage from None
    except NotAllowed:
        raise WrongRole from None
    return context.redirect(base_of(found.known), note="noted")


# --- One note -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """A note that the reader may read, with what was answered below it."""

    group: Found
    note: Said
    answers: list[Said]
    base: str


def _read(
    tx: ReadTx, no: int, account_no: int, own: SchemeId
) -> tuple[Said | None, list[Said], frozenset[int]]:
    said = note_by_no(tx, no)
    return said, [] if said is None else replies_of(tx, no), shut_out(tx, account_no, own)


async def _find(context: Context) -> Shown:
    """Return the note of this address. Raises NoSuchPage: none, not theirs to read, or by somebody they shut out."""
    found, me = await find_readable(context), context.member
    number = context.number("number")
    said, answers, shut = await context.read(_read, number, me.account_no, context.node.scheme)
    if said is None or said.of_no != found.known.no or not said.shows_to(me.no) or said.member_no in shut:
        raise NoSuchPage
    shown = [each for each in answers if each.shows_to(me.no) and each.member_no not in shut]
    return Shown(found, said, shown, f"{base_of(found.known)}/notes/{said.no}")


async def note_page(context: Context) -> web.Response:
    """GET /groups/{key}/notes/{number}"""
    return context.show(_view(context, await _find(context)))


def _view(context: Context, shown: Shown, form: Filled = EMPTY, off_form: Filled = EMPTY) -> NoteView:
    found, said, me = shown.group, shown.note, context.member
    on_board = said.removed_ms is None
    return NoteView(
        group=Link(text=found.known.name, href=base_of(found.known)),
        note=_item(context, shown, said),
        base=shown.base,
        answers=tuple(_item(context, shown, each) for each in shown.answers),
        pin=("unpin" if said.pinned else "pin") if is_keeper(found, me) and on_board else "",
        may_answer=found.circle.standing_of(me.no) in INSIDE and on_board,
        once=context.once(),
        form=form,
        off_form=off_form,
    )


def _item(context: Context, shown: Shown, said: Said) -> SaidItem:
    """Return a note or an answer on the note's own page, with what its reader may do about it."""
    voice, mine, is_note = context.voice, said.member_no == context.member.no, said is shown.note
    on_board = said.removed_ms is None
    report = f"{shown.base}/report" + ("" if is_note else f"?answer={said.no}")
    return SaidItem(
        href="",
        title=said.title,
        author=said.author,
        when=voice.lately(said.created_ms),
        paragraphs=paragraphs_of(said.text),
        pinned=said.pinned,
        off=off_words(said.removed_ms, said.removed_by, said.reason, voice),
        no="" if is_note else str(said.no),
        may_take_away=mine,
        may_take_off=not mine and on_board and may_take_off(context.actor, shown.group.circle),
        report_href="" if mine or not on_board else report,
    )


async def answer(context: Context) -> web.Response:
    """POST /groups/{key}/notes/{number}/answer"""
    shown = await _find(context)
    form = context.form(AnswerForm)
    if isinstance(form, Filled):
        return context.show(_view(context, shown, form), 422)
    key, no = shown.group.known.key, shown.note.no
    try:
        await context.node.circle_board.reply(key, no, context.member, form.text, once_key(form.once))
    except LookupError:
        return context.redirect(base_of(shown.group.known), note="changed")
    except NotAllowed:
        raise WrongRole from None
    except BoardFull:
        full = context.words.gettext("So much was answered here that there is no more room.")
        wrong = Filled(form.model_dump()).with_error("text", full)
        return context.show(_view(context, shown, wrong), 422)
    return context.redirect(shown.base, note="sent")


async def change(context: Context) -> web.Response:
    """POST /groups/{key}/notes/{number}/change: pin, unpin, take off."""
    shown = await _find(context)
    form = context.form(ChangeForm)
    number = "" if isinstance(form, Filled) else form.answer
    if isinstance(form, Filled) or not (number == "" or (number.isascii() and number.isdigit())):
        raise NoSuchPage
    try:
        if form.act != "take-off":
            return await _pin(context, shown, form.act == "pin")
        return await _take_off(context, shown, int(number) if number else None, form.reason)
    except LookupError:
        return context.redirect(base_of(shown.group.known), note="changed")
    except NotAllowed:
        raise WrongRole from None


async def _pin(context: Context, shown: Shown, pinned: bool) -> web.Response:
    key, no = shown.group.known.key, shown.note.no
    try:
        await context.node.circle_board.pin(key, no, context.member, pinned)
    except BoardFull:
        full = context.words.gettext("As many notes are pinned as may be. Unpin one first.")
        return context.show(_view(context, shown, off_form=EMPTY.with_error("", full)), 422)
    return context.redirect(shown.base, note="saved")


async def _take_off(context: Context, shown: Shown, answer_no: int | None, reason: str) -> web.Response:
    what = next((each for each in shown.answers if each.no == answer_no), shown.note)
    if not reason and what.member_no != context.member.no:
        why = context.words.gettext("Please say why. Whoever wrote it reads it.")
        return context.show(_view(context, shown, off_form=EMPTY.with_error("reason", why)), 422)
    key, no = shown.group.known.key, shown.note.no
    became = await context.node.circle_board.take_off(key, no, answer_no, context.actor, reason)
    back = shown.base if answer_no is not None else base_of(shown.group.known)
    return context.redirect(back, note="note-gone" if became is Off.TAKEN_AWAY else "note-off")


# --- Telling the organisers -----------------------------------------------------------------------------------


def _reported(context: Context, shown: Shown, typed: str) -> Said:
    """Return what is reported: the note, or an answer below it, by somebody else. Raises NoSuchPage."""
    said = shown.note if not typed else next((each for each in shown.answers if str(each.no) == typed), None)
    if said is None or said.member_no == context.member.no or said.removed_ms is not None:
        raise NoSuchPage
    return said


def _report_view(context: Context, shown: Shown, said: Said, form: Filled = EMPTY) -> ReportView:
    _ = context.words.gettext
    told = {"name": said.author, "group": shown.group.known.name, "scheme": context.settings.name}
    asked = "" if said is shown.note else f"?answer={said.no}"
    return ReportView(
        what=_("What %(name)s wrote in “%(group)s”") % told,
        readers=_(
            "Only organisers of %(scheme)s read it. They see with it what was written, and nothing else of the group."
        )
        % told,
        ring=ring(context),
        form=form,
        action=f"{shown.base}/report{asked}",
        back=_back(context, shown),
    )


def _back(context: Context, shown: Shown) -> Link:
    return Link(text=context.words.gettext("Back to the note"), href=shown.base)


async def report(context: Context) -> web.Response:
    """GET /groups/{key}/notes/{number}/report?answer"""
    shown = await _find(context)
    return context.show(_report_view(context, shown, _reported(context, shown, context.query("answer"))))


async def report_sent(context: Context) -> web.Response:
    """POST /groups/{key}/notes/{number}/report?answer"""
    shown = await _find(context)
    said = _reported(context, shown, context.query("answer"))
    form = context.form(ReportForm)
    if isinstance(form, Filled):
        return context.show(_report_view(context, shown, said, form), 422)
    answer_no = None if said is shown.note else said.no
    try:
        await context.node.reports.on_board(context.member, shown.note.no, answer_no, form.text)
    except LookupError:
        raise NoSuchPage from None
    except CannotReport as no:
        return cannot_report(context, no.why, _back(context, shown))
    return context.redirect(shown.base, note="complained")


ROUTES: Final[tuple[Route, ...]] = (
    post("/groups/{key}/notes", note, MEMBER),
    get("/groups/{key}/notes/{number}", note_page, MEMBER),
    post("/groups/{key}/notes/{number}/answer", answer, MEMBER),
    post("/groups/{key}/notes/{number}/change", change, MEMBER),
    get("/groups/{key}/notes/{number}/report", report, MEMBER),
    post("/groups/{key}/notes/{number}/report", report_sent, MEMBER),
)
