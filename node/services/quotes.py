"""Prices between schemes: asked along the route, given by the payee's node, carried back by every connector.

Nothing is set aside here. What a payer got is kept in memory only, so a boot voids every quote that no LOCK
stands for (6.7 h); what a payee gave is stored, so that it is paid at most once. Source: docs/protocol.md 7.1.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from sqlalchemy import bindparam, delete, func, insert, select

from crypto.keys import BadKey
from crypto.sealing import SEALING_OVERHEAD_BYTES, CannotOpen, open_sealed, seal
from crypto.signing import Signed
from node.clock import Chance, Clock
from node.federation.channel import ChannelClosed
from node.federation.dispatch import Dispatch, NoAnswer
from node.federation.links import Links
from node.federation.session import Session
from node.keyring import KeyRing
from node.services.books import load, reference_number
from node.services.line_desk import LineDesk
from node.services.line_units import KeyDirectory
from node.store import ReadTx, Store, Tx
from node.store.schema import books as books_schema
from node.store.schema import payments as schema
from node.supervisor import Supervisor
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic, ProtocolError
from protocol.frame import Frame, FrameType
from protocol.identity import IdentityState
from protocol.limits import QUOTE_KEPT_MS
from protocol.line_ops import MODE_NORMAL, Lock
from protocol.message import decode_message, encode_message, open_message
from protocol.names import Handle, ItemKey, QuoteId, SchemeId, scheme_text
from protocol.quote import (
    READY,
    Acceptance,
    Answer,
    Offered,
    Quote,
    QuoteAnswer,
    QuoteAsk,
    QuoteReply,
    QuoteRequest,
    Refused,
    binding,
    check_quote,
    fits_note,
    is_fresh,
    make_quote,
    note_binding,
)
from protocol.session import Clocks
from protocol.units import Rate, local_of

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

_REQUEST_INFO: Final = b"interlets/1/quote-request"
_ANSWER_INFO: Final = b"interlets/1/quote-answer"
_NOTE_INFO: Final = b"interlets/1/note"

# A route is asked this long for each hop that is left, and a moment more.
HOP_WAIT_MS: Final = 1_500
ROUTES_TRIED: Final = 4
OFFERS_KEPT: Final = 10_000
PROMISES_OPEN_MAX: Final = 2_000  # given to one neighbour's asks, neither paid nor past their end (I14)

_Q: Final = schema.promise.c
_GIVEN: Final = select(_Q.state).where(_Q.quote_id == bindparam("quote_id"))
_NEW_PROMISE: Final = insert(schema.promise)
_OLD_PROMISES: Final = delete(schema.promise).where(_Q.state == "given", _Q.valid_until < bindparam("before"))
_OPEN_PROMISES: Final = select(func.count()).select_from(schema.promise).where(
    _Q.state == "given", _Q.valid_until > bindparam("now"), _Q.via == bindparam("via")
)  # fmt: skip
_H: Final = schema.handle.c
_HANDLE: Final = select(_H.handle).where(
    _H.scheme == bindparam("scheme"), _H.account_no == bindparam("account_no")
)
_BY_HANDLE: Final = select(_H.account_no).where(
    _H.handle == bindparam("handle"), _H.scheme == bindparam("scheme")
)
_NEW_HANDLE: Final = insert(schema.handle)
_T: Final = books_schema.trade.c
_REFERENCE_TAKEN: Final = select(_T.no).where(_T.reference == bindparam("reference"))


class Directory(KeyDirectory, Protocol):
    """What is known of other schemes' keys."""

    def state(self, scheme: SchemeId) -> IdentityState | None:
        """Return a scheme's identity, or None if it is unknown."""


class Routes(Protocol):
    """Ways to other schemes."""

    def candidates(self, goal: SchemeId, hours: int) -> list[tuple[SchemeId, ...]]:
        """Return routes to `goal`, the best first: own scheme first in each, `goal` last."""


@dataclass(frozen=True, slots=True)
class Payee:
    """Who would be paid, as the payee's own scheme knows it."""

    account_no: int
    name: str  # as other schemes may see it
    price: int | None  # the listing's exact price, where it has one


@dataclass(frozen=True, slots=True)
class OwnUnit:
    """The unit of this scheme and what an hour is in it, as they stand now."""

    code: str
    rate: Rate


PayeeByListing = Callable[[ReadTx, ItemKey], Payee | None]
NameOf = Callable[[ReadTx, int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A quote that came back over a route that is ready, and what it costs here."""

    quote: Signed[Quote]
    request: QuoteRequest
    route: tuple[SchemeId, ...]
    payee_name: str
    amount: int  # my own minor units
    received_ms: int

    @property
    def id(self) -> QuoteId:
        """The id of the quote."""
        return QuoteId(self.quote.id)


@dataclass(frozen=True, slots=True)
class NoOffer:
    """Why there is none: `gone`, `price-changed`, `no-way` or `cannot-now`; the new price where it changed."""

    reason: str
    amount: int | None = None


class QuoteService:
    """See the head of this file. `run` is `async with`; asks of others are served in tasks of their own."""

    def __init__(
        self, *, store: Store, keyring: KeyRing, clock: Clock, chance: Chance, links: Links, dispatch: Dispatch,
        directory: Directory, routes: Routes, unit: Callable[[], OwnUnit], payee_by_listing: PayeeByListing,
        name_of: NameOf,
    ):  # fmt: skip
        self._store: Final = store
        self._keyring: Final = keyring
        self._clock: Final = clock
        self._chance: Final = chance
        self._links: Final = links
        self._directory: Final = directory
        self._routes: Final = routes
        self._unit: Final = unit
        self._payee_by_listing: Final = payee_by_listing
        self._name_of: Final = name_of
        self._offers: Final[OrderedDict[QuoteId, Offer]] = OrderedDict()
        self.tasks: Final = Supervisor("quotes")
        dispatch.register(self, FrameType.QUOTE_ASK)

    # --- asking -----------------------------------------------------------------------------------------------

    async def ask(self, payee_scheme: SchemeId, request: QuoteRequest) -> Offer | NoOffer:
        """Return a firm price for `request`, from the first route that is ready all along."""
        worst = NoOffer("no-way")
        for route in self._routes.candidates(payee_scheme, 0)[:ROUTES_TRIED]:
            found = await self._ask_along(route, request)
            if isinstance(found, Offer) or found.reason in ("gone", "price-changed"):
                return found
            worst = found
        return worst

    def offer(self, quote_id: QuoteId) -> Offer | None:
        """Return an offer got since this boot that is still fresh."""
        offer = self._offers.get(quote_id)
        if offer is None or not is_fresh(offer.quote.body, offer.received_ms, self._clock.now_ms()):
            return None
        return offer

    def use(self, quote_id: QuoteId) -> None:
        """Forget an offer that a LOCK stands for now."""
        self._offers.pop(quote_id, None)

    async def _ask_along(self, route: tuple[SchemeId, ...], request: QuoteRequest) -> Offer | NoOffer:
        me, payee = route[0], route[-1]
        identity = self._directory.state(payee)
        seal_key = None if identity is None else identity.current("seal")
        if seal_key is None:
            return NoOffer("no-way")
        nonce = self._chance.bytes(16)
        bound = binding(nonce, me, payee)
        sealed = seal(
            seal_key.public_key,
            _REQUEST_INFO,
            bound,
            encode_message(request),
            ephemeral=self._chance.bytes(32),
        )
        ask = QuoteAsk(nonce=nonce, route=route, sealed=sealed)
        try:
            frame = await self._links.request(
                route[1], FrameType.QUOTE_ASK, encode_message(ask), timeout_ms=_wait_ms(len(route) - 1)
            )
            reply = decode_message(QuoteReply, _bytes(frame))
            return await self._read_reply(route, request, nonce, reply)
        except NoAnswer:
            return NoOffer("no-way")
        except (ProtocolError, CannotOpen) as error:
            log.warning("quote_not_usable", payee=scheme_text(payee), reason=str(error))
            return NoOffer("no-way")

    async def _read_reply(
        self, route: tuple[SchemeId, ...], request: QuoteRequest, nonce: bytes, reply: QuoteReply
    ) -> Offer | NoOffer:
        me, payee = route[0], route[-1]
        if reply.nonce != nonce:
            raise MalformedMessage("an answer to another question")
        if not reply.sealed:
            return NoOffer("no-way")
        plain = open_sealed(self._keyring.seal[1], _ANSWER_INFO, binding(nonce, payee, me), reply.sealed)
        outcome = decode_message(QuoteAnswer, plain).outcome
        if isinstance(outcome, Refused):
            return NoOffer(outcome.reason, outcome.amount)
        quote = open_message(
            Quote,
            outcome.wire,
            lambda body, key_seq: self._directory.key_for(body.payee_scheme, "line", key_seq),
        )
        fault = check_quote(
            quote.body,
            request,
            payer=me,
            payee=payee,
            nonce=nonce,
            receipt_key_known=self._is_receipt_key(payee, quote.body.receipt_key),
        )
        if fault is not None:
            raise MalformedMessage(f"the quote is {fault.value}")
        ready = {answer.scheme for answer in reply.answers if answer.word == READY}
        room = await self._store.read(self._room_to, route[1])
        if ready != set(route[1:-1]) or room < quote.body.hours or not self._clocks_agree(route[1]):
            return NoOffer("no-way")
        if await self._store.read(_is_taken, reference_number(quote.id)):
            return NoOffer("cannot-now")  # its reference is another trade's; asked again, it is another
        offer = Offer(
            quote=quote,
            request=request,
            route=route,
            payee_name=outcome.payee_name,
            amount=local_of(quote.body.hours, self._unit().rate),
            received_ms=self._clock.now_ms(),
        )
        self._offers[offer.id] = offer
        while len(self._offers) > OFFERS_KEPT:
            self._offers.popitem(last=False)
        return offer

    def _is_receipt_key(self, scheme: SchemeId, raw: bytes) -> bool:
        identity = self._directory.state(scheme)
        return identity is not None and any(
            each.purpose == "receipt" and each.public_key == raw and each.revoked_seq is None
            for each in identity.delegations
        )

    def _room_to(self, tx: ReadTx, peer: SchemeId) -> int:
        line = LineDesk(tx, self._keyring, self._clock.now_ms()).by_peer(peer)  # type: ignore[arg-type]  # it only reads
        return 0 if line is None else line.room(MODE_NORMAL)

    def _clocks_agree(self, peer: SchemeId) -> bool:
        session = self._links.live.get(peer)
        return session is not None and session.terms.clocks is not Clocks.NO_NEW_LOCKS

    # --- answering --------------------------------------------------------------------------------------------

    async def on_frame(self, session: Session, frame: Frame) -> None:
        """Take a question about a price. Raises ProtocolError."""
        ask = decode_message(QuoteAsk, _bytes(frame))
        me = self._keyring.scheme
        if me not in ask.route[1:] or len(set(ask.route)) != len(ask.route):
            raise MalformedMessage("a route that does not come here")
        at = ask.route.index(me)
        if ask.route[at - 1] != session.peer:
            raise NotAuthentic("it comes from another scheme than its route says")
        self.tasks.spawn(self._serve(session, frame, ask, at), "quote-ask")

    async def _serve(self, session: Session, frame: Frame, ask: QuoteAsk, at: int) -> None:
        last = at == len(ask.route) - 1
        reply = await (self._answer(ask) if last else self._pass_on(ask, at))
        await session.answer(frame, encode_message(reply))

    async def _pass_on(self, ask: QuoteAsk, at: int) -> QuoteReply:
        onward = ask.route[at + 1]
        no = QuoteReply(nonce=ask.nonce, hours=0, sealed=b"", answers=(self._says("no-way"),))
        room = await self._store.read(self._room_to, onward)
        if not room or not self._clocks_agree(onward):
            return no
        try:
            frame = await self._links.request(
                onward, FrameType.QUOTE_ASK, encode_message(ask), timeout_ms=_wait_ms(len(ask.route) - 1 - at)
            )
            reply = decode_message(QuoteReply, _bytes(frame))
        except (NoAnswer, ChannelClosed, ProtocolError):
            return no
        word = READY if reply.hours <= room else "no-way"
        return QuoteReply(
            nonce=ask.nonce,
            hours=reply.hours,
            sealed=reply.sealed,
            answers=(*reply.answers[:5], self._says(word)),
        )

    def _says(self, word: str) -> Answer:
        return Answer(scheme=self._keyring.scheme, word=word)

    async def _answer(self, ask: QuoteAsk) -> QuoteReply:
        payer, me = ask.route[0], self._keyring.scheme
        silent = QuoteReply(nonce=ask.nonce, hours=0, sealed=b"", answers=())
        identity = self._directory.state(payer)
        seal_key = None if identity is None else identity.current("seal")
        if seal_key is None:
            return silent  # nobody could read the answer, and its acceptance could not be checked
        try:
            plain = open_sealed(
                self._keyring.seal[1], _REQUEST_INFO, binding(ask.nonce, payer, me), ask.sealed
            )
            request = decode_message(QuoteRequest, plain)
        except (CannotOpen, MalformedMessage):
            return silent
        outcome, hours = await self._store.write(self._promise, ask, request)
        sealed = seal(
            seal_key.public_key,
            _ANSWER_INFO,
            binding(ask.nonce, me, payer),
            encode_message(QuoteAnswer(outcome=outcome)),
            ephemeral=self._chance.bytes(32),
        )
        return QuoteReply(nonce=ask.nonce, hours=hours, sealed=sealed, answers=())

    def _promise(self, tx: Tx, ask: QuoteAsk, request: QuoteRequest) -> tuple[Offered | Refused, int]:
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
            reference_taken = tx.one(_REFERENCE_TAKEN, reference=reference_number(quote.id)) is not None
            if not reference_taken and tx.one(_GIVEN, quote_id=quote.id) is None:
                break
            now += 1  # another trade's reference (7.9), or the same ask again: a millisecond makes it another quote
        tx.run(
            _NEW_PROMISE, quote_id=quote.id, state="given", account_no=payee.account_no, quote=quote.wire,
            text=request.text, payer_name=request.payer_name, payer_handle=request.payer_handle,
            via=ask.route[-2], valid_until=body.valid_until, trade_no=None, acceptance=None, receipt=None, line_no=None, lock_seq=None,
        )  # fmt: skip
        return Offered(wire=quote.wire, payee_name=payee.name), body.hours

    def _find_payee(self, tx: ReadTx, payer: SchemeId, request: QuoteRequest) -> Payee | None:
        if request.listing is not None:
            return self._payee_by_listing(tx, request.listing)
        account_no = tx.scalar(_BY_HANDLE, handle=request.payee_handle, scheme=payer)
        return None if account_no is None else Payee(account_no, self._name_of(tx, account_no), None)

    def handle_in(self, tx: Tx, scheme: SchemeId, account_no: int) -> Handle:
        """Return how a member is called towards `scheme`; drawn when first needed. Source: 7.7."""
        known = tx.scalar(_HANDLE, scheme=scheme, account_no=account_no)
        if known is not None:
            return Handle(known)
        handle = Handle(self._chance.bytes(16))
        tx.run(_NEW_HANDLE, scheme=scheme, account_no=account_no, handle=handle)
        return handle

    async def handle_of(self, scheme: SchemeId, account_no: int) -> Handle:
        """Return how a member is called towards `scheme`."""
        return await self._store.write(self.handle_in, scheme, account_no)

    async def forget_old(self) -> None:
        """Drop promises that nobody can pay any more; done daily."""
        await self._store.write(_forget, self._clock.now_ms() - QUOTE_KEPT_MS)

    # --- notes ------------------------------------------------------------------------------------------------

    def accept(self, offer: Offer) -> tuple[Signed[Acceptance], bytes]:
        """Return my acceptance of an offer, and the same sealed for the payee, as a LOCK's note."""
        body = offer.quote.body
        acceptance = self._keyring.sign(
            "line",
            Acceptance(
                quote_id=offer.id, payer_scheme=body.payer_scheme, payer_handle=offer.request.payer_handle
            ),
        )
        assert fits_note(acceptance.wire, SEALING_OVERHEAD_BYTES)
        identity = self._directory.state(body.payee_scheme)
        seal_key = None if identity is None else identity.current("seal")
        if seal_key is None:
            raise BadKey("the payee has no sealing key any more")
        note = seal(
            seal_key.public_key,
            _NOTE_INFO,
            note_binding(offer.id),
            acceptance.wire,
            ephemeral=self._chance.bytes(32),
        )
        return acceptance, note

    def acceptance_of(self, lock: Lock) -> Signed[Acceptance] | None:
        """Return the verified acceptance in the note of a lock that ends here, or None."""
        try:
            wire = open_sealed(self._keyring.seal[1], _NOTE_INFO, note_binding(lock.quote_id), lock.note)
            return open_message(
                Acceptance,
                wire,
                lambda body, key_seq: self._directory.key_for(body.payer_scheme, "line", key_seq),
            )
        except (CannotOpen, ProtocolError):
            return None


def _forget(tx: Tx, before_ms: int) -> None:
    tx.run(_OLD_PROMISES, before=before_ms)


def _is_taken(tx: ReadTx, reference: int) -> bool:
    return tx.one(_REFERENCE_TAKEN, reference=reference) is not None


def _wait_ms(hops: int) -> int:
    return HOP_WAIT_MS * hops + 500


def _bytes(frame: Frame) -> bytes:
    if type(frame.payload) is not bytes:
        raise MalformedMessage("not bytes")
    return frame.payload
