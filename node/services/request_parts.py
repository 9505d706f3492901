"""What a letter about a listing of another scheme says of its kind, and how our side of a request is written. Source: docs/protocol.md 7.10."""

from __future__ import annotations

from node.services.letters import RequestPart
from node.services.placed_here import Placed
from node.services.request_rows import Request
from node.services.request_words import SWAP
from protocol.letter import DepositSaid, Given, RequestText
from protocol.limits import REQUEST_WORDS_CHARACTERS_MAX
from protocol.swap import SWAPPABLE


def is_readable(wanted: str) -> bool:
    """Tell whether words from abroad are as long as they may be, and to be read."""
    return len(wanted) <= REQUEST_WORDS_CHARACTERS_MAX and all(
        each.isprintable() for each in wanted.split("\n")
    )


def kind_of(placed: Placed, text: RequestText) -> str:
    """Return which kind decides: of a listing that can be swapped it depends on what is asked."""
    return SWAP if text.given is not None and placed.kind in SWAPPABLE else placed.kind


def part_of(request: Request, turn: int, word: str, deposit: DepositSaid | None) -> RequestPart:
    """Return all that our side of a request says now."""
    given = Given(text=request.given, key=request.given_key) if request.given else None
    return RequestPart(
        turn=turn, heard=request.their_turn, word=word, places=request.places, start=request.start, end=request.end,
        given=given, deposit=deposit,
    )  # fmt: skip
