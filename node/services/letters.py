"""What people write each other: within the scheme at once, to other schemes in sealed letters, each taken once.

Both kinds are in the same conversations (`threads.py`); how letters travel is in `letter_carrier.py`.
Source: docs/protocol.md 7.7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import bindparam, delete, select

from crypto.signing import Signed
from node.clock import Chance, Clock
from node.federation.dispatch import Dispatch
from node.federation.links import Links
from node.keyring import KeyRing
from node.services import threads
from node.services.directory import Directory
from node.services.event_rows import host_account
from node.services.letter_carrier import Carrier
from node.services.own_listings import owner_account
from node.services.routes import Routes
from node.services.threads import NewThread, Thread
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import letters as schema
from node.store.schema import payments as payments_schema
from protocol.entry import ListingRef
from protocol.errors import ProtocolError
from protocol.letter import (
    CHEQUE,
    DELIVERED,
    EXPIRED,
    MESSAGE,
    NOBODY,
    NOT_UNDERSTOOD,
    TOO_MANY,
    ChequeText,
    DepositSaid,
    Given,
    Letter,
    LetterAck,
    LetterText,
    SealedPicture,
    Sum,
    is_current,
    make_letter,
    read_letter,
    with_cheque,
    with_request,
)
from protocol.limits import LETTER_NEW_THREADS_A_DAY, LETTER_VALID_MS_MAX
from protocol.names import Handle, ItemKey, SchemeId, scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

THREADS_OF_A_SCHEME_A_DAY: Final = 200

_R: Final = schema.received.c
_RECEIVED: Final = select(_R.ack).where(_R.letter == bindparam("letter"), _R.sender == bindparam("sender"))
_NEW_RECEIVED: Final = upsert(schema.received, key=("sender", "letter"))
_FORGET_RECEIVED: Final = delete(schema.received).where(_R.expires <= bindparam("now"))
_H: Final = payments_schema.handle.c
_BY_HANDLE: Final = select(_H.account_no).where(
    _H.handle == bindparam("handle"), _H.scheme == bindparam("scheme")
)

HandleIn = Callable[[Tx, SchemeId, int], Handle]
# What a letter is besides words to be read: why it is not taken, or None; and taking it, once it is in its conversation.
Refuses = Callable[[ReadTx, SchemeId, LetterText, int | None], str | None]
Takes = Callable[[Tx, Thread, LetterText], None]
# Whom a scheme names by number and name from paper (7.11): the account, if they fit.
Named = Callable[[Tx, SchemeId, int, str], int | None]
OnArrived = Callable[[int | None, int], None]  # account (None: the desk), number of the conversation


class CannotWrite(Exception):
    """An honest no: nothing was written. `reason` is one of the words below."""

    TOO_MANY: Final = "too-many"  # new conversations today
    UNREACHABLE: Final = "unreachable"  # nobody there could read it
    UNKNOWN: Final = "unknown"  # no such conversation

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason: Final = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPart:
    """What a letter says beside its words that moves a request about a listing. Source: 7.10."""

    turn: int
    heard: int
    word: str
    places: int = 0
    start: int | None = None
    end: int | None = None
    given: Given | None = None
    deposit: DepositSaid | None = None
    pictures: tuple[SealedPicture, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChequePart:
    """What a letter says beside its words of a cheque or slip that its reader gave. Source: 7.11."""

    number: int  # of the reader, as it is written
    name: str
    cheque: str
    day: int  # since 1970
    written: int  # in minor units of the reader's scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What somebody writes, and to whom: an account here, a handle abroad, or whoever placed a listing."""

    account_no: int | None  # who writes; None: the desk
    name: str  # as the reader sees it
    scheme: SchemeId  # of the reader
    to_account: int | None = None
    to_handle: Handle | None = None
    to_name: str = ""
    listing: tuple[SchemeId, ItemKey] | None = None
    kind: str = MESSAGE
    text: str
    amount: Sum | None = None
    until: int | None = None
    reference: bytes | None = None
    request: RequestPart | None = None
    cheque: ChequePart | None = None


class Letters:
    """See the head of this file. `run` must be running for letters to travel."""

    def __init__(
        self, *, store: Store, keyring: KeyRing, clock: Clock, chance: Chance, links: Links, dispatch: Dispatch,
        directory: Directory, routes: Routes, handle_in: HandleIn, refuses: Refuses = lambda *_: None,
        takes: Takes = lambda *_: None, on_arrived: OnArrived | None = None, named: Named = lambda *_: None,
    ):  # fmt: skip
        self._store: Final = store
        self._keyring: Final = keyring
        self._clock: Final = clock
        self._chance: Final = chance
        self._directory: Final = directory
        self._handle_in: Final = handle_in
        self._refuses: Final = refuses
        self._takes: Final = takes
        self._named: Final = named
        self._on_arrived: Final[OnArrived] = on_arrived or (lambda _account, _thread: None)
        self._carrier: Final = Carrier(
            store=store, own=keyring.scheme, clock=clock, links=links, dispatch=dispatch, directory=directory,
            routes=routes, receive=self._receive, answered=self._answered, forget=_forget_received,
            renewed=lambda wire: keyring.renewed("session", Letter, wire),
        )  # fmt: skip

    async def run(self) -> None:
        """Let letters travel until cancelled."""
        await self._carrier.run()

    # --- writing ----------------------------------------------------------------------------------------------

    async def write(self, writing: Writing) -> int:
        """Begin a conversation; return its number on the writer's side.

        Raises:
            CannotWrite: nothing was written. InvalidValue: a text too long, or no text of this kind.
        """
        return await self._store.write(self.write_in, writing)

    async def reply(self, thread_no: int, writing: Writing) -> int:
        """Write into a conversation; where to is taken from it. Raises as `write`."""
        return await self._store.write(self.reply_in, thread_no, writing)

    async def write_known(self, writing: Writing) -> int:
        """Write to a handle abroad, in the conversation with it if there is one. Raises as `write`."""
        return await self._store.write(self.write_to, writing)

    def can_reach(self, scheme: SchemeId) -> bool:
        """Tell whether somebody of a scheme, ours or another, can be written to now."""
        return scheme == self._keyring.scheme or self._directory.seal_key(scheme) is not None

    def write_to(self, tx: Tx, writing: Writing) -> int:
        """Unit: as `write`, in the conversation with that handle if there is one already."""
        known = threads.thread_with(tx, writing.account_no, writing.scheme, writing.to_handle)
        return self.write_in(tx, writing) if known is None else self.reply_in(tx, known, writing)

    def write_in(self, tx: Tx, writing: Writing) -> int:
        """Unit: as `write`."""
        own, now_ms = self._keyring.scheme, self._clock.now_ms()
        if writing.scheme != own:
            begun = threads.begun_today(tx, writing.account_no, own, now_ms)
            if writing.kind != CHEQUE and begun >= LETTER_NEW_THREADS_A_DAY:
                raise CannotWrite(CannotWrite.TOO_MANY)
            if not self.can_reach(writing.scheme):
                raise CannotWrite(CannotWrite.UNREACHABLE)
        elif writing.to_account is not None and writing.to_account == writing.account_no:
            raise CannotWrite(CannotWrite.UNREACHABLE)
        new = NewThread(
            id=self._chance.bytes(16), account_no=writing.account_no, scheme=writing.scheme,
            their_handle=writing.to_handle, their_account=writing.to_account, their_name=writing.to_name,
            listing=writing.listing, begun_here=True,
        )  # fmt: skip
        text = self._text(tx, new.id, writing)  # may refuse, so before anything is written
        return self._post(tx, threads.begin_thread(tx, new, now_ms), writing, text)

    def reply_in(self, tx: Tx, thread_no: int, writing: Writing) -> int:
        """Unit: as `reply`."""
        thread = threads.find_thread(tx, thread_no, writing.account_no)
        if thread is None:
            raise CannotWrite(CannotWrite.UNKNOWN)
        if not self.can_reach(thread.scheme):
            raise CannotWrite(CannotWrite.UNREACHABLE)
        to = Writing(
            account_no=writing.account_no, name=writing.name, scheme=thread.scheme, to_account=thread.their_account,
            to_handle=thread.their_handle, listing=writing.listing or thread.listing, kind=writing.kind, text=writing.text,
            amount=writing.amount, until=writing.until, reference=writing.reference, request=writing.request,
        )  # fmt: skip
        return self._post(tx, thread, to, self._text(tx, thread.id, to))

    def _text(self, tx: Tx, thread_id: bytes, writing: Writing) -> LetterText:
        local = writing.scheme == self._keyring.scheme
        handle = Handle(bytes(16))
        if not local and writing.account_no is not None:
            handle = self._handle_in(tx, writing.scheme, writing.account_no)
        listing = writing.listing
        text = LetterText(
            thread=thread_id, kind=writing.kind, from_handle=handle, from_name=writing.name,
            to_handle=writing.to_handle,
            listing=None if listing is None else ListingRef(scheme=listing[0], key=listing[1]),
            amount=writing.amount, until=writing.until, reference=writing.reference, text=writing.text,
        )  # fmt: skip
        part, paper = writing.request, writing.cheque
        if paper is not None:
            return with_cheque(
                text, number=paper.number, name=paper.name, cheque=paper.cheque, day=paper.day, written=paper.written
            )  # fmt: skip
        if part is None:
            return text
        return with_request(
            text, turn=part.turn, heard=part.heard, word=part.word, places=part.places, start=part.start, end=part.end,
            given=part.given, deposit=part.deposit, pictures=part.pictures,
        )  # fmt: skip

    def _post(self, tx: Tx, thread: Thread, writing: Writing, text: LetterText) -> int:
        now_ms = self._clock.now_ms()
        if thread.scheme == self._keyring.scheme:
            threads.add_message(tx, thread, writing.name, text, mine=True, state=DELIVERED, now_ms=now_ms)
            self._deliver_here(tx, thread, writing, text, now_ms)
            return thread.no
        number = threads.add_message(
            tx, thread, writing.name, text, mine=True, state=threads.WAITING, now_ms=now_ms
        )
        seal_key = self._directory.seal_key(thread.scheme)
        assert seal_key is not None, "asked before anything was written"
        letter = make_letter(
            text, sender=self._keyring.scheme, recipient=thread.scheme, letter=self._chance.bytes(16),
            expires=now_ms + LETTER_VALID_MS_MAX, recipient_key=seal_key[1], ephemeral=self._chance.bytes(32),
        )  # fmt: skip
        self._carrier.carry(tx, self._keyring.sign("session", letter), message_no=number, from_peer=None)
        return thread.no

    def _deliver_here(self, tx: Tx, thread: Thread, writing: Writing, text: LetterText, now_ms: int) -> None:
        """Put a message into the reader's side of a conversation within the scheme."""
        own, reader = self._keyring.scheme, thread.their_account
        other = threads.thread_by_id(tx, thread.id, own, reader)
        if other is None:
            new = NewThread(
                id=thread.id, account_no=reader, scheme=own, their_account=thread.account_no,
                their_name=writing.name, listing=thread.listing, begun_here=False,
            )  # fmt: skip
            other = threads.begin_thread(tx, new, now_ms)
        if not other.blocked:
            threads.add_message(
                tx, other, writing.name, text, mine=False, state=threads.ARRIVED, now_ms=now_ms
            )
            tx.on_commit(self._on_arrived, reader, other.no)

    # --- taking -----------------------------------------------------------------------------------------------

    def _receive(self, tx: Tx, letter: Signed[Letter]) -> bytes:
        """Unit: take a letter for one of us; the same one again gets the same answer. Source: 7.7."""
        body, now_ms = letter.body, self._clock.now_ms()
        known = tx.scalar(_RECEIVED, letter=body.letter, sender=body.sender)
        if known is not None:
            return bytes(known)
        answer = self._read(tx, body, now_ms) if is_current(body, now_ms) else EXPIRED
        ack = LetterAck(
            sender=body.recipient, recipient=body.sender, letter=body.letter, time=now_ms, answer=answer
        )
        wire = self._keyring.sign("session", ack).wire
        kept_until = max(body.expires, now_ms) + LETTER_VALID_MS_MAX
        tx.run(_NEW_RECEIVED, letter=body.letter, sender=body.sender, ack=wire, expires=kept_until)
        return wire

    def _read(self, tx: Tx, letter: Letter, now_ms: int) -> str:
        """Put what a letter says where it belongs, and return what to answer."""
        try:
            text = read_letter(letter, (self._keyring.seal[1],))
        except ProtocolError as error:
            log.info("letter_not_read", sender=scheme_text(letter.sender), reason=str(error))
            return NOT_UNDERSTOOD
        if not text.understood:
            return NOT_UNDERSTOOD
        found, account_no = self._reader(tx, letter.sender, text)
        if not found:
            return NOBODY
        refused = self._refuses(tx, letter.sender, text, account_no)
        if refused is not None:
            return refused
        thread = threads.thread_by_id(tx, text.thread, letter.sender, account_no)
        if thread is None:
            of_one, of_all = threads.come_today(tx, letter.sender, text.from_handle, now_ms)
            of_one = 0 if isinstance(text, ChequeText) else of_one  # a stall gets many on one day
            if of_one >= LETTER_NEW_THREADS_A_DAY or of_all >= THREADS_OF_A_SCHEME_A_DAY:
                return TOO_MANY
            listing = None if text.listing is None else (text.listing.scheme, text.listing.key)
            new = NewThread(
                id=text.thread, account_no=account_no, scheme=letter.sender, their_handle=text.from_handle,
                their_name=text.from_name, listing=listing, begun_here=False,
            )  # fmt: skip
            thread = threads.begin_thread(tx, new, now_ms)
        elif thread.their_handle != text.from_handle or thread.their_name != text.from_name:
            if thread.their_handle is not None and thread.their_handle != text.from_handle:
                return NOBODY  # the conversation is with somebody else there
            threads.name_them(tx, thread.no, text.from_handle, text.from_name)
        if not thread.blocked:
            state = threads.ARRIVED
            threads.add_message(tx, thread, text.from_name, text, mine=False, state=state, now_ms=now_ms)
            self._takes(tx, thread, text)
            tx.on_commit(self._on_arrived, account_no, thread.no)
        return DELIVERED

    def _reader(self, tx: Tx, sender: SchemeId, text: LetterText) -> tuple[bool, int | None]:
        """Return whether there is a reader, and its account; None is the desk's."""
        if text.to_handle is not None:
            account_no = tx.scalar(_BY_HANDLE, handle=text.to_handle, scheme=sender)
            return account_no is not None, account_no
        if text.listing is not None and text.listing.scheme == self._keyring.scheme:
            key = ItemKey(text.listing.key)
            account_no = owner_account(tx, key) or host_account(tx, key)
            return account_no is not None, account_no
        # Whoever brought a cheque knows no handle yet, in that letter and in what follows it.
        account_no = threads.reader_of(tx, text.thread, sender, text.from_handle)
        if account_no is None and isinstance(text, ChequeText):
            account_no = self._named(tx, sender, text.number, text.name)
            return account_no is not None, account_no
        return True, account_no

    def _answered(self, tx: Tx, message_no: int, answer: str) -> None:
        """Unit: note what became of a message of ours."""
        threads.note_answer(tx, message_no, answer, self._clock.now_ms())


def _forget_received(tx: Tx, now_ms: int) -> None:
    tx.run(_FORGET_RECEIVED, now=now_ms)
