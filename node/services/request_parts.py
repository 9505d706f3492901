"""What a letter about a listing of another scheme says of its kind, and how our side of a request is written. Source: docs/protocol.md 7.10."""

from __future__ import annotations

from node.services.letters import RequestPart
from node.services.placed_here import Placed
from node.services.request_rows import Request, Role
from node.services.request_words import SWAP
from protocol.letter import DepositSaid, Given, RequestText, SealedPicture, Sum
from protocol.limits import REQUEST_WORDS_CHARACTERS_MAX
from protocol.names import SchemeId
from protocol.swap import SWAPPABLE


def is_readable(wanted: str) -> bool:
    """Tell whether words from abroad are as long as they may be, and to be read."""
    return len(wanted) <= REQUEST_WORDS_CHARACTERS_MAX and all(
        each.isprintable() for each in wanted.split("\n")
    )


def kind_of(placed: Placed, text: RequestText) -> str:
    """Return which kind decides: of a listing that can be swapped it depends on what is asked."""
    return SWAP if text.given is not None and placed.kind in SWAPPABLE else placed.kind


def part_of(
    request: Request, turn: int, word: str, deposit: DepositSaid | None, pictures: tuple[SealedPicture, ...]
) -> RequestPart:
    """Return all that our side of a request says now."""
    given = Given(text=request.given, key=request.given_key) if request.given else None
    return RequestPart(
        turn=turn, heard=request.their_turn, word=word, places=request.places, start=request.start, end=request.end,
        given=given, deposit=deposit, pictures=pictures,
    )  # fmt: skip


def amount_of(request: Request, own: SchemeId) -> Sum | None:
    """Return what a request says of units: what whoever asks gives, or what the owner adds to a swap."""
    if not request.price:
        return None
    theirs = request.role is Role.OUT  # the listing
    if request.price > 0:
        return Sum(scheme=request.scheme if theirs else own, amount=request.price)
    # Below zero they get it: of a swap in their own units; of anything else it is no price, and not said.
    asking = own if theirs else request.scheme
    return Sum(scheme=asking, amount=-request.price) if request.kind == SWAP else None


def price_of(amount: Sum | None, own: SchemeId) -> int | None:
    """Return the same, as it is written down here."""
    if amount is None:
        return None
    return amount.amount if amount.scheme == own else -amount.amount
