"""Examples of letters that move requests about listings, for the golden vectors. Source: docs/protocol.md 7.10."""

from __future__ import annotations

from protocol.beyond import Stands, Wants
from protocol.entry import ListingRef
from protocol.letter import (
    LISTING_ANSWER,
    LISTING_REQUEST,
    DepositSaid,
    Given,
    RequestText,
    SealedPicture,
    Sum,
)
from protocol.names import Handle
from tests.vector_making import Vector, filler, vector

EXAMPLES = (
    "letter-request",
    "letter-request-answer",
    "letter-request-swap",
    "letter-request-deposit",
    "letter-request-countered",
)
_RIVERSIDE = filler("riverside", 32)


def _text(**given: object) -> RequestText:
    usual: dict[str, object] = {
        "thread": filler("thread", 16), "kind": LISTING_REQUEST, "from_handle": Handle(filler("ana abroad", 16)),
        "from_name": "Ana", "to_handle": None, "listing": ListingRef(scheme=_RIVERSIDE, key=filler("ladder", 16)),
        "amount": None, "until": None, "reference": filler("request", 16), "text": "I would like this: a ladder\nOn Saturday?",
        "turn": 1_767_225_600_000, "heard": 0, "word": Wants.ASK.value, "places": 0, "start": None, "end": None,
    }  # fmt: skip
    return RequestText(**{**usual, **given})  # type: ignore[arg-type]  # what a test says


@vector("letter-request")
def _request() -> Vector:
    wrong = {
        "word": "agreed", "kind": "message", "reference": b"", "listing": None, "turn": 0, "start": 5, "places": 501,
    }  # fmt: skip
    return Vector(note="sealed inside a letter: somebody asks", message=_text(), wrong=wrong)


@vector("letter-request-answer")
def _answer() -> Vector:
    message = _text(
        kind=LISTING_ANSWER, from_handle=Handle(filler("karim", 16)), from_name="Karim", to_handle=Handle(filler("ana abroad", 16)),
        text="Yes, it is for you: a ladder\nRing twice", heard=1_767_225_600_000, turn=1_767_225_660_000,
        word=Stands.AGREED.value, places=2, start=490_896, end=490_920,
    )  # fmt: skip
    wrong = {"word": "ask", "kind": "listing-request", "end": 490_896, "heard": -1}
    return Vector(
        note="sealed inside a letter: the listing's scheme says yes, to a time", message=message, wrong=wrong
    )


@vector("letter-request-swap")
def _swap() -> Vector:
    message = _text(
        given=Given(text="A bench for your ladder", key=filler("bench", 16)), amount=Sum(scheme=_RIVERSIDE, amount=1200),
    )  # fmt: skip
    wrong = {"given": (b"", None), "kind": LISTING_ANSWER, "start": 5}
    return Vector(
        note="sealed inside a letter: somebody proposes a swap, and units come with it",
        message=message, wrong=wrong,
    )  # fmt: skip


@vector("letter-request-deposit")
def _deposit() -> Vector:
    message = _text(
        kind=LISTING_ANSWER, from_handle=Handle(filler("karim", 16)), from_name="Karim", to_handle=Handle(filler("ana abroad", 16)),
        text="It is over: a ladder\nA rung is broken", heard=1_767_225_600_000, turn=1_767_225_660_000, word=Stands.DONE.value,
        start=490_896, end=490_920, deposit=DepositSaid(amount=2400, word="asked", keep=600),
        pictures=(SealedPicture(name=filler("sealed", 32), key=filler("picture key", 32), time=1_767_225_650_000, words="The rung"),),
    )  # fmt: skip
    wrong = {"deposit": (2400, "asked", 0), "start": None, "pictures": ((b"n", b"k", 1, ""),)}
    return Vector(
        note="sealed inside a letter: the owner has it back, shows how it is, and asks to keep some of the deposit",
        message=message,
        wrong=wrong,
    )


@vector("letter-request-countered")
def _countered() -> Vector:
    message = _text(
        kind=LISTING_ANSWER, from_handle=Handle(filler("karim", 16)), from_name="Karim", to_handle=Handle(filler("ana abroad", 16)),
        text="How about this swap instead: a ladder for Pears", heard=1_767_225_600_000, turn=1_767_225_660_000,
        word=Stands.COUNTERED.value, given=Given(text="Pears", key=None), amount=Sum(scheme=_RIVERSIDE, amount=600),
    )  # fmt: skip
    wrong = {"given": None, "kind": LISTING_REQUEST, "start": 5}
    return Vector(
        note="sealed inside a letter: the owner proposes other terms for a swap", message=message, wrong=wrong
    )
