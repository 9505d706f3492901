"""All pages of members, for the door. Source: docs/pages.md 7.2."""

from __future__ import annotations

from typing import Final

from node.web.context import Route
from node.web.pages import (
    member_afterwards,
    member_ask,
    member_ask_abroad,
    member_asks,
    member_bookings,
    member_calendar,
    member_code,
    member_data,
    member_find,
    member_given,
    member_home,
    member_listings,
    member_me,
    member_message_block,
    member_messages,
    member_people,
    member_post,
    member_promise,
    member_receipt,
    member_record,
    member_several,
    member_standing,
    member_statement,
    member_trade,
    member_wish,
)

ROUTES: Final[tuple[Route, ...]] = (
    *member_afterwards.ROUTES,
    *member_ask.ROUTES,
    *member_ask_abroad.ROUTES,
    *member_asks.ROUTES,
    *member_bookings.ROUTES,
    *member_calendar.ROUTES,
    *member_data.ROUTES,
    *member_code.ROUTES,
    *member_find.ROUTES,
    *member_given.ROUTES,
    *member_home.ROUTES,
    *member_listings.ROUTES,
    *member_me.ROUTES,
    *member_message_block.ROUTES,
    *member_messages.ROUTES,
    *member_people.ROUTES,
    *member_post.ROUTES,
    *member_promise.ROUTES,
    *member_receipt.ROUTES,
    *member_record.ROUTES,
    *member_several.ROUTES,
    *member_standing.ROUTES,
    *member_statement.ROUTES,
    *member_trade.ROUTES,
    *member_wish.ROUTES,
)
