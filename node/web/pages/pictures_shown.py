"""Pictures as pages show them, and what is said of a file that is none. Their doors are in `pictures.py`.

Source: docs/protocol.md 5.7; docs/pages.md 7.2, 11.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from node.pictures.limits import PICTURE_SENT_BYTES_MAX, PICTURES_OF_ONE_MAX
from node.pictures.maker import NoPicture, Why
from node.services.picture_rows import Kept, pictures_shown
from node.services.pictures_abroad import Sides, sides_of
from node.web.context import MEMBER, Context, Handler, Route
from node.web.listing_names import listing_id
from node.web.pages.listings import name_text
from node.web.views.page import PictureShown
from node.web.words import Words
from protocol.limits import CONDITION_PICTURES_MAX
from protocol.market import Listing
from protocol.names import ItemKey, SchemeId

Taken = TypeVar("Taken")
_MEGABYTE: Final = 1024 * 1024
# Until somebody looks at a picture from elsewhere, nobody here knows its sides.
UNSEEN: Final = Sides(960, 720)


def post_picture(path: str, handler: Handler, *, for_others: bool = False) -> Route:
    """Return the route of a members' form that may bring the file of a picture, which is then in `context.file`."""
    return Route("POST", path, handler, MEMBER, PICTURE_SENT_BYTES_MAX, for_others=for_others, plain_too=True)


def why_words(why: Why, words: Words) -> str:
    """Return what is said of a file that is not taken as a picture."""
    _ = words.gettext
    match why:
        case Why.TOO_LONG:
            return _("This file is larger than %(most)d MB. Please choose a smaller picture.") % {
                "most": PICTURE_SENT_BYTES_MAX // _MEGABYTE
            }
        case Why.HEIC:
            return _(
                "This is a picture in the format HEIC or AVIF, which we cannot read. Please save it as JPEG and choose that."
            )
        case Why.NO_PICTURE:
            return _("This is no picture that we can read. Please choose a file in JPEG, PNG or WebP.")
        case Why.MOVING:
            return _("This picture moves. Please choose one that stands still.")
        case Why.TOO_LARGE:
            return _("This picture is too large for us. Please make it smaller first.")
        case Why.BROKEN:
            return _("This picture cannot be read to its end. Please choose another file.")
        case Why.BUSY:
            return _("Many pictures are coming in just now. Please try again in a minute.")
        case Why.TOO_MANY:
            return _(
                "You have %(num)d pictures, as many as one person may have. Take one away somewhere first."
            ) % {"num": PICTURES_OF_ONE_MAX}
        case Why.ENOUGH:
            return _("There are %(num)d pictures of yours already, as many as there may be.") % {
                "num": CONDITION_PICTURES_MAX
            }
        case Why.FULL:
            return _("There is no room for more pictures here. Please tell an organiser.")


async def take_sent(context: Context, take: Callable[[bytes], Awaitable[Taken]]) -> Taken | str:
    """Let `take` keep the picture that was sent; return what it returns, or what is wrong with the picture."""
    if not context.may_look_at_file():
        return why_words(Why.BUSY, context.words)
    try:
        return await take(context.file)
    except NoPicture as no_picture:
        return why_words(no_picture.why, context.words)


def own_picture_shown(kept: Kept, words: str) -> PictureShown:
    """Return a picture of the reader's that no listing shows yet."""
    return PictureShown(
        src=f"/my/pictures/{kept.no}/page", width=kept.page_width, height=kept.page_height, words=words
    )


async def pictures_of(context: Context, key: ItemKey, content: Listing) -> tuple[PictureShown, ...]:
    """Return the pictures of a listing of ours, for its page."""
    if not content.pictures:
        return ()
    shown = await context.read(pictures_shown, key, content)
    base = f"/l/{listing_id(key)}/picture"
    return tuple(
        PictureShown(
            src=f"{base}/{name_text(kept.name)}/page",
            width=kept.page_width,
            height=kept.page_height,
            words=words,
            full=f"{base}/{name_text(kept.name)}/full",
        )
        for kept, words in shown
    )


async def pictures_from(
    context: Context, scheme: SchemeId, key: ItemKey, content: Listing
) -> tuple[PictureShown, ...]:
    """Return the pictures of another scheme's listing, for its page: they are fetched when the browser asks for them."""
    shown = []
    for each in content.pictures:
        sides = await context.read(sides_of, each.full) or UNSEEN
        base = f"/l/{listing_id(key, scheme)}/picture/{name_text(each.full)}"
        shown.append(
            PictureShown(
                src=f"{base}/page",
                width=sides.width,
                height=sides.height,
                words=each.words,
                full=f"{base}/full",
            )
        )
    return tuple(shown)
