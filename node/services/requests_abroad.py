"""Requests about listings across schemes: what members ask for abroad, and what people abroad ask for here.

For listings of ours the tables of each kind decide (`Kinds`), in the unit that reads the letter; for those of others this
keeps what was heard. Each side says all of its side anew, so a letter may be lost, doubled or late. Source: docs/protocol.md 7.10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

import structlog

from node.clock import Chance, Clock
from node.mail.texts import words_of
from node.services.acts import clip
from node.services.letters import CannotWrite, Letters, Writing
from node.services.members import Member, member_by_account
from node.services.placed_here import Placed
from node.services.pledges import Pledges
from node.services.request_parts import amount_of, is_readable, kind_of, part_of, price_of
from node.services.request_rows import (
    Offered,
    Request,
    Role,
    come_today,
    find_out,
    note_answered,
    note_asked,
    note_heard,
    note_said,
    open_of_handle,
    open_requests,
    put_request,
    request_about,
    request_by_id,
    request_by_no,
    thread_about,
)
from node.services.request_words import SWAP, asked_line, heard_line, lines_of, title_of
from node.services.sealed_pictures import note_told, pictures_said
from node.services.settings import Settings
from node.services.swap_abroad_rows import heard_stands, note_offered, terms_in
from node.services.telling import Telling
from node.services.threads import WAITING, Thread
from node.store import ReadTx, Store, Tx
from node.web.words import Words
from protocol.beyond import FINAL, Stands, Wants, is_newer, next_turn
from protocol.booking import DAY_HOURS
from protocol.letter import (
    LISTING_ANSWER,
    LISTING_REQUEST,
    NOBODY,
    NOT_UNDERSTOOD,
    REQUEST_ID_BYTES,
    TOO_MANY,
    LetterText,
    RequestText,
)
from protocol.limits import (
    BOOKING_AHEAD_HOURS_MAX,
    DAY_MS,
    HOUR_MS,
    LETTER_NAME_BYTES_MAX,
    REQUESTS_OF_A_SCHEME_A_DAY,
    REQUESTS_OPEN_MAX,
)
from protocol.names import ItemKey, SchemeId

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()


SAID_BYTES_MAX: Final = 2 * 1024


class Why(StrEnum):
    """Why something is not asked for; nothing changed."""

    OPEN = "open"  # the member has asked for as much as one may
    TOO_MANY = "too-many"  # they wrote to enough new people abroad today
    UNREACHABLE = "unreachable"  # the other scheme cannot be written to now
    CHANGED = "changed"  # it stands otherwise by now
    DEPOSIT = "deposit"  # it could not be set aside now


class CannotRequest(Exception):
    """An honest no: nothing was changed."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """What a member asks for, as its page showed it."""

    scheme: SchemeId
    key: ItemKey
    kind: str
    title: str
    owner_name: str
    wanted: str = ""
    places: int = 0
    start: int | None = None  # wall hours of the listing's scheme, of what is booked
    end: int | None = None
    price: int | None = None  # of that, in the listing's unit; below zero whoever asks gets it
    given: str = ""  # what the member would give, of a swap
    given_key: ItemKey | None = None
    deposit: int = 0  # of what is booked, in the listing's unit
    aside: int = 0  # and what is set aside for it here from the yes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a request from abroad stands here, what is said to it, and under which number it is in the table of its kind."""

    stands: Stands
    lines: tuple[str, ...] = ()
    about_no: int | None = None


class Kind(Protocol):
    """What one kind of listing does with requests from abroad, in the unit that reads them."""

    def hear(self, tx: Tx, request: Request) -> Standing:
        """Unit: do what is asked, unless it was done, and return how it stands. The same again changes nothing."""


class RequestsAbroad:
    """See the head of this file. `placed` finds what is asked for here; `kinds` are those that can be."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, own: SchemeId, letters: Callable[[], Letters],
        settings: Settings, telling: Telling, kinds: Mapping[str, Kind],
        placed: Callable[[ReadTx, ItemKey], Placed | None], pledges: Pledges,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._own: Final = own
        self._letters: Final = letters
        self._settings: Final = settings
        self._telling: Final = telling
        self._kinds: Final = kinds
        self._placed: Final = placed
        self._pledges: Final = pledges

    # --- our members, abroad ----------------------------------------------------------------------------------

    async def ask(self, member: Member, new: NewRequest) -> Request:
        """Ask for a listing of another scheme; while that stands, asking again for the same time changes nothing.

        Raises CannotRequest.
        """
        return await self._store.write(self._ask, member, new)

    def _ask(self, tx: Tx, member: Member, new: NewRequest) -> Request:
        mine, same = open_requests(tx, member.account_no), (new.scheme, new.key, new.start, new.end)
        for known in mine:
            if (known.scheme, known.key, known.start, known.end) == same:
                return known
        if len(mine) >= REQUESTS_OPEN_MAX:
            raise CannotRequest(Why.OPEN)
        if not self._pledges.can_hold(tx, member.account_no, new.aside):
            raise CannotRequest(Why.DEPOSIT)
        values = {
            "id": self._chance.bytes(REQUEST_ID_BYTES), "account_no": member.account_no, "scheme": new.scheme,
            "their_name": new.owner_name, "thread_no": None, "kind": new.kind, "item_key": new.key, "title": new.title,
            "word": Wants.ASK.value, "wanted": new.wanted, "places": new.places, "start": new.start, "end": new.end,
            "price": new.price, "given": new.given, "given_key": new.given_key,
        }  # fmt: skip
        request = put_request(tx, Role.OUT, values, self._clock.now_ms())
        self._pledges.begin_in(tx, request, new.deposit, new.aside)
        return self.tell_in(tx, member, request, Wants.ASK)

    async def act(self, member: Member, no: int, wants: Wants) -> Request:
        """Take a request back, say that one has it, or ask once more where nobody answers. Raises CannotRequest, LookupError."""
        return await self._store.write(self._act, member, no, wants)

    def _act(self, tx: Tx, member: Member, no: int, wants: Wants) -> Request:
        request = find_out(tx, no, member.account_no)
        if request is None:
            raise LookupError(f"request {no}")
        pressed = request.letter == WAITING or self._clock.now_ms() - request.changed_ms < DAY_MS
        if wants is request.wants and pressed:
            return request  # it is on its way, or was said a moment ago
        if request.mirror.over or (wants is Wants.HAS_IT and request.stands is not Stands.AGREED):
            raise CannotRequest(Why.CHANGED)
        if wants is Wants.ASK and request.wants is not Wants.ASK:
            raise CannotRequest(Why.CHANGED)
        return self.tell_in(tx, member, request, wants)

    def leave_in(self, tx: Tx, member: Member) -> None:
        """Unit: take back what somebody asked for abroad who leaves."""
        for request in open_requests(tx, member.account_no):
            try:
                self.tell_in(tx, member, request, Wants.TAKE_BACK)
            except CannotRequest:
                continue  # nobody there can be told now; their owner sees that no answer comes

    def say_in(self, tx: Tx, member: Member, request: Request, wants: Wants, line: str) -> bool:
        """Unit: say our side anew, in other words; False where nobody there can be told now."""
        try:
            self.tell_in(tx, member, request, wants, line)
        except CannotRequest:
            return False
        return True

    def show_in(self, tx: Tx, member: Member, no: int) -> None:
        """Unit: tell the other side that we show how something is; they read it when they are told next, if not now."""
        request, words = request_by_no(tx, no, Role.OUT), words_of(self._settings.now, member.language)
        line = words.gettext("I show how it is, in a picture: %(title)s") % title_of(request, words)
        self.say_in(tx, member, request, request.wants, line)

    def tell_in(self, tx: Tx, member: Member, request: Request, wants: Wants, line: str = "") -> Request:
        """Unit: send all of our side of a request, in the conversation about the listing. Raises CannotRequest."""
        now_ms = self._clock.now_ms()
        turn = next_turn(request.my_turn, now_ms)
        words = words_of(self._settings.now, member.language)
        first = line or asked_line(request, wants, words)
        lines = [first, *([request.wanted] if wants is Wants.ASK and not line else [])]
        writing = Writing(
            account_no=member.account_no, name=clip(member.public_name, LETTER_NAME_BYTES_MAX), scheme=request.scheme,
            to_name=request.their_name, listing=(request.scheme, request.key), kind=LISTING_REQUEST,
            text="\n".join(each for each in lines if each), reference=request.id, amount=amount_of(request, self._own),
            request=part_of(request, turn, wants.value, self._pledges.said(tx, request), pictures_said(tx, request)),
        )  # fmt: skip
        letters = self._letters()
        known = request.thread_no or thread_about(tx, member.account_no, request.scheme, request.key)
        try:
            thread_no = (
                letters.write_in(tx, writing) if known is None else letters.reply_in(tx, known, writing)
            )
        except CannotWrite as no:
            raise CannotRequest(
                Why.TOO_MANY if no.reason == CannotWrite.TOO_MANY else Why.UNREACHABLE
            ) from None
        note_said(tx, request.no, wants, turn, thread_no, now_ms)
        return request_by_no(tx, request.no, Role.OUT)

    # --- people abroad, here ----------------------------------------------------------------------------------

    def answer_in(self, tx: Tx, kind: str, standing: Standing) -> bool:
        """Unit: tell whoever abroad asked for what is `about_no` in the table of its kind; False where nobody did."""
        request = None if standing.about_no is None else request_about(tx, kind, standing.about_no)
        if request is None:
            return False
        self._answer(tx, request, standing)
        return True

    def _answer(self, tx: Tx, request: Request, standing: Standing) -> None:
        owner, now_ms = member_by_account(tx, request.account_no), self._clock.now_ms()
        turn = next_turn(request.my_turn, now_ms)
        note_answered(
            tx, request.no, standing.stands, "\n".join(standing.lines), turn=turn, heard=request.their_turn,
            about_no=standing.about_no, now_ms=now_ms,
        )  # fmt: skip
        if owner is None or request.thread_no is None:
            return
        words = words_of(self._settings.now, "")
        writing = Writing(
            account_no=owner.account_no, name=clip(owner.public_name, LETTER_NAME_BYTES_MAX), scheme=request.scheme,
            listing=(self._own, request.key), kind=LISTING_ANSWER, reference=request.id,
            text="\n".join((heard_line(request, standing.stands, words), *standing.lines)),
            amount=amount_of(request, self._own),
            request=part_of(
                request, turn, standing.stands.value, self._pledges.said(tx, request, standing.about_no),
                pictures_said(tx, request, standing.about_no),
            ),
        )  # fmt: skip
        try:
            self._letters().reply_in(tx, request.thread_no, writing)
        except CannotWrite as no:
            # What was decided does not wait for a scheme that cannot be written to now; asked again, it is said again.
            log.info("request_not_answered", reason=no.reason)

    # --- letters that come ------------------------------------------------------------------------------------

    def refuses(self, tx: ReadTx, sender: SchemeId, text: LetterText, account_no: int | None) -> str | None:
        """Return why a letter is not taken, before anything of it is written; None if it is. Source: 7.10."""
        if not isinstance(text, RequestText) or text.kind != LISTING_REQUEST:
            return None
        assert text.listing is not None
        assert text.reference is not None
        placed = self._placed(tx, ItemKey(text.listing.key))
        if account_no is None or placed is None or placed.owner_no != account_no:
            return NOBODY
        if request_by_id(tx, text.reference, sender, Role.IN) is not None:
            return None
        if kind_of(placed, text) not in self._kinds or not is_readable(text.text.partition("\n")[2]):
            return NOT_UNDERSTOOD
        # What one of the two adds to a swap is in the units of whoever gets it; what something costs in ours.
        swap = text.given is not None
        if text.given is not None and not text.given.text.isprintable():
            return NOT_UNDERSTOOD
        foreign = text.amount is not None and text.amount.scheme != self._own and not swap
        timed = placed.timed and not swap
        if foreign or timed is (text.start is None) or (text.end or 0) > self._last_hour():
            return NOT_UNDERSTOOD
        if open_of_handle(tx, sender, text.from_handle) >= REQUESTS_OPEN_MAX:
            return TOO_MANY
        if come_today(tx, sender, self._clock.now_ms()) >= REQUESTS_OF_A_SCHEME_A_DAY:
            return TOO_MANY
        return None

    def _last_hour(self) -> int:
        """Return a wall hour after which nothing is booked, whatever zone we are in. Source: 5.9."""
        return self._clock.now_ms() // HOUR_MS + BOOKING_AHEAD_HOURS_MAX + DAY_HOURS

    def takes(self, tx: Tx, thread: Thread, text: LetterText) -> None:
        """Unit: do what somebody abroad asks, or note what we are told; anything else is words only."""
        if thread.account_no is None or not isinstance(text, RequestText):
            return
        if text.kind == LISTING_REQUEST:
            self._take_request(tx, thread, text)
        else:
            self._take_answer(tx, thread, text)

    def _take_request(self, tx: Tx, thread: Thread, text: RequestText) -> None:
        assert text.reference is not None
        assert text.listing is not None
        assert thread.account_no is not None
        key, wants, now_ms = ItemKey(text.listing.key), Wants(text.word), self._clock.now_ms()
        request = request_by_id(tx, text.reference, thread.scheme, Role.IN)
        if request is None:
            placed = self._placed(tx, key)
            assert placed is not None, "else it was refused"
            values = {
                "id": text.reference, "title": placed.title, "account_no": thread.account_no, "scheme": thread.scheme,
                "their_handle": text.from_handle, "their_name": text.from_name, "thread_no": thread.no,
                "kind": kind_of(placed, text), "item_key": key, "word": wants.value, "places": text.places,
                "wanted": text.text.partition("\n")[2], "start": text.start, "end": text.end,
                "price": price_of(text.amount, self._own), "given": "" if text.given is None else text.given.text,
                "given_key": None if text.given is None else text.given.key,
            }  # fmt: skip
            request = put_request(tx, Role.IN, values, now_ms)
        # The same name for something else, or in somebody else's conversation: not theirs to move.
        if (request.thread_no, request.key) != (thread.no, key) or not is_newer(
            text.turn, request.their_turn
        ):
            return
        note_asked(tx, request.no, wants, text.turn, text.from_name, now_ms)
        if request.kind == SWAP:
            said = terms_in(text, Role.IN, self._own)
            note_offered(tx, request.no, said or Offered("", None, None), text.heard)
        self._pledges.they_say(tx, request, text.deposit)
        note_told(tx, request.no, text.pictures)
        request = request_by_no(tx, request.no, Role.IN)
        standing = self._kinds[request.kind].hear(tx, request)
        # A swap may be for other terms by now.
        self._answer(tx, request_by_no(tx, request.no, Role.IN), standing)

    def _take_answer(self, tx: Tx, thread: Thread, text: RequestText) -> None:
        assert text.reference is not None
        request, stands = request_by_id(tx, text.reference, thread.scheme, Role.OUT), Stands(text.word)
        if request is None or request.thread_no != thread.no or not is_newer(text.turn, request.their_turn):
            return
        if request.stands in FINAL and (stands is not request.stands or not (text.deposit or text.pictures)):
            return  # what is over stays over; only of a deposit and in pictures more may be said
        if request.kind == SWAP and stands not in FINAL:
            offered = terms_in(text, Role.OUT, self._own)
            if offered is None:
                return
            note_offered(tx, request.no, offered, text.heard)
            stands = heard_stands(request, stands, offered)
        elif stands is Stands.COUNTERED:
            return  # of a swap only
        said = text.text.partition("\n")[2]
        note_heard(
            tx, request.no, stands, clip(said, SAID_BYTES_MAX), turn=text.turn, heard=text.heard,
            name=text.from_name, now_ms=self._clock.now_ms(),
        )  # fmt: skip
        note_told(tx, request.no, text.pictures)
        self._pledges.hear(tx, request_by_no(tx, request.no, Role.OUT), stands, text)
        member = member_by_account(tx, request.account_no)
        if member is not None and stands is not request.stands:
            line = heard_line(request_by_no(tx, request.no, Role.OUT), stands, self._words(member))
            self._telling.told(tx, member, (line, *lines_of(said)), f"/messages/{thread.no}")

    def _words(self, reader: Member) -> Words:
        return words_of(self._settings.now, reader.language)
