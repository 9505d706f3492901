"""Prices this scheme gives as the payee's: whom a request means, the signed quote, stored so that it is paid at most once.

Asking and passing on is in `quotes.py`. Source: docs/protocol.md 7.1, 7.7, 7.9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select

from crypto.signing import Signed
from node.clock import Chance, Clock
from node.keyring import KeyRing
from node.services.books import load, reference_number, reference_taken
from node.store import ReadTx, Tx
from node.store.schema import payments as schema
from protocol.errors import InvalidValue
from protocol.names import Handle, ItemKey, SchemeId
from protocol.quote import (
    ChequeRequest,
    Offered,
    Quote,
    QuoteAsk,
    QuoteRequest,
    Refused,
    make_quote,
)
from protocol.units import Rate

PROMISES_OPEN_MAX: Final = 2_000  # given to one neighbour's asks, neither paid nor past their end (I14)
# Past their end they are kept only to tell a late lock from a strange one; of one neighbour's no more than this.
PROMISES_LAPSED_MAX: Final = 10_000

_Q: Final = schema.promise.c
_GIVEN: Final = select(_Q.state).where(_Q.quote_id == bindparam("quote_id"))
_NEW_PROMISE: Final = insert(schema.promise)
_OLD_PROMISES: Final = delete(schema.promise).where(_Q.state == "given", _Q.valid_until < bindparam("before"))
_OPEN_PROMISES: Final = select(func.count()).select_from(schema.promise).where(
    _Q.state == "given", _Q.valid_until > bindparam("now"), _Q.via == bindparam("via")
)  # fmt: skip
_LAPSED: Final = (
    select(_Q.via)
    .where(_Q.state == "given", _Q.valid_until <= bindparam("now"))
    .group_by(_Q.via)
    .having(func.count() > bindparam("most"))
)
_NEWEST_TO_GO: Final = (
    select(_Q.valid_until)
    .where(_Q.state == "given", _Q.via == bindparam("via"), _Q.valid_until <= bindparam("now"))
    .order_by(_Q.valid_until.desc())
    .offset(bindparam("most"))
    .limit(1)
)
_TRIM: Final = delete(schema.promise).where(
    _Q.state == "given", _Q.via == bindparam("neighbour"), _Q.valid_until <= bindparam("upto")
)
_H: Final = schema.handle.c
_HANDLE: Final = select(_H.handle).where(
    _H.scheme == bindparam("scheme"), _H.account_no == bindparam("account_no")
)
_BY_HANDLE: Final = select(_H.account_no).where(
    _H.handle == bindparam("handle"), _H.scheme == bindparam("scheme")
)
_NEW_HANDLE: Final = insert(schema.handle)


@dataclass(frozen=True, slots=True)
class Payee:
    """Who would be paid, as the payee's own scheme knows it."""

    account_no: int
    name: str  # as other schemes may see it
    price: int | None  # the listing's exact price, where it has one


class Given(NamedTuple):
    """A quote that was given, as it is read when somebody pays it."""

    paid: bool
    account_no: int
    quote: Signed[Quote]
    text: str
    payer_name: str


@dataclass(frozen=True, slots=True)
class OwnUnit:
    """The unit of this scheme and what an hour is in it, as they stand now."""

    code: str
    rate: Rate


PayeeByListing = Callable[[ReadTx, ItemKey], Payee | None]
# What other schemes may call whoever has an account; None if nobody can pay them now.
NameOf = Callable[[ReadTx, int], str | None]
# Whom another scheme names by number and name from paper: the account, if they fit.
Named = Callable[[Tx, SchemeId, int, str], int | None]


class Promises:
    """Gives quotes, in units of work of the caller."""

    def __init__(
        self, *, keyring: KeyRing, clock: Clock, chance: Chance, unit: Callable[[], OwnUnit],
        payee_by_listing: PayeeByListing, name_of: NameOf, named: Named = lambda *_: None,
    ):  # fmt: skip
        """`named` finds whom another scheme names from paper (7.11)."""
        self._keyring: Final = keyring
        self._clock: Final = clock
        self._chance: Final = chance
        self._unit: Final = unit
        self._payee_by_listing: Final = payee_by_listing
        self._name_of: Final = name_of
        self._named: Final = named

    def promise(self, tx: Tx, ask: QuoteAsk, request: QuoteRequest) -> tuple[Offered | Refused, int]:
        """Sign and store a quote for `request`; return it, or why not, and its hours."""
        payer, now = ask.route[0], self._clock.now_ms()
        payee = self._find_payee(tx, payer, request)
        if payee is None:
            return Refused(reason="gone"), 0
        if (
            request.listing is not None
            and payee.price is not None
            and request.price_seen not in (None, payee.price)
        ):
            return Refused(reason="price-changed", amount=payee.price), 0
        account = load(tx, payee.account_no).value
        if account.closed or (account.room is not None and account.room < request.amount):
            return Refused(reason="cannot-now"), 0
        if tx.scalar(_OPEN_PROMISES, now=now, via=ask.route[-2]) >= PROMISES_OPEN_MAX:
            return Refused(reason="cannot-now"), 0
        unit = self._unit()
        handle = request.payee_handle  # by which the payee was found, unless a listing led there
        if handle is None or request.listing is not None:
            handle = self.handle_in(tx, payer, payee.account_no)
        while True:
            try:
                body = make_quote(
                    request, payee_scheme=self._keyring.scheme, payer_scheme=payer, nonce=ask.nonce,
                    payee_handle=handle, unit=unit.code, rate=unit.rate,
                    receipt_key=self._keyring.signing["receipt"][1].public.raw, now_ms=now,
                )  # fmt: skip
            except InvalidValue:
                return Refused(reason="cannot-now"), 0
            quote = self._keyring.sign("line", body)
            taken = reference_taken(tx, reference_number(quote.id))
            if not taken and tx.one(_GIVEN, quote_id=quote.id) is None:
                break
            now += 1  # another trade's reference (7.9), or the same ask again: a millisecond makes it another quote
        tx.run_keeping(
            _NEW_PROMISE, quote_id=quote.id, state="given", account_no=payee.account_no, quote=quote.wire,
            text=request.text, payer_name=request.payer_name, payer_handle=request.payer_handle,
            via=ask.route[-2], valid_until=body.valid_until, trade_no=None, acceptance=None, receipt=None, line_no=None, lock_seq=None,
        )  # fmt: skip
        # Mostly it is paid within the minute, and read again then.
        tx.kept(schema.promise)[quote.id] = Given(
            False, payee.account_no, quote, request.text, request.payer_name
        )
        return Offered(wire=quote.wire, payee_name=payee.name), body.hours

    def _find_payee(self, tx: Tx, payer: SchemeId, request: QuoteRequest) -> Payee | None:
        if request.listing is not None:
            return self._payee_by_listing(tx, request.listing)
        if isinstance(request, ChequeRequest):
            account_no = self._named(tx, payer, request.number, request.name)
        else:
            account_no = tx.scalar(_BY_HANDLE, handle=request.payee_handle, scheme=payer)
        name = None if account_no is None else self._name_of(tx, account_no)
        return None if account_no is None or name is None else Payee(account_no, name, None)

    def handle_in(self, tx: Tx, scheme: SchemeId, account_no: int) -> Handle:
        """Return how a member is called towards `scheme`; drawn when first needed. Source: 7.7."""
        known = tx.scalar(_HANDLE, scheme=scheme, account_no=account_no)
        if known is not None:
            return Handle(known)
        handle = Handle(self._chance.bytes(16))
        tx.run(_NEW_HANDLE, scheme=scheme, account_no=account_no, handle=handle)
        return handle


def too_many_lapsed(tx: ReadTx, now_ms: int) -> list[SchemeId]:
    """Return the neighbours of whose asks more promises ended unpaid than are kept."""
    return [SchemeId(via) for (via,) in tx.all(_LAPSED, now=now_ms, most=PROMISES_LAPSED_MAX)]


def trim_lapsed(tx: Tx, via: SchemeId, now_ms: int) -> None:
    """Drop the oldest promises that ended unpaid, so that a neighbour's asks do not fill the disk. Source: I14.

    A lock for one of them would be released as strange instead of late; it is released either way.
    """
    upto = tx.scalar(_NEWEST_TO_GO, via=via, now=now_ms, most=PROMISES_LAPSED_MAX)
    if upto is not None:
        tx.run(_TRIM, neighbour=via, upto=upto)


def forget_promises(tx: Tx, before_ms: int) -> None:
    """Drop promises that ended before `before_ms` unpaid."""
    tx.run(_OLD_PROMISES, before=before_ms)
