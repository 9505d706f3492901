"""Prices between schemes: asked along the route, given by the payee's node (`promises.py`), carried back by every connector.

Nothing is set aside here. What a payer got is kept in memory only, so a boot voids every quote that no LOCK
stands for (6.7 h); what a payee gave is stored, so that it is paid at most once. Source: docs/protocol.md 7.1.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from crypto.sealing import ANSWER_SALT_BYTES, Box, CannotOpen, open_answer, open_box, seal_answer
from crypto.signing import Signed
from node.clock import Chance, Clock
from node.federation.channel import ChannelClosed
from node.federation.dispatch import Dispatch, NoAnswer
from node.federation.links import Links
from node.federation.session import Session
from node.keyring import KeyRing
from node.services.acts import clip
from node.services.lock_notes import Directory, LockNotes, ReadyNote
from node.services.members import Member
from node.services.promises import (
    Named,
    NameOf,
    OwnUnit,
    PayeeByListing,
    Promises,
    forget_promises,
    too_many_lapsed,
    trim_lapsed,
)  # fmt: skip
from node.services.turns import Turns
from node.store import Store
from node.supervisor import Supervisor
from protocol.errors import MalformedMessage, NotAuthentic, ProtocolError
from protocol.frame import Frame, FrameType
from protocol.limits import QUOTE_KEPT_MS, QUOTE_NAME_BYTES_MAX, QUOTE_TEXT_BYTES_MAX, SESSION_REQUESTS_MAX
from protocol.message import decode_message, encode_message, open_message
from protocol.names import Handle, ItemKey, QuoteId, SchemeId, scheme_text
from protocol.quote import (
    READY,
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
    is_fresh,
    read_request,
)
from protocol.session import Clocks
from protocol.units import local_of

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

_REQUEST_INFO: Final = b"interlets/1/quote-request"
_ANSWER_INFO: Final = b"interlets/1/quote-answer"

_CANNOT_NOW: Final = Refused(reason="cannot-now", amount=None)

# A route is asked this long for each hop that is left, and a moment more.
HOP_WAIT_MS: Final = 1_500
PREPARE_AFTER_S: Final = 0.001  # the question is out by then, the answer hardly back
ROUTES_TRIED: Final = 4
OFFERS_KEPT: Final = 10_000
# Asks of one peer being answered, and asks passed on to one peer: half of what a session lets wait, so that
# a flood of asks leaves room for everything else that is asked of that peer (I14).
ASKS_OF_ONE: Final = SESSION_REQUESTS_MAX // 2
ASKS_TO_ONE: Final = SESSION_REQUESTS_MAX // 2


class Routes(Protocol):
    """Ways to other schemes."""

    def candidates(self, goal: SchemeId, hours: int) -> list[tuple[SchemeId, ...]]:
        """Return routes to `goal`, the best first: own scheme first in each, `goal` last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A quote that came back over a route that is ready, and what it costs here."""

    quote: Signed[Quote]
    request: QuoteRequest
    route: tuple[SchemeId, ...]
    payee_name: str
    amount: int  # my own minor units
    received_ms: int
    note: ReadyNote | None = field(default=None, compare=False, repr=False)

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
        name_of: NameOf, trades_with: Callable[[SchemeId], bool], room_to: Callable[[SchemeId], int],
        credit_to: Callable[[SchemeId], int | None] = lambda _scheme: None,
        pauses: Callable[[], bool] = lambda: False, named: Named = lambda *_: None,
    ):  # fmt: skip
        """`trades_with` tells whether a line with a scheme is open: of others no price is asked here.

        `room_to` tells the most we may lock towards a scheme by what was last committed; `credit_to` the most it may lock
        towards us, None where nothing but its limit says so: what would be RELEASEd at once needs no price (10.4). While it `pauses`, nobody here can be paid.
        """
        self._store: Final = store
        self._keyring: Final = keyring
        self._clock: Final = clock
        self._chance: Final = chance
        self._links: Final = links
        self._directory: Final = directory
        self._routes: Final = routes
        self._unit: Final = unit
        self._trades_with: Final = trades_with
        self._room_to: Final = room_to
        self._credit_to: Final = credit_to
        self._pauses: Final = pauses
        self._answering: Final = Turns(ASKS_OF_ONE)
        self._passing: Final = Turns(ASKS_TO_ONE)
        self.promises: Final = Promises(
            keyring=keyring, clock=clock, chance=chance, unit=unit, payee_by_listing=payee_by_listing, name_of=name_of,
            named=named,
        )  # fmt: skip
        self.notes: Final = LockNotes(keyring, chance, directory)
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

    async def ask_for(
        self, payer: Member, payee_scheme: SchemeId, payee: Handle | None, amount: int, text: str, *,
        listing: ItemKey | None = None, price_seen: int | None = None,
    ) -> Offer | NoOffer:  # fmt: skip
        """Return a firm price at which a member of ours can pay `amount` of the payee's units, to a person or for a listing."""
        request = QuoteRequest(
            listing=listing, payee_handle=payee, payer_handle=await self.handle_of(payee_scheme, payer.account_no),
            payer_name=clip(payer.public_name, QUOTE_NAME_BYTES_MAX), amount=amount, price_seen=price_seen,
            text=clip(text, QUOTE_TEXT_BYTES_MAX),
        )  # fmt: skip
        return await self.ask(payee_scheme, request)

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
        box = Box(seal_key.public_key, _REQUEST_INFO, ephemeral=self._chance.bytes(32))
        ask = QuoteAsk(nonce=nonce, route=route, sealed=box.close(bound, encode_message(request)))
        # Whoever asks may pay, and until the answer comes there is nothing else to do for it.
        note = self.notes.ready(payee)
        asyncio.get_running_loop().call_later(PREPARE_AFTER_S, note.prepare)
        try:
            frame = await self._links.request(
                route[1], FrameType.QUOTE_ASK, encode_message(ask), timeout_ms=_wait_ms(len(route) - 1)
            )
            reply = decode_message(QuoteReply, _bytes(frame))
            if reply.nonce != nonce:
                raise MalformedMessage("an answer to another question")
            if not reply.sealed:
                return NoOffer("no-way")
            bound = binding(nonce, payee, me)
            answer = decode_message(
                QuoteAnswer, open_answer(box.answer_key(_ANSWER_INFO), bound, reply.sealed)
            )
            return self._read_reply(route, request, reply, answer, nonce, note)
        except NoAnswer:
            return NoOffer("no-way")
        except (ProtocolError, CannotOpen) as error:
            log.warning("quote_not_usable", payee=scheme_text(payee), reason=str(error))
            return NoOffer("no-way")

    def _read_reply(
        self, route: tuple[SchemeId, ...], request: QuoteRequest, reply: QuoteReply, answer: QuoteAnswer, nonce: bytes,
        note: ReadyNote,
    ) -> Offer | NoOffer:  # fmt: skip
        me, payee, outcome = route[0], route[-1], answer.outcome
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
        room = self._room_to(route[1])
        if ready != set(route[1:-1]) or room < quote.body.hours or not self._clocks_agree(route[1]):
            return NoOffer("no-way")
        # Whether room is left then, and whether its reference is free (7.9), is looked at with the LOCK.
        offer = Offer(
            quote=quote,
            request=request,
            route=route,
            payee_name=outcome.payee_name,
            amount=local_of(quote.body.hours, self._unit().rate),
            received_ms=self._clock.now_ms(),
            note=note,
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
        if not self._trades_with(session.peer) or not self._answering.are_left(session.peer):
            no = encode_message(self._no_way(ask))
            session.offer(FrameType.QUOTE_REPLY, no, request_id=frame.request_id)
            return
        self.tasks.spawn(self._serve(session, frame, ask, at), "quote-ask")

    async def _serve(self, session: Session, frame: Frame, ask: QuoteAsk, at: int) -> None:
        with self._answering.one(session.peer):
            last = at == len(ask.route) - 1
            reply = await (self._answer(ask) if last else self._pass_on(ask, at))
            await session.answer(frame, encode_message(reply))

    async def _pass_on(self, ask: QuoteAsk, at: int) -> QuoteReply:
        onward = ask.route[at + 1]
        no = self._no_way(ask)
        room = self._room_to(onward)
        if not room or not self._clocks_agree(onward) or not self._passing.are_left(onward):
            return no
        wait_ms = _wait_ms(len(ask.route) - 1 - at)
        try:
            with self._passing.one(onward):
                frame = await self._links.request(
                    onward, FrameType.QUOTE_ASK, encode_message(ask), timeout_ms=wait_ms
                )
            reply = decode_message(QuoteReply, _bytes(frame))
        except (NoAnswer, ChannelClosed, ProtocolError):
            return no
        word = READY if reply.hours <= room and self._may_owe(ask.route[at - 1], reply.hours) else "no-way"
        return QuoteReply(
            nonce=ask.nonce,
            hours=reply.hours,
            sealed=reply.sealed,
            answers=(*reply.answers[:5], self._says(word)),
        )

    def _may_owe(self, peer: SchemeId, hours: int) -> bool:
        """Tell whether a LOCK of `peer` over so much is not refused for what is proved against it. Source: 10.4."""
        most = self._credit_to(peer)
        return most is None or hours <= most

    def _no_way(self, ask: QuoteAsk) -> QuoteReply:
        return QuoteReply(nonce=ask.nonce, hours=0, sealed=b"", answers=(self._says("no-way"),))

    def _says(self, word: str) -> Answer:
        return Answer(scheme=self._keyring.scheme, word=word)

    async def _answer(self, ask: QuoteAsk) -> QuoteReply:
        payer, me = ask.route[0], self._keyring.scheme
        silent = QuoteReply(nonce=ask.nonce, hours=0, sealed=b"", answers=())
        if self._directory.state(payer) is None:
            return silent  # its acceptance could not be checked
        bound = binding(ask.nonce, payer, me)
        try:
            plain, answer_key = open_box(
                self._keyring.seal[1], _REQUEST_INFO, bound, ask.sealed, _ANSWER_INFO
            )
            request = read_request(plain)
        except (CannotOpen, MalformedMessage):
            return silent
        outcome: Offered | Refused = _CANNOT_NOW
        hours = 0
        if not self._pauses():
            outcome, hours = await self._store.write(self.promises.promise, ask, request)
            if not self._may_owe(ask.route[-2], hours):
                outcome, hours = _CANNOT_NOW, 0
        plain, bound = encode_message(QuoteAnswer(outcome=outcome)), binding(ask.nonce, me, payer)
        sealed = seal_answer(answer_key, bound, plain, salt=self._chance.bytes(ANSWER_SALT_BYTES))
        return QuoteReply(nonce=ask.nonce, hours=hours, sealed=sealed, answers=())

    async def handle_of(self, scheme: SchemeId, account_no: int) -> Handle:
        """Return how a member is called towards `scheme`."""
        return await self._store.write(self.promises.handle_in, scheme, account_no)

    async def forget_old(self) -> None:
        """Drop promises that nobody can pay any more."""
        now_ms = self._clock.now_ms()
        await self._store.write(forget_promises, now_ms - QUOTE_KEPT_MS)
        for neighbour in await self._store.read(too_many_lapsed, now_ms):
            await self._store.write(trim_lapsed, neighbour, now_ms)


def _wait_ms(hops: int) -> int:
    return HOP_WAIT_MS * hops + 500


def _bytes(frame: Frame) -> bytes:
    if type(frame.payload) is not bytes:
        raise MalformedMessage("not bytes")
    return frame.payload
