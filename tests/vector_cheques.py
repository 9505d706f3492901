"""Examples of what is written from a cheque or slip with another scheme, for the golden vectors. Source: docs/protocol.md 7.11."""

from __future__ import annotations

from protocol.letter import CHEQUE, ChequeText, Sum
from protocol.names import Handle, SchemeId
from protocol.quote import ChequeRequest
from tests.vector_making import Vector, filler, vector

EXAMPLES = ("letter-cheque", "quote-request-cheque")


@vector("letter-cheque")
def _letter() -> Vector:
    message = ChequeText(
        thread=filler("thread", 16), kind=CHEQUE, from_handle=Handle(filler("ana abroad", 16)), from_name="Ana", to_handle=None,
        listing=None, amount=Sum(scheme=SchemeId(filler("oakvale", 32)), amount=30), until=1_768_435_200_000, reference=filler("request", 16), text="Bread (cheque 77)", number=42,
        name="Karim Haddad", cheque="77", day=20_454, written=600,
    )  # fmt: skip
    wrong = {
        "kind": "message", "to_handle": filler("karim", 16), "reference": None, "number": 0, "name": "", "day": -1, "written": 0,
    }  # fmt: skip
    return Vector(
        note="sealed inside a letter: what somebody of theirs gave by cheque is asked for",
        message=message,
        wrong=wrong,
    )


@vector("quote-request-cheque")
def _request() -> Vector:
    message = ChequeRequest(
        listing=None, payee_handle=None, payer_handle=Handle(filler("ana abroad", 16)), payer_name="Ana", amount=600,
        price_seen=None, text="Jam (cheque 0412)", number=42, name="Karim",
    )  # fmt: skip
    wrong = {"payee_handle": filler("karim", 16), "listing": filler("jam", 16), "number": 0, "name": ""}
    return Vector(
        note="sealed inside a quote request: the price for whoever is named on a cheque",
        message=message,
        wrong=wrong,
    )
