"""How something that is lent across schemes was, in pictures: the borrower's page of it, and the other side's pictures on both.

The other side's pictures are fetched sealed when a browser asks for them, opened and made anew here; only the two sides
read them. Source: docs/protocol.md 5.9; docs/pages.md 8.18.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.booking_guests import Guest
from node.services.picture_rows import Kept, picture_by_no, pictures_of_request
from node.services.pictures_abroad import sides_of
from node.services.request_rows import Request, find_out, request_about
from node.services.request_words import STAY, when_asked
from node.services.sealed_pictures import Told, told_of
from node.store import ReadTx, Tx
from node.web.context import MEMBER, Context, NoSuchPage, get
from node.web.forms import EMPTY, Filled, Form, line
from node.web.pages.abroad_words import request_pill, scheme_called, standing_lines
from node.web.pages.booking_sides import read_one
from node.web.pages.listings import name_text
from node.web.pages.pictures import KEEP, KIND, picture_answer, size_asked
from node.web.pages.pictures_shown import UNSEEN, post_picture, take_sent
from node.web.pages.schemes import schemes_known
from node.web.present import first_name
from node.web.views.booking import BookingView, Condition
from node.web.views.page import Fact, Link, PictureShown
from protocol.beyond import Stands
from protocol.names import ItemKey

_MAY_SEND: Final = (Stands.AGREED, Stands.DONE)


class ShownForm(Form):
    """What is on a picture."""

    words: line(120)  # type: ignore[valid-type]  # `line` makes the type of a field


def has_pictures(request: Request) -> bool:
    """Tell whether a request is for something of which both sides show how it is, from the yes on."""
    booked = request.start is not None and request.kind != STAY
    return booked and request.mirror.seen in _MAY_SEND


async def told_shown(
    context: Context, told: list[Told], here: str, name: str
) -> tuple[tuple[PictureShown, str], ...]:
    """Return the other side's pictures for a page at `here`, each with who showed it, and when."""
    shown = []
    for each in told:
        sides = await context.read(sides_of, each.name) or UNSEEN
        base = f"{here}/theirs/{name_text(each.name)}"
        picture = PictureShown(
            src=f"{base}/page",
            width=sides.width,
            height=sides.height,
            words=each.words,
            full=f"{base}/full",
        )
        shown.append((picture, f"{name}, {context.voice.moment(each.taken_ms)}"))
    return tuple(shown)


async def _find(context: Context) -> Request:
    request = await context.read(find_out, context.number("number"), context.member.account_no)
    if request is None or not has_pictures(request):
        raise NoSuchPage
    return request


async def thing(context: Context) -> web.Response:
    """GET /my/abroad/{number}: how something borrowed in another scheme looks."""
    return await _page(context, await _find(context))


async def _page(context: Context, request: Request, form: Filled = EMPTY) -> web.Response:
    _, schemes = context.words.gettext, await schemes_known(context)
    here, name = f"/my/abroad/{request.no}", scheme_called(request.scheme, schemes, context.words)
    owner = f"{first_name(request.their_name) or _('Somebody')} ({name})"
    ours = await context.read(pictures_of_request, request.no)
    theirs = await told_shown(context, await context.read(told_of, request.no), here, owner)
    mine = [
        (_own(each, here), f"{context.member.name}, {context.voice.moment(each.taken_ms)}") for each in ours
    ]
    view = BookingView(
        title=request.title,
        state=request_pill(request, context.words),
        sentences=standing_lines(request, name, context.voice),
        facts=(
            Fact(label=_("When"), text=when_asked(request, context.words)),
            Fact(label=_("From"), text=owner),
        ),
        history=(),
        acts=(),
        links=(Link(text=_("See what to do"), href="/my/abroad"),),
        condition=Condition(pictures=(*theirs, *mine), action=f"{here}/picture", form=form, two_alone=True),
    )
    return context.show(view, 422 if form.errors else 200)


def _own(kept: Kept, here: str) -> PictureShown:
    base = f"{here}/pictures/{kept.no}"
    return PictureShown(
        src=f"{base}/page",
        width=kept.page_width,
        height=kept.page_height,
        words=kept.words,
        full=f"{base}/full",
    )


async def sent(context: Context) -> web.Response:
    """POST /my/abroad/{number}/picture: how it is, for the owner to see."""
    request, form, _ = await _find(context), context.form(ShownForm), context.words.gettext
    if isinstance(form, Filled):
        return await _page(context, request, form)
    typed = Filled({"words": form.words})
    if not context.file:
        return await _page(context, request, typed.with_error("picture", _("Please choose a picture.")))

    def tell(tx: Tx) -> None:
        context.node.requests.show_in(tx, context.member, request.no)

    taken = await take_sent(
        context,
        lambda file: context.node.pictures.take_shared(
            context.member.no, request, None, file, form.words, tell
        ),
    )
    if isinstance(taken, str):
        return await _page(context, request, typed.with_error("picture", taken))
    return context.redirect(f"/my/abroad/{request.no}", note="saved")


# --- Doors ---------------------------------------------------------------------------------------------------


async def own_picture(context: Context) -> web.Response:
    """GET /my/abroad/{number}/pictures/{picture}/{size}: for whoever sent it."""
    request, kept = await _find(context), await context.read(picture_by_no, context.number("picture"))
    if kept is None or kept.request_no != request.no:
        raise NoSuchPage
    return await picture_answer(context, kept, size_asked(context))


async def owners_picture(context: Context) -> web.Response:
    """GET /my/abroad/{number}/theirs/{name}/{size}: for whoever borrows."""
    return await _theirs(context, await _find(context))


async def guests_picture(context: Context) -> web.Response:
    """GET /my/bookings/{number}/theirs/{name}/{size}: for whoever owns the thing."""
    no = context.number("number")
    shown = await context.read(read_one, no, context.member.account_no, context.now_ms)
    request = None if shown is None else await context.read(_request_of, shown.booking.kind, no)
    if shown is None or request is None or not isinstance(shown.other, Guest):
        raise NoSuchPage
    return await _theirs(context, request)


def _request_of(tx: ReadTx, kind: str, booking_no: int) -> Request | None:
    return request_about(tx, kind, booking_no)


async def _theirs(context: Context, request: Request) -> web.Response:
    size, wanted = size_asked(context), context.part("name")
    told = await context.read(told_of, request.no)
    named = next((each for each in told if name_text(each.name) == wanted), None)
    if named is None:
        raise NoSuchPage
    data = await context.node.pictures_abroad.picture(
        request.scheme, ItemKey(request.id), named.name, size, named.sealed_key
    )
    if data is None:
        raise NoSuchPage
    return web.Response(body=data, headers={"Cache-Control": KEEP, "Content-Type": KIND})


ROUTES: Final = (
    get("/my/abroad/{number}", thing, MEMBER),
    post_picture("/my/abroad/{number}/picture", sent),
    get("/my/abroad/{number}/pictures/{picture}/{size}", own_picture, MEMBER),
    get("/my/abroad/{number}/theirs/{name}/{size}", owners_picture, MEMBER),
    get("/my/bookings/{number}/theirs/{name}/{size}", guests_picture, MEMBER),
)
