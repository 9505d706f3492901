"""The organisers' desk: what came back from neighbours after this computer lost its memory. Source: docs/protocol.md 6.7."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.recovered_rows import BOTH_LOST, COPY, IDENTITY, NEWER_COPY
from node.services.recovery import Recovered, read_recovered
from node.web.context import ORGANISER, Context, Route, get
from node.web.pages.neighbours_shown import Known, known_neighbours, name_of
from node.web.views.admin import RecoveredRow, RecoveredView
from node.web.views.page import Empty, Pill
from protocol.references import reference_of

MONEY: Final = ("lock", "claim", "credit")


async def recovered(context: Context) -> web.Response:
    """Show what came back, trade by trade."""
    found = await context.read(read_recovered)
    known = await known_neighbours(context)
    _ = context.words.gettext
    trades = tuple(_row(context, known, each) for each in found if each.reference is not None)
    others = sum(
        each.reference is None and each.kind not in (BOTH_LOST, COPY, IDENTITY, NEWER_COPY) for each in found
    )
    passing = context.words.ngettext(
        "%(num)d other step on lines with neighbours came back: limits, and trades that only pass through.",
        "%(num)d other steps on lines with neighbours came back: limits, and trades that only pass through.",
        others,
    ) % {"num": others}
    warnings = []
    if any(each.kind == COPY for each in found):
        warnings.append(
            _(
                "A second computer works with our keys. Two copies harm each other: "
                "switch one of them off, and keep it off."
            )
        )
    if any(each.kind == IDENTITY for each in found):
        warnings.append(
            _(
                "Neighbours know newer keys of ours than this computer has. "
                "Its keys come from an old copy: put back the newest."
            )
        )
    warnings += [
        _(
            "We and %(scheme)s both lost the same part of our books. Trading with them is stopped: "
            "ring their organiser, and compare both statements before anything else is done."
        )
        % {"scheme": name_of(context, known, each.peer)}
        for each in found
        if each.kind == BOTH_LOST
    ]
    if any(each.kind == NEWER_COPY for each in found):
        warnings.append(
            _(
                "A neighbour keeps a sealed copy of our books that is newer than this computer. Trades within "
                "the scheme may be missing here: whoever looks after the computer can fetch that copy."
            )
        )
    if any(not each.known for each in found):
        warnings.append(
            _(
                "Some accounts are not known here any more. What is theirs is with the community "
                "account until you have entered those members again."
            )
        )
    empty = None if found else Empty(text=_("Nothing was ever lost here, and nothing had to come back."))
    return context.show(
        RecoveredView(
            trades=trades, others=passing if others else "", warnings=tuple(warnings), empty=empty,
        )
    )  # fmt: skip


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


ROUTES: Final[tuple[Route, ...]] = (get("/admin/recovered", recovered, ORGANISER),)
