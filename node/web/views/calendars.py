"""The page with the addresses of one's calendars. Source: docs/pages.md 7.2 (`/my/calendar`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.views.page import Fact, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarFeedView(View):
    """GET /my/calendar; posts nothing to /my/calendar/renew or /my/calendar/close."""

    TEMPLATE: ClassVar[str] = "member/calendar_feed.html"
    PLACE: ClassVar[Place] = "me"

    addresses: tuple[Fact, ...]  # what each shows, and where it is; none while they are closed
