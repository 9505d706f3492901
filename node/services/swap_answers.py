"""What a member answers to the other terms that somebody abroad proposes for a swap: yes, or terms of their own again.

A yes is to ask for exactly what they propose; their scheme decides. A no is to take it back, as of any request.
Source: docs/protocol.md 7.10.
"""

from __future__ import annotations

from typing import Final

from node.clock import Clock
from node.mail.texts import words_of
from node.services.members import Member
from node.services.request_rows import Offered, Request, Role, find_out, request_by_no
from node.services.request_words import SWAP
from node.services.requests_abroad import CannotRequest, RequestsAbroad, Why
from node.services.settings import Settings
from node.services.swap_abroad_rows import note_terms
from node.services.swap_words import News, swap_news, swap_title
from node.store import Store, Tx
from protocol.beyond import Stands, Wants


class SwapAnswers:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, settings: Settings, requests: RequestsAbroad):
        self._store: Final = store
        self._clock: Final = clock
        self._settings: Final = settings
        self._requests: Final = requests

    async def accept(self, no: int, member: Member, turn: int) -> Request:
        """Say yes to what their letter number `turn` proposes; nothing moves by it. Raises CannotRequest, LookupError."""
        return await self._store.write(self._answer, no, member, turn, None, "")

    async def counter(self, no: int, member: Member, turn: int, terms: Offered, said: str) -> Request:
        """Propose something else instead. Raises CannotRequest, LookupError."""
        return await self._store.write(self._answer, no, member, turn, terms, said)

    def _answer(
        self, tx: Tx, no: int, member: Member, turn: int, terms: Offered | None, said: str
    ) -> Request:  # fmt: skip
        request = find_out(tx, no, member.account_no)
        if request is None or request.kind != SWAP:
            raise LookupError(f"swap {no}")
        wanted = request.offered if terms is None else terms
        latest = (request.stands, request.their_turn) == (
            Stands.COUNTERED,
            turn,
        ) and request.wants is Wants.ASK
        if latest and request.mirror.seen is not Stands.COUNTERED and request.terms == wanted:
            return request  # the same button again
        if not latest or request.mirror.seen is not Stands.COUNTERED or not member.may_trade:
            raise CannotRequest(Why.CHANGED)
        note_terms(tx, no, wanted, self._clock.now_ms())
        request = request_by_no(tx, no, Role.OUT)
        words = words_of(self._settings.now, member.language)
        news = News.AGREED if wanted == request.offered else News.COUNTERED
        lines = swap_news(news, swap_title(request.title, request.given, words), words, said=said)
        return self._requests.tell_in(tx, member, request, Wants.ASK, "\n".join(lines))
