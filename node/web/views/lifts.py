"""Members' pages about lifts. Source: docs/pages.md 8.16."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import Filled
from node.web.views.events import EventRow
from node.web.views.page import Option, Pager, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingLifts:
    """What the page of a listing of lifts shows of lifts on a day."""

    rows: tuple[EventRow, ...]  # that its owner drives
    new_href: str  # where the reader begins one from it; "" for whose it is not


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftListView(View):
    """GET /lifts"""

    TEMPLATE: ClassVar[str] = "member/lifts.html"
    PLACE: ClassVar[Place] = "home"

    rows: tuple[EventRow, ...]
    pager: Pager | None
    may_post: bool
    near: tuple[EventRow, ...] = ()  # at neighbouring schemes


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftFormView(View):
    """GET /lifts/new and /lifts/{key}/edit. Fields: those of `LiftForm`."""

    TEMPLATE: ClassVar[str] = "member/lift_form.html"
    PLACE: ClassVar[Place] = "home"

    form: Filled
    action: str
    new: bool  # else one that was posted, whose dates are each their own
    weekdays: tuple[Option, ...]  # value: the field's name
    seats_most: int
    unit_name: str
    amount_hint: str
    may_be_near: bool  # the scheme lets drivers show lifts to neighbours
    back_href: str
