"""The organisers' desk: what came back from neighbours after this computer lost its memory. Source: docs/protocol.md 6.7."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aiohttp import web

from node.services.copy_comparing import MEMBER, TRADE, Missing, read_missing
from node.services.recovered_rows import BOOKS, BOTH_LOST, COPY, FOUND, IDENTITY, NEWER_COPY, PARTED
from node.services.recovery import Recovered, read_recovered
from node.web.context import ORGANISER, Context, Route, get, post
from node.web.pages.neighbours_shown import Known, known_neighbours, name_of
from node.web.views.admin import MissingRow, RecoveredRow, RecoveredView
from node.web.views.page import Empty, Pill
from protocol.references import reference_of

MISSING_SHOWN: Final = 500


async def recovered(context: Context) -> web.Response:
    """Show what came back, trade by trade, and what did not."""
    found = await context.read(read_recovered)
    missing = await context.read(read_missing, MISSING_SHOWN)
    known = await known_neighbours(context)
    _ = context.words.gettext
    trades = tuple(_row(context, known, each) for each in found if each.reference is not None)
    others = sum(each.reference is None and each.kind not in FOUND for each in found)
    passing = context.words.ngettext(
        "%(num)d other step on lines with neighbours came back: limits, and trades that only pass through.",
        "%(num)d other steps on lines with neighbours came back: limits, and trades that only pass through.",
        others,
    ) % {"num": others}
    empty = None if found else Empty(text=_("Nothing was ever lost here, and nothing had to come back."))
    return context.show(
        RecoveredView(
            trades=trades, others=passing if others else "", books=tuple(_books(context, known, found)),
            warnings=tuple(_warnings(context, known, found)),
            missing=tuple(_missing_row(context, each) for each in missing),
            once=context.once(),
            keys=any(each.kind not in (BOTH_LOST, COPY) for each in found), empty=empty,
        )
    )  # fmt: skip


async def entered(context: Context) -> web.Response:
    """Take away the list of what is missing: people have entered it again."""
    await context.node.recovery.entered_again()
    return context.redirect("/admin/recovered", note="saved")


def _books(context: Context, known: Known, found: list[Recovered]) -> Iterator[str]:
    _ = context.words.gettext
    for each in found:
        if each.kind == BOOKS:
            yield _(
                "%(when)s: the books on this computer were older than the sealed copy that %(scheme)s keeps for us. "
                "That copy has taken their place before anything was written; the older books stay beside it as a "
                "file. At most what was recorded in the last minute before the loss is missing: ask who traded then."
            ) % {"when": context.voice.lately(each.at_ms), "scheme": name_of(context, known, each.peer)}


def _warnings(context: Context, known: Known, found: list[Recovered]) -> Iterator[str]:
    _ = context.words.gettext
    kinds = {each.kind for each in found}
    if COPY in kinds:
        yield _(
            "A second computer works with our keys. Two copies harm each other: "
            "switch one of them off, and keep it off."
        )
    if IDENTITY in kinds:
        yield _(
            "Neighbours know newer keys of ours than this computer has. "
            "Its keys come from an old copy: put back the newest."
        )
    for each in found:
        if each.kind == BOTH_LOST:
            yield _(
                "We and %(scheme)s both lost the same part of our books. Trading with them is stopped: "
                "ring their organiser, and compare both statements before anything else is done."
            ) % {"scheme": name_of(context, known, each.peer)}
    if PARTED in kinds:
        yield _(
            "This computer started from old books while the neighbour with our sealed copy was away, and new trades "
            "were recorded here before it came back. Neither is thrown away: the books here count, and what only the "
            "copy has is listed below. Enter it again; whatever else was changed in that time, settings and limits, "
            "is to be set again, too."
        )
    if NEWER_COPY in kinds:
        yield _(
            "A neighbour keeps a sealed copy of our books that is newer than this computer, and it cannot be read "
            "here: it was written by another release, or with other keys. Trades within the scheme may be missing."
        )
    if any(not each.known for each in found):
        yield _(
            "Some accounts are not known here any more. What is theirs is with the community "
            "account until you have entered those members again."
        )


def _missing_row(context: Context, each: Missing) -> MissingRow:
    words, voice = context.words, context.voice
    community = words.gettext("The community account")
    said = {
        "name": each.who or community,
        "other": each.other or community,
        "amount": voice.spoken(each.amount),
        "text": each.text,
    }
    if each.kind == TRADE:
        text = words.gettext("%(name)s gave %(amount)s to %(other)s: %(text)s") % said
    elif each.kind == MEMBER:
        text = words.gettext("%(name)s became a member") % said
    else:
        text = words.gettext("%(name)s placed the listing “%(text)s”") % said
    reference = "" if each.reference is None else reference_of(each.reference.to_bytes(5, "big"))
    return MissingRow(text=text, reference=reference, when=voice.lately(each.made_ms))


def _row(context: Context, known: Known, each: Recovered) -> RecoveredRow:
    words, voice = context.words, context.voice
    scheme = name_of(context, known, each.other or each.peer)
    said = {
        "name": each.member or words.gettext("The community account"),
        "amount": voice.spoken(each.amount),
        "scheme": scheme,
    }
    if each.kind == "lock":
        text = words.gettext("%(name)s gives %(amount)s to somebody at %(scheme)s") % said
    else:
        text = words.gettext("%(name)s received %(amount)s from somebody at %(scheme)s") % said
    if not each.known:
        state = Pill(text=words.gettext("Member not known here"), tone="stop")
    elif each.beyond:
        state = Pill(text=words.gettext("Beyond the limit"), tone="wait")
    else:
        state = Pill(text=words.gettext("As it was"), tone="good")
    assert each.reference is not None
    return RecoveredRow(
        text=text,
        reference=reference_of(each.reference.to_bytes(5, "big")),
        when=voice.lately(each.made_ms),
        state=state,
    )


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/recovered", recovered, ORGANISER),
    post("/admin/recovered/entered", entered, ORGANISER),
)
