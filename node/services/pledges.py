"""Deposits for what our members book in other schemes: held here from the owner's yes on, told by letter, kept by a payment.

What a letter means for one, and what may follow what, is decided in `protocol/pledge.py`; what it does to the book is in
`pledge_holds.py`. A yes to keep some is written down first and paid by a job, so that a payment that is late or comes to
nothing is tried again, after a crash too, and is made once. Source: docs/protocol.md 7.8, 7.10; docs/pages.md 8.18.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from crypto.digest import tagged
from node.clock import Clock
from node.mail.texts import words_of
from node.services.accounts import load
from node.services.acts import clip
from node.services.booking_rows import booking_by_no
from node.services.books import Books, Refused
from node.services.guest_deposits import deposit_said
from node.services.members import Member, member_by_account, member_by_no
from node.services.pledge_holds import free_in, hold_in
from node.services.pledge_rows import (
    Pledged,
    agreed_not_held,
    note_agreed,
    note_asks,
    note_hindered,
    note_pledge,
    note_they_say,
    pledge_of,
    pledges_in,
    put_pledge,
    quiet_pledges,
)
from node.services.quotes import NoOffer, QuoteService
from node.services.request_rows import Request, Role, find_out, request_by_no
from node.services.request_words import title_of
from node.services.settings import Settings
from node.services.settlement import CannotPay, Payment, Settlement
from node.services.telling import Telling
from node.store import ReadTx, Store, Tx
from node.web.words import Words
from protocol import ledger
from protocol.beyond import Stands, Wants
from protocol.deposit import DepositState
from protocol.errors import OutOfOrder
from protocol.ledger import Refusal
from protocol.letter import DepositSaid, RequestText
from protocol.limits import DAY_MS, HOUR_MS, QUOTE_TEXT_BYTES_MAX
from protocol.names import SchemeId
from protocol.pledge import SAYS, Pledge, PledgeEvent, pledge_heard, pledge_step
from protocol.references import reference_of

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

PAY_EVERY_S: Final = 600.0
ASK_EVERY_MS: Final = 3 * DAY_MS  # how a time that has begun stands, where nothing is heard
ONCE_BYTES: Final = 16
TITLE_BYTES: Final = QUOTE_TEXT_BYTES_MAX - 80  # beside it the text says that it is a deposit, and which
# Says something about a request in the conversation about it; False where the other scheme cannot be written to now.
Say = Callable[[Tx, Member, Request, Wants, str], bool]
P, E = Pledge, PledgeEvent


class CannotPledge(Exception):
    """An honest no: it is as the page said no more, and nothing was changed."""


class Pledges:
    """See the head of this file. `say` is that of `RequestsAbroad`; `has_ended` tells of schemes that no word comes from any more."""

    def __init__(
        self, *, store: Store, clock: Clock, books: Books, settings: Settings, telling: Telling, quotes: QuoteService,
        settlement: Callable[[], Settlement], say: Say, has_ended: Callable[[SchemeId], bool],
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._books: Final = books
        self._settings: Final = settings
        self._telling: Final = telling
        self._quotes: Final = quotes
        self._settlement: Final = settlement
        self._say: Final = say
        self._has_ended: Final = has_ended

    # --- what letters say -----------------------------------------------------------------------------------------

    def can_hold(self, tx: ReadTx, account_no: int, aside: int) -> bool:
        """Tell whether so much could be set aside now."""
        return not aside or not isinstance(ledger.hold(load(tx, account_no).value, aside), Refusal)

    def begin_in(self, tx: Tx, request: Request, amount: int, aside: int) -> None:
        """Unit: note what is asked as a deposit for something of ours abroad; nothing is set aside before a yes."""
        if amount:
            put_pledge(tx, request.no, amount=amount, aside=aside)

    def said(self, tx: ReadTx, request: Request, about_no: int | None = None) -> DepositSaid | None:
        """Return what our letters say of the deposit now; `about_no` is the booking of one who asks from abroad."""
        if request.start is None:
            return None
        if request.role is Role.IN:
            return None if about_no is None else deposit_said(booking_by_no(tx, about_no))
        pledged = pledge_of(tx, request.no)
        if pledged is None:
            return None
        word = SAYS[pledged.state]
        keep = pledged.keep if word is DepositState.KEPT else 0
        return DepositSaid(amount=pledged.amount, word=word.value, keep=keep)

    def they_say(self, tx: Tx, request: Request, said: DepositSaid | None) -> None:
        """Unit: note what whoever asks from abroad says of the deposit."""
        if said is not None:
            note_they_say(tx, request.no, said.amount, DepositState(said.word))

    def hear(self, tx: Tx, request: Request, stands: Stands, text: RequestText) -> None:
        """Unit: do what the listing's scheme says; the same again changes nothing. Source: 7.8."""
        pledged, said = pledge_of(tx, request.no), text.deposit
        if pledged is None:
            return
        word = DepositState(said.word) if said is not None and said.amount == pledged.amount else None
        back = request.wants is Wants.TAKE_BACK
        for event in pledge_heard(pledged.state, stands, word, taking_back=back):
            if event is E.HOLD:
                # Where they have read that it is held, it was, and this side forgot it.
                self._hold(tx, request, pledged, beyond_limits=word is not DepositState.NONE)
            elif event is E.FREE:
                self._free(tx, request, pledged)
            else:
                assert said is not None, "asked for in words"
                self._asked(tx, request, pledged, said.keep, text)
            pledged = pledge_of(tx, request.no)
            assert pledged is not None, "read a moment ago"

    def _hold(self, tx: Tx, request: Request, pledged: Pledged, *, beyond_limits: bool = False) -> None:
        """Set it aside and say so; where it cannot be, give the time back in the same unit."""
        member = member_by_account(tx, request.account_no)
        if member is None:
            return
        words = self._words(member)
        try:
            hold_in(tx, self._books, pledged, beyond_limits=beyond_limits)
        except Refused:
            line = words.gettext("I cannot set the deposit aside, so it is yours again: %(title)s")
            if self._say(tx, member, request, Wants.TAKE_BACK, line % title_of(request, words)):
                note_pledge(tx, pledged.no, pledge_step(pledged.state, E.CANNOT))
                note_hindered(tx, pledged.no, "deposit")
                told = words.gettext("The deposit could not be set aside, so this was given back: %(title)s")
                self._tell(tx, member, told % title_of(request, words))
            return
        line = words.gettext("The deposit is set aside: %(title)s") % title_of(request, words)
        self._say(tx, member, request, request.wants, line)

    def _free(self, tx: Tx, request: Request, pledged: Pledged) -> None:
        free_in(tx, self._books, pledged)
        member = member_by_account(tx, request.account_no)
        if member is not None and pledged.state in (P.ASKED, P.DUE):
            words = self._words(member)
            self._tell(
                tx, member, words.gettext("The deposit is free again: %(title)s") % title_of(request, words)
            )

    def _asked(self, tx: Tx, request: Request, pledged: Pledged, keep: int, text: RequestText) -> None:
        note_asks(tx, pledged.no, pledge_step(pledged.state, E.ASK), keep, text.from_handle)
        member = member_by_account(tx, request.account_no)
        if member is not None and (pledged.state, pledged.keep) != (P.ASKED, keep):
            words = self._words(member)
            line = words.gettext("The owner asks to keep some of the deposit: %(title)s")
            self._tell(tx, member, line % title_of(request, words))

    # --- saying it again --------------------------------------------------------------------------------------------

    async def look(self) -> int:
        """Say our side again where nothing was heard, set aside what was agreed to, free what no word can free; a job. Return how many there were."""
        return await self._store.write(self._look)

    def _look(self, tx: Tx) -> int:
        now_ms, done = self._clock.now_ms(), 0
        quiet = quiet_pledges(
            tx, day_ago=now_ms - DAY_MS, days_ago=now_ms - ASK_EVERY_MS, hour=now_ms // HOUR_MS
        )
        for no, account_no in quiet:
            request, member = find_out(tx, no, account_no), member_by_account(tx, account_no)
            if request is None or member is None or (request.mirror.over and self._nothing_held(tx, no)):
                continue
            words = self._words(member)
            line = words.gettext("How does this stand? %(title)s") % title_of(request, words)
            done += self._say(tx, member, request, request.wants, line)
        for pledged in agreed_not_held(tx):
            self._hold(tx, request_by_no(tx, pledged.no, Role.OUT), pledged)
            done += 1
        for state in (P.HELD, P.ASKED, P.DUE):
            for pledged in pledges_in(tx, state):
                if self._has_ended(pledged.scheme):
                    self._free(tx, request_by_no(tx, pledged.no, Role.OUT), pledged)
                    done += 1
        return done

    @staticmethod
    def _nothing_held(tx: ReadTx, no: int) -> bool:
        pledged = pledge_of(tx, no)
        return pledged is None or pledged.state is P.NONE

    # --- keeping ----------------------------------------------------------------------------------------------------

    async def agree(self, no: int, member: Member) -> None:
        """Say yes to what the owner asks to keep, as whoever borrowed; again changes nothing. Raises CannotPledge, LookupError."""
        await self._store.write(self._agree, no, member)

    def _agree(self, tx: Tx, no: int, member: Member) -> None:
        if find_out(tx, no, member.account_no) is None:
            raise LookupError(f"request {no}")
        pledged = pledge_of(tx, no)
        if pledged is not None and pledged.state in (P.DUE, P.PAYING, P.KEPT):
            return
        self.agree_in(tx, no, member.no)

    def agree_in(self, tx: Tx, no: int, by_no: int) -> None:
        """Unit: what the owner asks for is to be kept, says the member of this number. Raises CannotPledge. Source: 6.9, 7.8."""
        pledged = pledge_of(tx, no)
        try:
            if pledged is None:
                raise OutOfOrder("no pledge")
            after = pledge_step(pledged.state, E.KEEP)
        except OutOfOrder:
            raise CannotPledge from None
        note_agreed(tx, no, after, by_no)

    async def pay_due(self) -> int:
        """Pay what is to be kept and is not under way; a job. Return how many payments were begun."""
        done = 0
        for pledged in await self._store.read(pledges_in, P.DUE):
            done += await self.pay(pledged.no) is not None
        return done

    async def pay(self, no: int) -> Payment | None:
        """Begin to pay what is kept of one, out of what is set aside for it; None where that cannot be now, or is not due."""
        found = await self._store.read(self._read_due, no)
        if found is None:
            return None
        pledged, request, member, by = found
        words = self._words(member)
        title = {"what": clip(request.title, TITLE_BYTES), "reference": reference_of(request.id)}
        text = words.gettext("Deposit: %(what)s (%(reference)s)") % title
        assert pledged.payee_handle is not None, "whoever asks has one"
        offer = await self._quotes.ask_for(member, pledged.scheme, pledged.payee_handle, pledged.keep, text)
        if isinstance(offer, NoOffer):
            await self._hindered(no, offer.reason)
            return None
        try:
            return await self._settlement().pay(
                offer, account_no=pledged.account_no, entered_by=by, once=_once(pledged), pledge_no=no
            )
        except CannotPay as why:
            await self._hindered(no, why.reason.value)
            return None

    @staticmethod
    def _read_due(tx: ReadTx, no: int) -> tuple[Pledged, Request, Member, str] | None:
        pledged = pledge_of(tx, no)
        if pledged is None or pledged.state is not P.DUE:
            return None
        member = member_by_account(tx, pledged.account_no)
        by = None if pledged.agreed_by is None else member_by_no(tx, pledged.agreed_by)
        if member is None:
            return None
        return pledged, request_by_no(tx, no, Role.OUT), member, "" if by is None else by.name

    async def _hindered(self, no: int, why: str) -> None:
        log.info("deposit_not_paid", reason=why)
        await self._store.write(note_hindered, no, why)

    # --- what all of it needs ---------------------------------------------------------------------------------------

    def _tell(self, tx: Tx, member: Member, line: str) -> None:
        self._telling.told(tx, member, (line,), "/my/abroad")

    def _words(self, member: Member) -> Words:
        return words_of(self._settings.now, member.language)


def _once(pledged: Pledged) -> bytes:
    """Return the key of the next payment: whatever falls over, each attempt is made once."""
    body = pledged.no.to_bytes(8, "big") + pledged.tries.to_bytes(4, "big")
    return tagged("interlets/once", b"pledge" + body)[:ONCE_BYTES]
