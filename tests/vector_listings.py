"""Examples of what listings say, for the golden vectors. Source: docs/protocol.md 5.1, 5.9."""

from __future__ import annotations

from protocol.booking import BookingTerms
from protocol.market import AskingPrice, Listing, Place
from tests.vector_making import Vector, vector

EXAMPLES = ("item-listing-stay-payload",)


@vector("item-listing-stay-payload")
def _stay() -> Vector:
    message = Listing(
        kind="stay",
        title="A room under the roof",
        text="Quiet after ten, please.",
        category="borrow-rooms",
        price=AskingPrice(amount=60, per="night"),
        language="en",
        place=Place(north=5_151, east=-14),
        owner="Maud",
        terms=BookingTerms(step="night", longest=7, deposit=120, approval=True, guests=2),
    )
    wrong = {"kind": "lend", "terms": ("night", 7, 120, True, 0), "title": "", "price": (60, "hour")}
    return Vector(note="the payload of an item of kind listing", message=message, wrong=wrong)
