"""The organisers' desk: schemes that contradicted themselves, what follows, and what people can do. Source: docs/protocol.md 10.4."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.acts import Role
from node.services.evidence_store import Kept, all_evidence, evidence_by_no
from node.web.context import ADMIN, ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.pages.neighbours_shown import Known, known_neighbours, name_of
from node.web.views.evidence import EvidenceListView, EvidenceRow, EvidenceView
from node.web.views.page import Empty, Fact, Pill
from protocol.evidence import decode_evidence, verify
from protocol.names import scheme_text


async def evidence_list(context: Context) -> web.Response:
    """Show every proof kept here, the newest first."""
    known, found = await known_neighbours(context), await context.read(all_evidence)
    nothing = context.words.gettext("Nothing. No scheme we know has contradicted itself.")
    return context.show(
        EvidenceListView(
            rows=tuple(
                EvidenceRow(
                    href=f"/admin/evidence/{piece.no}",
                    name=_name(context, known, piece),
                    what=_in_short(context, piece.kind),
                    when=context.voice.lately(piece.seen_ms),
                    state=_state(context, piece),
                )
                for piece in found
            ),
            empty=None if found else Empty(text=nothing),
        )
    )


async def evidence(context: Context) -> web.Response:
    """Explain one proof."""
    piece = await context.read(evidence_by_no, context.number("no"))
    if piece is None:
        raise NoSuchPage
    known = await known_neighbours(context)
    name, ours = _name(context, known, piece), piece.accused == context.node.scheme
    may_settle = piece.counts and not ours and context.actor.role is Role.ADMIN
    return context.show(
        EvidenceView(
            title=name,
            state=_state(context, piece),
            what=_what(context, piece.kind, name),
            follows=_follows(context, piece, name, ours=ours),
            advice=_advice(context, piece, name, ours=ours),
            facts=_facts(context, known, piece),
            settle_action=f"/admin/evidence/{piece.no}/settle" if may_settle else "",
            once=context.once(),
        )
    )


async def settle(context: Context) -> web.Response:
    """Let what is proved against a scheme stop no credit any more."""
    piece = await context.read(evidence_by_no, context.number("no"))
    if piece is None:
        raise NoSuchPage
    await context.node.evidence.settle(context.actor, piece.accused)
    return context.redirect(f"/admin/evidence/{piece.no}", note="saved")


# --- In words ----------------------------------------------------------------------------------------------------


def _name(context: Context, known: Known, piece: Kept) -> str:
    if piece.accused == context.node.scheme:
        return context.settings.name
    return name_of(context, known, piece.accused)


def _state(context: Context, piece: Kept) -> Pill:
    _ = context.words.gettext
    if piece.excused:
        return Pill(text=_("Answered: proves nothing"), tone="good")
    if piece.settled_ms is not None:
        return Pill(text=_("Cleared up"), tone="good")
    return Pill(text=_("Proved"), tone="stop")


def _in_short(context: Context, kind: str) -> str:
    _ = context.words.gettext
    return {
        "two-ops": _("Two different steps under one number"),
        "two-rotations": _("Two new main keys at once"),
        "two-items": _("Two versions of one notice under one number"),
        "two-heads": _("Two different lists of everything they offer"),
        "two-checkpoints": _("Two different books of one length"),
        "bad-op": _("A step that the limits or the books do not allow"),
        "not-honoured": _("A promise to pay that was denied afterwards"),
    }[kind]


def _what(context: Context, kind: str, name: str) -> str:
    _ = context.words.gettext
    sentence = {
        "two-ops": _("Every step on the account between two schemes has a number and a signature. %(name)s signed two different steps under one number. So one of them was kept from somebody."),
        "two-rotations": _("%(name)s named two different new main keys at one time. Nobody can tell which of them is really theirs. Perhaps somebody has their old key or their recovery sheet."),
        "two-items": _("%(name)s signed two different versions of one offer, want or other notice under one number. Some schemes may see the one, some the other."),
        "two-heads": _("%(name)s signed two different lists of everything it offers, both as the whole list of one moment. Some schemes may see the one, some the other."),
        "two-checkpoints": _("%(name)s signed two different books of one length. It shows some people other books than others."),
        "bad-op": _("%(name)s signed a step on the account with another scheme that cannot be: beyond its limit, without a valid receipt, or with sums that do not fit what it had agreed to before."),
        "not-honoured": _("%(name)s promised to pay, was shown the receipt, and then signed its books as if nothing had been claimed."),
    }[kind]  # fmt: skip
    return sentence % {"name": name}


def _follows(context: Context, piece: Kept, name: str, *, ours: bool) -> str:
    _ = context.words.gettext
    if ours:
        return _("Other schemes can check this too. Those that know it lend us nothing new.")
    if not piece.counts:
        return _("Nothing any more: trade with %(name)s goes on as the limits say.") % {"name": name}
    return _(
        "%(name)s cannot come to owe us more than now. What is under way ends as usual, and what we owe them they can still use. Our neighbours are told."
    ) % {"name": name}


def _advice(context: Context, piece: Kept, name: str, *, ours: bool) -> str:
    _ = context.words.gettext
    if ours:
        return _(
            "Find out whether an old copy of our books was put back, whether two computers work with our keys, or whether a key was stolen. Then ring the neighbours and tell them."
        )
    if piece.excused:
        return _("%(name)s has shown that the other side had hidden that step from it.") % {"name": name}
    if not piece.counts:
        return _("Nothing needs to be done.")
    return _(
        "Ring their organisers. It may be an attempt to cheat; an old copy of their books put back, or a stolen key, looks the same. An admin here can say when it is cleared up."
    )


def _facts(context: Context, known: Known, piece: Kept) -> tuple[Fact, ...]:
    _ = context.words.gettext
    shown_by = _("Found here") if piece.shown_by is None else name_of(context, known, piece.shown_by)
    facts = [
        Fact(label=_("Noticed"), text=context.voice.day(piece.seen_ms)),
        Fact(label=_("Shown by"), text=shown_by),
        Fact(label=_("The scheme"), text=scheme_text(piece.accused)),
        Fact(label=_("For a specialist"), text=verify(decode_evidence(piece.data)).why),
    ]
    if piece.settled_ms is not None:
        facts.append(Fact(label=_("Cleared up by"), text=piece.settled_by or ""))
    return tuple(facts)


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/evidence", evidence_list, ORGANISER),
    get("/admin/evidence/{no}", evidence, ORGANISER),
    post("/admin/evidence/{no}/settle", settle, ADMIN),
)
