"""A listing of lifts and the lifts on a day know each other: what its page shows, and a lift on a day begun from it.

Source: docs/pages.md 8.16; docs/protocol.md 5.11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from node.services.event_rows import Hosted, answers_of, coming_counts, hosted_by
from node.services.members import Member
from node.services.own_listings import Owned
from node.store import ReadTx
from node.web.amounts import as_typed
from node.web.context import Context
from node.web.pages.event_words import event_row
from node.web.pages.listings import find_mine
from node.web.views.lifts import ListingLifts
from node.web.views.member import ListingView
from protocol.event import Answer, Kind, State
from protocol.market import Listing

KIND: Final = "lift"


@dataclass(frozen=True, slots=True)
class _Ahead:
    lifts: list[Hosted]
    coming: Mapping[int, int]
    answers: Mapping[int, Answer]


def _read(tx: ReadTx, host_no: int, now_ms: int, me: int) -> _Ahead:
    found = [
        each
        for each in hosted_by(tx, host_no, now_ms)
        if each.event.plan.kind is Kind.LIFT and each.event.state is State.PLANNED
    ]
    return _Ahead(found, coming_counts(tx, found), answers_of(tx, found, me))


async def with_lifts(context: Context, content: Listing, owner: Member, view: ListingView) -> ListingView:
    """Return the page of a listing of lifts with those its owner drives on a day; of any other as it was."""
    if content.kind != KIND:
        return view
    ahead = await context.read(_read, owner.no, context.now_ms, context.member.no)
    rows = tuple(
        event_row(
            each, ahead.coming.get(each.no, 0), ahead.answers.get(each.no, Answer.UNSAID), context.voice
        )
        for each in ahead.lifts
    )
    new = f"/lifts/new?listing={view.card.href.removeprefix('/l/')}" if view.own and owner.may_trade else ""
    return replace(view, lifts=ListingLifts(rows=rows, new_href=new))


async def begun_from(context: Context, text: str) -> dict[str, str]:
    """Return the form of a lift on a day, filled in from one's own listing of lifts. Raises NoSuchPage."""
    owned = await find_mine(context, text)
    return _typed(owned, context) if owned.listing.content.kind == KIND else {}


def _typed(owned: Owned, context: Context) -> dict[str, str]:
    content = owned.listing.content
    typed = {"title": content.title, "text": content.text}
    if content.price.per == "seat" and content.price.amount:
        typed |= {"pays": "guests", "amount": as_typed(content.price.amount, context.unit, context.language)}
    return typed
