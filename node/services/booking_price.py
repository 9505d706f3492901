"""What a time costs of a thing that is lent or let. Source: docs/protocol.md 5.9."""

from __future__ import annotations

from protocol.booking import Period, price_of
from protocol.market import Listing


def whole_price(content: Listing, period: Period) -> int | None:
    """Return what a period of a listing costs; None where that is to agree. Source: 5.9."""
    assert content.terms is not None
    match content.price.per:
        case "free":
            return 0
        case "agree":
            return None
        case "item":
            return content.price.amount
        case _:
            return price_of(content.terms, period, content.price.amount)
