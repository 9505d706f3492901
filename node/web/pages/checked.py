"""Who checked the books, in words that also fit members' pages. Source: docs/protocol.md 4.3; docs/pages.md 8."""

from __future__ import annotations

from typing import Final

from babel.lists import format_list
from babel.numbers import format_decimal

from node.services.own_log import Checked, Stopped
from node.web.context import Context
from node.web.dates import ago
from node.web.pages.neighbours_shown import known_neighbours, name_of
from node.web.present import in_fours
from node.web.views.page import Pill
from protocol.names import SchemeId

MARK_DIGITS: Final = 16


def mark_of(digest: bytes) -> str:
    """Return the beginning of a digest as it stands on paper: enough to find what it is of again."""
    return in_fours(digest.hex()[:MARK_DIGITS])


async def names_of(context: Context, schemes: tuple[SchemeId, ...]) -> str:
    """Return the names of schemes as one reads them out: "Hilltop, Riverside and Ferry"."""
    known = await known_neighbours(context)
    names = sorted(name_of(context, known, scheme) for scheme in schemes)
    return format_list(names, locale=context.words.language.replace("-", "_"))


async def checked_by(context: Context, checked: Checked) -> str:
    """Return who checked the newest books and when; "" where too few did for it to mean anything."""
    if not checked.is_checked or checked.at_ms is None:
        return ""
    return context.words.gettext("The books were checked by %(names)s, %(ago)s.") % {
        "names": await names_of(context, checked.by),
        "ago": ago(checked.at_ms, context.now_ms, context.words),
    }


async def seal_of_books(context: Context) -> tuple[str, ...]:
    """Return under which checkpoint a paper is printed, and who checked it: sentences, none where none is signed yet.

    The mark is the beginning of the root: whoever has the paper can find that checkpoint again (4.2).
    """
    checked, voice = await context.node.witness.own_log.checked(), context.voice
    if not checked.size:
        return ()
    signed = context.words.gettext(
        "The books were signed on %(moment)s, with %(num)s entries. Their mark is %(mark)s."
    ) % {
        "moment": voice.moment(checked.signed_ms),
        "num": format_decimal(checked.size, locale=context.words.language.replace("-", "_")),
        "mark": mark_of(checked.root),
    }
    by = await checked_by(context, checked)
    return (signed, by) if by else (signed,)


async def checked_line(context: Context) -> tuple[Pill, str]:
    """Return what organisers read of it."""
    checked = await context.node.witness.own_log.checked()
    pill, said = await _checked_line(context, checked)
    if not checked.begun_anew:
        return pill, said
    anew = context.words.ngettext(
        "Once their end was lost, and they were begun anew with what was there.",
        "%(num)d times their end was lost, and they were begun anew with what was there.",
        checked.begun_anew,
    ) % {"num": checked.begun_anew}
    return pill, f"{said} {anew}"


async def _checked_line(context: Context, checked: Checked) -> tuple[Pill, str]:
    words = context.words
    _ = words.gettext
    good, look = Pill(text=_("Good"), tone="good"), Pill(text=_("Look here"), tone="wait")
    if checked.stopped in (Stopped.BEHIND, Stopped.OTHER):
        return Pill(text=_("Wrong"), tone="stop"), await _why_stopped(context, checked)
    if checked.stopped is Stopped.WAITING:
        return look, _("The books are signed again when a neighbour is heard from: none was since the start.")
    if checked.quorum is None:
        sentence = words.ngettext(
            "The books are signed. For others to check them takes three neighbours, and there is %(num)d.",
            "The books are signed. For others to check them takes three neighbours, and there are %(num)d.",
            checked.witnesses,
        )
        return look, sentence % {"num": checked.witnesses}
    said = await checked_by(context, checked)
    if said:
        return good, said
    return look, _(
        "The newest books were checked by %(num)d of %(all)d neighbours; %(needed)d are needed."
    ) % {"num": len(checked.by), "all": checked.witnesses, "needed": checked.quorum}


async def _why_stopped(context: Context, checked: Checked) -> str:
    _ = context.words.gettext
    name = await names_of(context, () if checked.stopped_by is None else (checked.stopped_by,))
    by = {"name": name or _("a neighbour")}
    if checked.stopped is Stopped.BEHIND:
        return _("The books are not signed any more: %(name)s holds newer ones, signed by us. This computer’s memory is an old one. Please tell whoever set this up.") % by  # fmt: skip
    return _("The books are not signed any more: %(name)s holds other ones, signed by us. Is a second copy of this computer running? Please tell whoever set this up.") % by  # fmt: skip
