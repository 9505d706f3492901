"""How a lent thing was, in pictures: sent by either side, seen by both, and by organisers while one of the two complains.

Source: docs/protocol.md 5.9; docs/pages.md 7.2, 7.4.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Final

from aiohttp import web

from node.services.afterwards import complaint_by_no
from node.services.booking_guests import Guest
from node.services.members import member_by_no
from node.services.picture_rows import Kept, picture_by_no, pictures_of_booking, pictures_of_two
from node.services.request_rows import request_about
from node.services.sealed_pictures import told_of
from node.services.trades import trade_by_no
from node.store import ReadTx
from node.web.context import MEMBER, ORGANISER, Context, NoSuchPage, get
from node.web.forms import EMPTY, Filled, Form, line
from node.web.pages.abroad_thing import told_shown
from node.web.pages.booking_sides import Shown, read_one
from node.web.pages.pictures import picture_answer, size_asked
from node.web.pages.pictures_shown import take_sent
from node.web.views.booking import Condition
from node.web.views.page import PictureShown
from protocol.booking import TAKES_TIME, BookingState

# While it is agreed or out, and when it has just come back: what is seen at home counts too.
_MAY_SEND: Final = TAKES_TIME | {BookingState.RETURNED}


class ConditionForm(Form):
    """What is on a picture."""

    words: line(120)  # type: ignore[valid-type]  # `line` makes the type of a field


async def condition_part(context: Context, shown: Shown, form: Filled = EMPTY) -> Condition | None:
    """Return how the thing was, for its two sides; None of what nobody lends to anybody, or not yet."""
    booking = shown.booking
    stands = booking.stands(context.node.bookings.wall(context.now_ms))
    if booking.own_use or booking.kind == "stay":
        return None
    kept = await context.read(_with_names, booking.no)
    here = f"/my/bookings/{booking.no}"
    theirs: tuple[tuple[PictureShown, str], ...] = ()
    request = (
        await context.read(request_about, booking.kind, booking.no)
        if isinstance(shown.other, Guest)
        else None
    )
    if request is not None:
        theirs = await told_shown(context, await context.read(told_of, request.no), here, shown.name)
    if not kept and not theirs and stands not in _MAY_SEND:
        return None
    return Condition(
        pictures=(*conditions_shown(context, kept, here), *theirs),
        action=f"{here}/picture" if stands in _MAY_SEND else "",
        form=form,
        two_alone=isinstance(shown.other, Guest),
    )


def conditions_shown(
    context: Context, kept: Iterable[tuple[Kept, str]], here: str
) -> tuple[tuple[PictureShown, str], ...]:
    """Return pictures for a page at `here`, each with who showed it, and when."""
    return tuple(
        (_shown(each, here), f"{name}, {context.voice.moment(each.taken_ms)}") for each, name in kept
    )


def _shown(kept: Kept, here: str) -> PictureShown:
    base = f"{here}/pictures/{kept.no}"
    return PictureShown(
        src=f"{base}/page",
        width=kept.page_width,
        height=kept.page_height,
        words=kept.words,
        full=f"{base}/full",
    )


def _with_names(tx: ReadTx, booking_no: int) -> list[tuple[Kept, str]]:
    """Query: the pictures of a booking, each with the name of whoever sent it."""
    return _named(tx, pictures_of_booking(tx, booking_no))


def _named(tx: ReadTx, kept: list[Kept]) -> list[tuple[Kept, str]]:
    found = {each.member_no: member_by_no(tx, each.member_no) for each in kept}
    names = {no: "" if member is None else member.name or member.number for no, member in found.items()}
    return [(each, names[each.member_no]) for each in kept]


def read_conditions(tx: ReadTx, complaint_no: int) -> list[tuple[Kept, str]]:
    """Query: how whatever the two sides of a complaint lent each other was; nothing once it is closed."""
    complaint = complaint_by_no(tx, complaint_no)
    if complaint is None or complaint.state != "open":
        return []
    trade = trade_by_no(tx, complaint.trade_no)
    if trade.payer_no is None or trade.payee_no is None:
        return []
    return _named(tx, pictures_of_two(tx, trade.payer_no, trade.payee_no))


async def take_condition(context: Context, shown: Shown) -> Filled:
    """Keep the picture that was sent of a booking; return the form again with what is wrong, if anything is."""
    form, _ = context.form(ConditionForm), context.words.gettext
    if isinstance(form, Filled):
        return form
    stands = shown.booking.stands(context.node.bookings.wall(context.now_ms))
    if shown.booking.own_use or shown.booking.kind == "stay" or stands not in _MAY_SEND:
        raise NoSuchPage
    typed = Filled({"words": form.words})
    if not context.file:
        return typed.with_error("picture", _("Please choose a picture."))
    request = await context.read(request_about, shown.booking.kind, shown.booking.no)
    pictures, booking, me = context.node.pictures, shown.booking, context.member.no

    def keep(file: bytes) -> Awaitable[Kept]:
        if request is None or not isinstance(shown.other, Guest):
            return pictures.take_condition(me, booking.no, file, form.words)
        return pictures.take_shared(
            me,
            request,
            booking.no,
            file,
            form.words,
            lambda tx: context.node.bookings_abroad.show_in(tx, booking),
        )

    taken = await take_sent(context, keep)
    return typed.with_error("picture", taken) if isinstance(taken, str) else EMPTY


# --- Doors ---------------------------------------------------------------------------------------------------


async def booking_picture(context: Context) -> web.Response:
    """GET /my/bookings/{number}/pictures/{picture}/{size}: for the two sides."""
    no = context.number("number")
    shown = await context.read(read_one, no, context.member.account_no, context.now_ms)
    kept = await context.read(picture_by_no, context.number("picture"))
    if shown is None or kept is None or kept.booking_no != no:
        raise NoSuchPage
    return await picture_answer(context, kept, size_asked(context))


async def complaint_picture(context: Context) -> web.Response:
    """GET /admin/complaints/{number}/pictures/{picture}/{size}: for organisers, while the complaint is open."""
    wanted, size = context.number("picture"), size_asked(context)
    for kept, _ in await context.read(read_conditions, context.number("number")):
        if kept.no == wanted:
            return await picture_answer(context, kept, size)
    raise NoSuchPage


ROUTES: Final = (
    get("/my/bookings/{number}/pictures/{picture}/{size}", booking_picture, MEMBER),
    get("/admin/complaints/{number}/pictures/{picture}/{size}", complaint_picture, ORGANISER),
)
