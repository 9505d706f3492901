"""The organisers' desk: how trade with a neighbour goes on from a balance that both sides agree on.

The side with the lower id writes first, the other agrees or does not; where that changes what is owed, two organisers of
each must want it. Source: docs/protocol.md 6.8, 6.9; docs/pages.md 7.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crypto.signing import Signed
from node.services.line_accounts import line_account_balance
from node.services.line_rows import CLOSED, FROZEN, Line
from node.services.reopen_desk import CAN_GO_ON, newest_offer, offer_fits, read_owed
from node.store import ReadTx
from node.web.context import Context
from node.web.forms import Filled
from node.web.pages.neighbours_shown import (
    Known,
    href_of,
    in_unit,
    name_of,
    standing_words,
    stopped_there,
)
from node.web.views.admin import GoOn
from node.web.views.page import Fact, Option
from protocol.line_ops import Op
from protocol.line_view import LOW
from protocol.names import SchemeId

BY_LINE: Final = "line"
BY_BOOKS: Final = "books"
WE_OWE: Final = "we"
THEY_OWE: Final = "they"
BASES: Final = (BY_LINE, BY_BOOKS, WE_OWE, THEY_OWE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known here of where a line could go on from. Amounts are what we owe, in hours' 3 600 000ths."""

    offered: Signed[Op] | None
    booked: int  # what our books say, without what was written off


def read_standing(tx: ReadTx, line: Line, own: SchemeId) -> Standing:
    """Return what the page of a neighbour needs. A query."""
    return Standing(
        offered=newest_offer(tx, line), booked=line_account_balance(tx, own, line.peer) - line.written_off
    )


async def going_on(context: Context, known: Known, each: Line, form: Filled) -> GoOn | None:
    """Return how the line could go on, where it can: it is frozen, or has ended with a debt."""
    ended_owing = each.status == CLOSED and each.state.owed != 0 and all(each.state.mine.opened)
    standing = await context.read(read_standing, each, context.node.scheme)
    if each.status not in CAN_GO_ON or not all(each.state.mine.opened):
        return None
    first, theirs = each.state.me == LOW, stopped_there(context, each)
    if not (each.status == FROZEN or ended_owing or first or theirs or form.errors):
        return None
    _ = context.words.gettext
    offered = standing.offered
    facts = [
        Fact(label=_("By the steps both signed"), text=standing_words(context, each.state.owed)),
        Fact(label=_("By our own books"), text=standing_words(context, standing.booked)),
    ]
    if offered is not None:
        label = _("Written by us, not answered yet") if first else _("Written by them")
        facts.append(Fact(label=label, text=standing_words(context, read_owed(each, offered))))
    said = {"name": name_of(context, known, each.peer)}
    here = f"{href_of(each.peer)}/go-on"
    if first:
        return GoOn(
            why=_(
                "Agree with %(name)s\u2019s organiser, on the telephone, from which balance both books go on. You write it "
                "first, they agree; until they do, nothing is written between us. Trades under way go on then, and both give "
                "limits anew."
            )
            % said,
            facts=tuple(facts),
            form=form if form.errors else Filled({"basis": BY_LINE, "amount": ""}),
            bases=_bases(context, each, standing.booked),
            action=here,
            told=_told(context, said) if theirs else "",
        )
    why = _("%(name)s writes the balance first; here you agree to it, or do not.") % said
    if offered is None:
        how = _(
            "If nothing comes, ring %(name)s\u2019s organiser: “On your page about us, under Neighbours, is \u2018Go on "
            "together from an agreed balance\u2019. Please choose what the signed steps say, or the balance we agree on, and "
            "write it to us.” Once they have written it, it stands here, and you agree."
        )
        return GoOn(
            why=why,
            facts=tuple(facts),
            then=how % said,
            form=form,
            told=_told(context, said) if theirs else "",
        )
    if not offer_fits(each, offered):
        stale = _("Steps came after what they wrote, so it fits no more: ask them to write it again.")
        return GoOn(why=why, facts=tuple(facts), then=stale, form=form)
    owed = read_owed(each, offered)
    return GoOn(
        why=why, facts=tuple(facts), then=booked_words(context, owed - standing.booked), form=form, action=here,
        agreed=str(owed),
    )  # fmt: skip


def _told(context: Context, said: dict[str, str]) -> str:
    """Return what the other side says of itself."""
    return (
        context.words.gettext(
            "%(name)s has stopped writing to us: their computer found that steps are missing on both sides. Ring their "
            "organiser and decide together below. Nothing new begins with them until then."
        )
        % said
    )


def booked_words(context: Context, gap: int) -> str:
    """Return what we would book: the account of the line against the chest."""
    _ = context.words.gettext
    amount = {"amount": context.voice.spoken(in_unit(context, abs(gap)))}
    if gap > 0:
        return (
            _("Our chest takes over %(amount)s: so much more would be owed to them than our books say.")
            % amount
        )
    if gap < 0:
        return (
            _("Our chest gains %(amount)s: so much less would be owed to them than our books say.") % amount
        )
    return _("Nothing is booked by this: our books say the same.")


def _bases(context: Context, each: Line, booked: int) -> tuple[Option, ...]:
    _ = context.words.gettext
    return (
        Option(
            value=BY_LINE, text=_("what the signed steps say"),
            hint=booked_words(context, each.state.owed - booked),
        ),
        Option(value=BY_BOOKS, text=_("what our own books say"), hint=booked_words(context, 0)),
        Option(value=WE_OWE, text=_("another balance: we owe them"), hint=""),
        Option(value=THEY_OWE, text=_("another balance: they owe us"), hint=""),
    )  # fmt: skip
