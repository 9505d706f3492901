"""Writing to somebody of another scheme who borrows a thing: everybody who owns it can, not only whoever they asked.

Source: docs/pages.md 8.18; docs/protocol.md 5.9, 7.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.acts import clip
from node.services.booking_guests import Guest
from node.services.letters import CannotWrite, Writing
from node.services.request_rows import handle_of, request_about
from node.services.threads import thread_with, threads_of
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import EMPTY, Filled
from node.web.pages.abroad_words import scheme_called
from node.web.pages.booking_sides import read_one
from node.web.pages.member_messages import PRESSED_TWICE_MS, MessageForm, why_not
from node.web.pages.schemes import schemes_known
from node.web.views.member import ThreadView
from protocol.booking import Side
from protocol.errors import InvalidValue
from protocol.limits import LETTER_NAME_BYTES_MAX
from protocol.names import Handle, ItemKey


@dataclass(frozen=True, slots=True)
class _Borrower:
    """Who is written to, about what, and the reader's conversation with them if there is one."""

    guest: Guest
    handle: Handle
    key: ItemKey
    thread_no: int | None


def _read(tx: ReadTx, no: int, account_no: int, now_ms: int) -> _Borrower | None:
    shown = read_one(tx, no, account_no, now_ms)
    if shown is None or shown.side is not Side.OWNER or not isinstance(shown.other, Guest):
        return None
    request = request_about(tx, shown.booking.kind, shown.booking.no)
    handle = None if request is None else handle_of(tx, request)
    if handle is None:
        return None
    known = thread_with(tx, account_no, shown.other.scheme, Handle(handle))
    return _Borrower(shown.other, Handle(handle), shown.booking.key, known)


async def _find(context: Context) -> _Borrower:
    found = await context.read(_read, context.number("number"), context.member.account_no, context.now_ms)
    if found is None:
        raise NoSuchPage
    return found


async def _view(context: Context, found: _Borrower, form: Filled = EMPTY) -> ThreadView:
    return ThreadView(
        name=found.guest.name,
        badge=scheme_called(found.guest.scheme, await schemes_known(context), context.words),
        person_href="",
        about=None,
        messages=(),
        older_href="",
        starters=(),
        form=form,
        once=context.once(),
        action=f"/my/guests/{context.number('number')}",
        record_href="",
    )


async def new(context: Context) -> web.Response:
    """GET /my/guests/{number}: a first message, or the conversation that there is."""
    found = await _find(context)
    if found.thread_no is not None:
        return context.redirect(f"/messages/{found.thread_no}")
    return context.show(await _view(context, found))


async def begin(context: Context) -> web.Response:
    """POST /my/guests/{number}"""
    found, me = await _find(context), context.member
    form = context.form(MessageForm)
    if isinstance(form, Filled):
        return context.show(await _view(context, found, form), 422)
    if await context.read(_said_already, me.account_no, found.thread_no, form.text, context.now_ms):
        return context.redirect(f"/messages/{found.thread_no}")
    writing = Writing(
        account_no=me.account_no, name=clip(me.public_name, LETTER_NAME_BYTES_MAX), scheme=found.guest.scheme,
        to_handle=found.handle, to_name=found.guest.name, listing=(context.node.scheme, found.key), text=form.text,
    )  # fmt: skip
    try:
        number = await context.node.letters.write_known(writing)
    except (CannotWrite, InvalidValue) as no:
        trouble = Filled({"text": form.text}).with_error("text", why_not(no, found.guest.name, context))
        return context.show(await _view(context, found, trouble), 422)
    return context.redirect(f"/messages/{number}", note="sent")


def _said_already(tx: ReadTx, account_no: int, thread_no: int | None, text: str, now_ms: int) -> bool:
    """Query: whether the same words were sent a moment ago."""
    return any(
        thread.no == thread_no and last.mine and last.text == text and now_ms - last.at_ms < PRESSED_TWICE_MS
        for thread, last in threads_of(tx, account_no)[0]
    )


ROUTES: Final = (
    get("/my/guests/{number}", new, MEMBER),
    post("/my/guests/{number}", begin, MEMBER),
)
