"""The pictures of a listing while it is written: which are there, in which order, with which words, and a new one.

Their bytes are kept from the moment they are sent; everything else travels in the forms. Source: docs/pages.md 7.2, 8.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from node.services.own_listings import Owned
from node.services.picture_rows import Kept, picture_by_no, pictures_at
from node.store import ReadTx
from node.web.context import Context, NoSuchPage
from node.web.forms import Filled, Form, line
from node.web.pages.listings import parse_listing_id
from node.web.pages.pictures_shown import own_picture_shown, take_sent
from node.web.views.page import PictureShown
from protocol.limits import LISTING_PICTURE_TEXT_BYTES_MAX, LISTING_PICTURES_MAX
from protocol.market import Picture
from protocol.names import ItemKey

WORDS_FIELDS: Final = tuple(f"words_{place}" for place in range(1, LISTING_PICTURES_MAX + 1))
PICTURE_FIELDS: Final = ("pictures", *WORDS_FIELDS)
_DONE: Final = re.compile(r"(remove|earlier)_([1-9])")


class PicturesForm(Form):
    """What is said of each picture."""

    words_1: line(120)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    words_2: line(120)  # type: ignore[valid-type]  # as above
    words_3: line(120)  # type: ignore[valid-type]  # as above
    words_4: line(120)  # type: ignore[valid-type]  # as above
    words: line(120)  # type: ignore[valid-type]  # as above


@dataclass(frozen=True, slots=True)
class Picked:
    """The pictures of a listing that is written, in their order, each with what was typed about it."""

    pictures: tuple[tuple[Kept, str], ...] = ()
    errors: tuple[tuple[str, str], ...] = ()
    stays: bool = False  # on the page on which they are picked

    @property
    def fields(self) -> dict[str, str]:
        """What the forms carry on."""
        words = [words for _, words in self.pictures]
        words += [""] * (LISTING_PICTURES_MAX - len(words))
        return {
            "pictures": ",".join(str(kept.no) for kept, _ in self.pictures),
            **dict(zip(WORDS_FIELDS, words, strict=True)),
        }

    @property
    def shown(self) -> tuple[PictureShown, ...]:
        """As the page shows them."""
        return tuple(own_picture_shown(kept, words) for kept, words in self.pictures)

    @property
    def said(self) -> tuple[Picture, ...]:
        """As the listing names them. Raises InvalidValue: words that are too long."""
        return tuple(
            Picture(thumbnail=kept.thumbnail_name, full=kept.name, words=words)
            for kept, words in self.pictures
        )

    def with_errors(self, form: Filled) -> Filled:
        """Return a form with what is wrong about the pictures as well."""
        for name, sentence in self.errors:
            form = form.with_error(name, sentence)
        return form


async def picked_of(context: Context, owned: Owned) -> Picked:
    """Return the pictures of a listing that is changed."""
    held = await context.read(pictures_at, owned.listing.key)
    said = owned.listing.content.pictures
    return Picked(tuple((held[each.full], each.words) for each in said if each.full in held))


async def picked(context: Context) -> Picked:
    """Return the pictures that a form carries: one's own, of this listing or of none yet."""
    fields = context.fields
    numbers = [
        int(no)
        for no in fields.get("pictures", "").split(",")
        if no.isascii() and no.isdigit() and len(no) < 16
    ]
    key = _changed(fields)
    found = await context.read(
        _picked, context.member.no, key, tuple(dict.fromkeys(numbers))[:LISTING_PICTURES_MAX]
    )
    form = context.form(PicturesForm)
    errors = tuple(form.errors.items()) if isinstance(form, Filled) else ()
    typed = [
        fields.get(name, "") if isinstance(form, Filled) else getattr(form, name) for name in WORDS_FIELDS
    ]
    pictures = []
    # Words stand at the place a picture had in the form, also where one before it is gone meanwhile.
    for place, no in enumerate(dict.fromkeys(numbers)):
        if place < LISTING_PICTURES_MAX and no in found:
            pictures.append((found[no], typed[place]))
            if not errors and len(typed[place].encode()) > LISTING_PICTURE_TEXT_BYTES_MAX:
                errors = ((WORDS_FIELDS[len(pictures) - 1], _too_long(context)),)
    return Picked(tuple(pictures), errors, bool(errors))


def _too_long(context: Context) -> str:
    return context.words.gettext("This is too long. Please make it shorter.")


def _changed(fields: Mapping[str, str]) -> ItemKey | None:
    """Return which listing is changed, if one is."""
    if not fields.get("listing"):
        return None
    key, scheme = parse_listing_id(fields["listing"])
    if scheme is not None:
        raise NoSuchPage
    return key


def _picked(tx: ReadTx, member_no: int, key: ItemKey | None, numbers: tuple[int, ...]) -> dict[int, Kept]:
    """Query: which of these are the member's own, and shown by this listing or by none."""
    found = {no: picture_by_no(tx, no) for no in numbers}
    return {
        no: kept
        for no, kept in found.items()
        if kept is not None
        and kept.member_no == member_no
        and kept.item_key in (None, key)
        and kept.booking_no is None
        and not kept.portrait
    }


async def picked_anew(context: Context) -> Picked:
    """Return the pictures after what was pressed on the page on which they are picked, with a new one if one was sent."""
    now, pressed = await picked(context), context.fields.get("do", "")
    if now.errors:
        return now
    done = _DONE.fullmatch(pressed)
    if done is not None:
        now = _after(now, done[1], int(done[2]) - 1)
    if context.file:
        now = await _with_new(context, now)
    return replace(now, stays=bool(pressed or now.errors))


def _after(now: Picked, what: str, place: int) -> Picked:
    pictures = list(now.pictures)
    if what == "remove" and place < len(pictures):
        del pictures[place]
    if what == "earlier" and 0 < place < len(pictures):
        pictures[place - 1], pictures[place] = pictures[place], pictures[place - 1]
    return Picked(tuple(pictures))


async def _with_new(context: Context, now: Picked) -> Picked:
    _ = context.words.gettext
    if len(now.pictures) >= LISTING_PICTURES_MAX:
        said = _("There are %(num)d pictures already. Take one away first.") % {"num": LISTING_PICTURES_MAX}
        return replace(now, errors=(("picture", said),))
    words = " ".join(context.fields.get("words", "").split())
    if len(words.encode()) > LISTING_PICTURE_TEXT_BYTES_MAX:
        return replace(now, errors=(("words", _too_long(context)),))
    taken = await take_sent(context, lambda file: context.node.pictures.take(context.member.no, file))
    if isinstance(taken, str):
        return replace(now, errors=(("picture", taken),))
    return replace(now, pictures=(*now.pictures, (taken, words)))
