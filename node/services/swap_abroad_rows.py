"""The terms of swaps across schemes, in the store: what a letter says of them, and how they are written down.

Units only; what is done with them is in `swaps_abroad.py` and `swap_answers.py`. Source: docs/protocol.md 7.10.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, update

from node.services.request_rows import Offered, Request, Role
from node.store import Tx
from node.store.schema import requests as schema
from protocol.beyond import Stands
from protocol.letter import RequestText
from protocol.names import SchemeId

_R: Final = schema.request.c
_OFFERED: Final = (
    update(schema.request)
    .where(_R.no == bindparam("which"))
    .values(
        offered=bindparam("new_given"), offered_key=bindparam("new_key"), offered_price=bindparam("new_price"),
        their_heard=bindparam("new_heard"),
    )
)  # fmt: skip
_TERMS: Final = (
    update(schema.request)
    .where(_R.no == bindparam("which"))
    .values(
        given=bindparam("new_given"), given_key=bindparam("new_key"), price=bindparam("new_price"),
        proposal=_R.proposal + 1, proposed_ms=bindparam("now"),
    )
)  # fmt: skip
_SAID_FIRST: Final = (
    update(schema.request).where(_R.no == bindparam("which")).values(proposed_turn=_R.my_turn)
)


def terms_in(text: RequestText, role: Role, own: SchemeId) -> Offered | None:
    """Return the terms that a letter about a swap says, as they are written down here; None where it says none to be read."""
    if text.given is None or not text.given.text.isprintable():
        return None
    price = None
    if text.amount is not None and text.amount.amount:
        # What is added is in the units of whoever gets it: those of the listing's scheme where whoever asks adds it.
        asker_adds = (text.amount.scheme == own) is (role is Role.IN)
        price = text.amount.amount if asker_adds else -text.amount.amount
    return Offered(text.given.text, text.given.key, price)


def note_offered(tx: Tx, no: int, offered: Offered, heard: int) -> None:
    """Unit: note the terms that the other side said last, and how far it had read then."""
    tx.run(
        _OFFERED, which=no, new_given=offered.given, new_key=offered.given_key, new_price=offered.price, new_heard=heard
    )  # fmt: skip


def note_terms(tx: Tx, no: int, terms: Offered, now_ms: int) -> None:
    """Unit: let a swap be for other terms from now on."""
    tx.run(
        _TERMS, which=no, new_given=terms.given, new_key=terms.given_key, new_price=terms.price, now=now_ms
    )


def note_said_first(tx: Tx, no: int) -> None:
    """Unit: note that our newest letter is the first with these terms."""
    tx.run(_SAID_FIRST, which=no)


def heard_stands(request: Request, stands: Stands, offered: Offered) -> Stands:
    """Return how a swap that we asked for stands by an answer: nobody is bound to terms that they did not say. Source: 7.10."""
    open_ = stands in (Stands.ASKED, Stands.AGREED)
    return Stands.COUNTERED if open_ and offered != request.terms else stands
