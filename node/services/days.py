"""Agreeing a day: one proposes what, when, where and for how much, the other says yes or no; within the scheme and across.

A proposal and its answers are letters of the conversation; across schemes each side keeps what it was told. Nothing moves
by it: what it costs is paid by an ordinary payment under the key that the day has. Source: docs/protocol.md 7.7; docs/pages.md 8.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from node.clock import Chance, Clock
from node.mail.texts import words_of
from node.services import threads
from node.services.acts import clip
from node.services.day_rows import (
    Appointment,
    appointment_by_id,
    appointment_by_once,
    find_appointment,
    note_state,
    open_appointments,
    pay_anew,
    proposed_in,
    put_appointment,
)
from node.services.letters import CannotWrite, Letters, Writing
from node.services.members import Member, member_by_account
from node.services.settings import Settings
from node.services.telling import Telling
from node.services.threads import Thread
from node.store import ReadTx, Store, Tx
from node.web.words import Words
from protocol.agreement import AgreementEvent, AgreementState, Side, agreement_step
from protocol.errors import OutOfOrder
from protocol.letter import AGREEMENT, PROPOSAL, REQUEST_DECLINED, REQUEST_WITHDRAWN, LetterText, Sum
from protocol.limits import (
    DAYS_PROPOSED_MAX,
    LETTER_NAME_BYTES_MAX,
    PROPOSAL_LINE_CHARACTERS_MAX,
)
from protocol.names import SchemeId

ID_BYTES: Final = 16
_KINDS: Final = {
    AgreementEvent.ACCEPT: AGREEMENT,
    AgreementEvent.DECLINE: REQUEST_DECLINED,
    AgreementEvent.WITHDRAW: REQUEST_WITHDRAWN,
}


class Why(StrEnum):
    """Why something is not done; nothing changed."""

    PAST = "past"  # the day is over
    TOO_MANY = "too-many"  # enough proposals wait in this conversation
    CHANGED = "changed"  # it stands differently by now
    UNDER_WAY = "under-way"  # a payment of it is under way
    UNREACHABLE = "unreachable"  # their scheme cannot be written to


class CannotAgree(Exception):
    """An honest no: nothing was changed."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDay:
    """What a member proposes in a conversation."""

    thread_no: int
    what: str
    place: str
    at_ms: int
    amount: int  # in the minor units of whoever is paid; 0: nothing
    i_pay: bool


class Days:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, own: SchemeId, letters: Callable[[], Letters],
        settings: Settings, telling: Telling,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._own: Final = own
        self._letters: Final = letters
        self._settings: Final = settings
        self._telling: Final = telling

    # --- proposing and answering ------------------------------------------------------------------------------

    async def propose(self, member: Member, new: NewDay, once: bytes) -> Appointment:
        """Propose a day; the same `once` again gives what it proposed. Raises CannotAgree, LookupError."""
        return await self._store.write(self._propose, member, new, once)

    def _propose(self, tx: Tx, member: Member, new: NewDay, once: bytes) -> Appointment:
        known, now_ms = appointment_by_once(tx, once), self._clock.now_ms()
        if known is not None:
            return known
        thread = threads.find_thread(tx, new.thread_no, member.account_no)
        if thread is None or (thread.scheme == self._own and thread.their_account is None):
            raise LookupError(f"conversation {new.thread_no}")
        if new.at_ms <= now_ms:
            raise CannotAgree(Why.PAST)
        if proposed_in(tx, thread.id, now_ms) >= DAYS_PROPOSED_MAX:
            raise CannotAgree(Why.TOO_MANY)
        if not self._letters().can_reach(thread.scheme):
            raise CannotAgree(Why.UNREACHABLE)
        abroad = thread.scheme != self._own
        payee_scheme = thread.scheme if new.i_pay else self._own
        id_ = self._chance.bytes(ID_BYTES)
        no = put_appointment(
            tx, id=id_, thread_id=thread.id, other_scheme=thread.scheme if abroad else None,
            proposer_no=member.account_no, other_no=None if abroad else thread.their_account, what=new.what,
            place=new.place, at_ms=new.at_ms, amount=new.amount, payer=(Side.PROPOSER if new.i_pay else Side.OTHER).value,
            pay_once=self._chance.bytes(ID_BYTES), once=once, now_ms=now_ms,
        )  # fmt: skip
        text = "\n".join(each for each in (new.what, new.place) if each)
        self._write(
            tx, member, thread, kind=PROPOSAL, text=text, reference=id_, until=new.at_ms,
            amount=Sum(scheme=payee_scheme, amount=new.amount) if new.amount else None,
        )  # fmt: skip
        self._mail(tx, thread, _proposed(member.name, new.what))
        return self._again(tx, no, member.account_no)

    async def answer(self, member: Member, no: int, event: AgreementEvent) -> Appointment:
        """Say yes or no to a day, or take it back; the other side is told. Raises CannotAgree, LookupError."""
        return await self._store.write(self._answer, member, no, event)

    def _answer(self, tx: Tx, member: Member, no: int, event: AgreementEvent) -> Appointment:
        day, now_ms = self._again(tx, no, member.account_no), self._clock.now_ms()
        after = _step(day, event, day.side_of(member.account_no))
        if day.under_way:
            raise CannotAgree(Why.UNDER_WAY)
        if event is AgreementEvent.ACCEPT and day.at_ms <= now_ms:
            raise CannotAgree(Why.PAST)
        scheme = day.other_scheme or self._own
        if not self._letters().can_reach(scheme):
            raise CannotAgree(Why.UNREACHABLE)
        note_state(tx, no, after, now_ms)
        thread = threads.thread_by_id(tx, day.thread_id, scheme, member.account_no)
        if thread is not None:
            said = _answered(event, day.what)
            text = said(self._words(self._partner(tx, thread)))
            self._write(tx, member, thread, kind=_KINDS[event], text=text, reference=day.id)
            self._mail(tx, thread, said)
        return self._again(tx, no, member.account_no)

    def leave_in(self, tx: Tx, member: Member) -> None:
        """Unit: take back, or say no to, every day of somebody who leaves."""
        for day in open_appointments(tx, member.account_no, self._clock.now_ms()):
            mine = day.side_of(member.account_no) is Side.PROPOSER
            no = day.state is AgreementState.PROPOSED and not mine
            try:
                self._answer(tx, member, day.no, AgreementEvent.DECLINE if no else AgreementEvent.WITHDRAW)
            except CannotAgree:
                continue  # paid by now, or nobody there can be told: the day passes

    # --- paying -----------------------------------------------------------------------------------------------

    async def ready_to_pay(self, no: int, payer: Member) -> Appointment:
        """Return an agreed day that its payer may pay now, with the key of its payment. Raises CannotAgree, LookupError.

        Whichever page or device pays it uses that key, so it is paid once; one that came to nothing gets another.
        """
        return await self._store.write(self._ready_to_pay, no, payer)

    def _ready_to_pay(self, tx: Tx, no: int, payer: Member) -> Appointment:
        day = self._again(tx, no, payer.account_no)
        if not day.pays(payer.account_no):
            raise LookupError(f"day {no}")
        if day.stands is not AgreementState.AGREED:
            raise CannotAgree(Why.CHANGED)
        if day.under_way:
            raise CannotAgree(Why.UNDER_WAY)
        if day.trade_state == "undone":
            pay_anew(tx, day, self._chance.bytes(ID_BYTES))
        return self._again(tx, no, payer.account_no)

    # --- letters that come ------------------------------------------------------------------------------------

    def takes(self, tx: Tx, thread: Thread, text: LetterText) -> None:
        """Unit: note a proposal from abroad, or an answer to one; anything else is words only. Source: 7.7."""
        if thread.account_no is None or text.reference is None or len(text.reference) != ID_BYTES:
            return
        if text.kind == PROPOSAL:
            self._take_proposal(tx, thread, text)
            return
        event = next((event for event, kind in _KINDS.items() if kind == text.kind), None)
        day = None if event is None else appointment_by_id(tx, text.reference)
        if event is None or day is None or (day.thread_id, day.other_scheme) != (thread.id, thread.scheme):
            return
        theirs = Side.PROPOSER if day.proposer_no is None else Side.OTHER
        try:
            after = _step(day, event, theirs)
        except CannotAgree:
            return  # it ended otherwise before the letter came
        note_state(tx, day.no, after, self._clock.now_ms())
        self._mail_reader(tx, thread, _answered(event, day.what))

    def _take_proposal(self, tx: Tx, thread: Thread, text: LetterText) -> None:
        assert text.reference is not None
        now_ms = self._clock.now_ms()
        what, _, place = text.text.partition("\n")
        readable = all(
            len(each) <= PROPOSAL_LINE_CHARACTERS_MAX
            and each == " ".join(each.split())
            and each.isprintable()
            for each in (what, place)
        )
        if text.until is None or text.until <= now_ms or not what or not readable:
            return
        if appointment_by_id(tx, text.reference) is not None:
            return  # the name of another: whoever chose it has theirs once, or not at all
        if proposed_in(tx, thread.id, now_ms) >= DAYS_PROPOSED_MAX:
            return
        # Whoever's unit it is in is paid.
        they_pay = text.amount is not None and text.amount.scheme == self._own
        put_appointment(
            tx, id=text.reference, thread_id=thread.id, other_scheme=thread.scheme, other_no=thread.account_no,
            what=what, place=place, at_ms=text.until, amount=0 if text.amount is None else text.amount.amount,
            payer=(Side.PROPOSER if they_pay else Side.OTHER).value, pay_once=self._chance.bytes(ID_BYTES), now_ms=now_ms,
        )  # fmt: skip
        self._mail_reader(tx, thread, _proposed(text.from_name, what))

    # --- what both do -----------------------------------------------------------------------------------------

    def _again(self, tx: ReadTx, no: int, account_no: int) -> Appointment:
        day = find_appointment(tx, no, account_no)
        if day is None:
            raise LookupError(f"day {no}")
        return day

    def _write(
        self, tx: Tx, member: Member, thread: Thread, *, kind: str, text: str, reference: bytes, until: int | None = None,
        amount: Sum | None = None,
    ) -> None:  # fmt: skip
        here = thread.scheme == self._own
        writing = Writing(
            account_no=member.account_no, name=clip(member.name if here else member.public_name, LETTER_NAME_BYTES_MAX),
            scheme=thread.scheme, kind=kind, text=text, reference=reference, until=until, amount=amount,
        )  # fmt: skip
        try:
            self._letters().reply_in(tx, thread.no, writing)
        except CannotWrite:
            raise AssertionError("asked before anything was written") from None

    def _partner(self, tx: ReadTx, thread: Thread) -> Member | None:
        return None if thread.their_account is None else member_by_account(tx, thread.their_account)

    def _mail(self, tx: Tx, thread: Thread, said: Callable[[Words], str]) -> None:
        """Tell the other side of a conversation within the scheme by mail too."""
        partner = self._partner(tx, thread)
        theirs = threads.thread_by_id(tx, thread.id, self._own, thread.their_account)
        if partner is not None and theirs is not None:
            self._telling.told(tx, partner, (said(self._words(partner)),), f"/messages/{theirs.no}")

    def _mail_reader(self, tx: Tx, thread: Thread, said: Callable[[Words], str]) -> None:
        """Tell whoever reads a letter from abroad by mail too."""
        reader = None if thread.account_no is None else member_by_account(tx, thread.account_no)
        if reader is not None:
            self._telling.told(tx, reader, (said(self._words(reader)),), f"/messages/{thread.no}")

    def _words(self, reader: Member | None) -> Words:
        return words_of(self._settings.now, "" if reader is None else reader.language)


def _step(day: Appointment, event: AgreementEvent, side: Side) -> AgreementState:
    try:
        return agreement_step(day.stands, event, side)
    except OutOfOrder:
        raise CannotAgree(Why.CHANGED) from None


def _proposed(name: str, what: str) -> Callable[[Words], str]:
    def said(words: Words) -> str:
        known = {"name": name or words.gettext("Somebody"), "what": what}
        return words.gettext("%(name)s proposes a day: %(what)s") % known

    return said


def _answered(event: AgreementEvent, what: str) -> Callable[[Words], str]:
    def said(words: Words) -> str:
        match event:
            case AgreementEvent.ACCEPT:
                text = words.gettext("Yes, I agree to the day: %(what)s")
            case AgreementEvent.DECLINE:
                text = words.gettext("No, that day does not suit me: %(what)s")
            case _:
                text = words.gettext("The day we spoke of will not do after all: %(what)s")
        return text % {"what": what}

    return said
