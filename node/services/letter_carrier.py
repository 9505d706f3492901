"""Letters on their way: handed from neighbour to neighbour, kept until the recipient's signed answer comes back.

A letter goes to its recipient if that is in session, else to the neighbour nearest to it, who keeps it in turn; until
the answer is here its sender asks again. A letter that comes twice is carried once. What letters say is in
`letters.py`. Source: docs/protocol.md 7.7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog
from sqlalchemy import bindparam, delete, func, insert, select, update

from crypto.canonical import NotCanonical, Value
from crypto.signing import Signed, split
from node.clock import Clock
from node.federation.dispatch import Dispatch, NoAnswer
from node.federation.links import Links
from node.federation.session import Session
from node.services.directory import Directory
from node.services.routes import Routes
from node.services.steady import steadily
from node.store import ReadTx, Store, Tx
from node.store.schema import letters as schema
from node.supervisor import Supervisor
from protocol.errors import MalformedMessage, NotAuthentic, ProtocolError
from protocol.frame import Frame, FrameType
from protocol.letter import EXPIRED, Letter, LetterAck, is_current, open_ack, open_letter
from protocol.message import decode_message
from protocol.names import SchemeId, scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# What a node carries for others: of one neighbour, and of all. A letter is at most about 10 KiB.
CARRIED_OF_ONE_BYTES: Final = 1024 * 1024
CARRIED_BYTES: Final = 8 * 1024 * 1024
RETRY_FIRST_MS: Final = 15_000
RETRY_MOST_MS: Final = 3_600_000
ASK_AGAIN_MS: Final = 600_000  # for the answer to a letter that somebody carries
LOOK_EVERY_S: Final = 15.0
AT_ONCE: Final = 50
TIDY_EVERY_S: Final = 3_600.0

_C: Final = schema.carried.c
_CARRIED_COLUMNS: Final = (
    _C.sender,
    _C.letter,
    _C.message_no,
    _C.recipient,
    _C.from_peer,
    _C.wire,
    _C.expires,
    _C.tries,
    _C.ack,
)
# The sender draws the number of a letter: by itself it would let others take the place of a letter.
_ONE: Final = (_C.sender == bindparam("whose"), _C.letter == bindparam("which"))
_CARRIED: Final = select(*_CARRIED_COLUMNS).where(*_ONE)
_DUE: Final = (
    select(*_CARRIED_COLUMNS)
    .where(_C.ack.is_(None), _C.next_ms <= bindparam("now"))
    .order_by(_C.next_ms, _C.letter)
    .limit(AT_ONCE)
)
_NEW_CARRIED: Final = insert(schema.carried)
_LATER: Final = (
    update(schema.carried)
    .where(*_ONE)
    .values(next_ms=bindparam("new_next_ms"), tries=_C.tries + 1, handed=bindparam("new_handed"))
)
_HURRY: Final = (
    update(schema.carried).where(_C.ack.is_(None), _C.handed.is_(False)).values(next_ms=bindparam("now"))
)
_KEEP_ACK: Final = update(schema.carried).where(*_ONE).values(ack=bindparam("new_ack"))
_DROP: Final = delete(schema.carried).where(*_ONE)
_REPLACE: Final = (
    update(schema.carried)
    .where(*_ONE)
    .values(wire=bindparam("new_wire"), next_ms=bindparam("now"), handed=False)
)
_BYTES: Final = select(func.sum(_C.size)).where(_C.from_peer.is_not(None))
_BYTES_OF: Final = select(func.sum(_C.size)).where(_C.from_peer == bindparam("peer"))
_OVER: Final = select(*_CARRIED_COLUMNS).where(_C.expires <= bindparam("now")).limit(AT_ONCE)

Receive = Callable[[Tx, Signed[Letter]], bytes]  # takes a letter for us, returns the signed answer
Answered = Callable[[Tx, int, str], None]  # told what became of a message of ours
Renewed = Callable[[bytes], bytes]  # a letter of ours, signed again where its key was revoked
Forget = Callable[[Tx, int], None]  # drops what is kept of letters long over


class Carrier:
    """See the head of this file. `run` must be running."""

    def __init__(
        self, *, store: Store, own: SchemeId, clock: Clock, links: Links, dispatch: Dispatch, directory: Directory,
        routes: Routes, receive: Receive, answered: Answered, forget: Forget, renewed: Renewed,
    ):  # fmt: skip
        self._store: Final = store
        self._own: Final = own
        self._clock: Final = clock
        self._links: Final = links
        self._directory: Final = directory
        self._routes: Final = routes
        self._receive: Final = receive
        self._answered: Final = answered
        self._forget: Final = forget
        self._renewed: Final = renewed
        self._due: Final = asyncio.Event()
        self.tasks: Final = Supervisor("letters")
        dispatch.register(self, FrameType.LETTER, FrameType.LETTER_ACK)
        links.watch(on_up=lambda _scheme, _session: self._due.set())

    # --- life -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Carry letters until cancelled."""
        async with self.tasks:
            await steadily(self._keep_carrying, "letters")

    async def _keep_carrying(self) -> None:
        loop = asyncio.get_running_loop()
        tidied = loop.time()
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._due.wait()
                self._due.clear()
                await self._store.write(_hurry, self._clock.now_ms())
            except TimeoutError:
                pass
            await self._send_due()
            if loop.time() - tidied >= TIDY_EVERY_S:
                tidied = loop.time()
                await self._store.write(self._tidy)

    async def _send_due(self) -> None:
        while due := await self._store.read(_due_now, self._clock.now_ms()):
            await asyncio.gather(*(self._send(*row) for row in due))
            if len(due) < AT_ONCE:
                return

    async def _send(
        self, sender: bytes, letter: bytes, message_no: int | None, recipient: bytes, from_peer: bytes | None, wire: bytes,
        expires: int, tries: int, _ack: None,
    ) -> None:  # fmt: skip
        now_ms = self._clock.now_ms()
        if expires <= now_ms:
            await self._store.write(self._end_unsent, sender, letter, message_no)
            return
        if from_peer is None:
            wire = self._renewed(wire)
        elif not self._still_counts(SchemeId(sender), wire):
            await self._store.write(
                _drop, sender, letter
            )  # its writer's key was revoked; it comes again, signed anew
            return
        for hop in self._hops(SchemeId(recipient), from_peer):
            try:
                answer = (await self._links.request(hop, FrameType.LETTER, wire)).payload
            except NoAnswer:
                continue
            if answer == b"":
                await self._store.write(_later, sender, letter, now_ms + ASK_AGAIN_MS, handed=True)
                return
            if type(answer) is bytes:
                try:
                    await self._take_ack(answer)
                except ProtocolError as error:
                    log.warning("letter_answer_refused", peer=scheme_text(hop), reason=str(error))
                else:
                    return
        wait_ms = min(RETRY_MOST_MS, RETRY_FIRST_MS << min(tries, 16))
        await self._store.write(_later, sender, letter, now_ms + wait_ms, handed=False)

    def _hops(self, recipient: SchemeId, from_peer: bytes | None) -> list[SchemeId]:
        """Return to whom a letter may be handed now, the best first: never back where it came from."""
        live = self._links.live
        direct = [recipient] if recipient in live else []
        others = [hop for hop in self._routes.next_hops(recipient) if hop in live and hop != recipient]
        return [hop for hop in (*direct, *others) if hop != from_peer]

    def _still_counts(self, sender: SchemeId, wire: bytes) -> bool:
        """Tell whether the letter we carry would be taken: its writer may have revoked the key that signed it."""
        state = self._directory.state(sender)
        try:
            return state is not None and open_letter(wire, state) is not None
        except ProtocolError:
            return False

    def _end_unsent(self, tx: Tx, sender: bytes, letter: bytes, message_no: int | None) -> None:
        tx.run(_DROP, whose=sender, which=letter)
        if message_no is not None:
            self._answered(tx, message_no, EXPIRED)

    def _tidy(self, tx: Tx) -> None:
        now_ms = self._clock.now_ms()
        self._forget(tx, now_ms)
        for sender, letter, message_no, *_ in tx.all(_OVER, now=now_ms):
            self._end_unsent(tx, sender, letter, message_no)

    def carry(
        self, tx: Tx, letter: Signed[Letter], *, message_no: int | None, from_peer: SchemeId | None
    ) -> None:
        """Unit: keep a letter until it is acknowledged; it leaves after the commit."""
        body = letter.body
        tx.run(
            _NEW_CARRIED, sender=body.sender, letter=body.letter, message_no=message_no, recipient=body.recipient, from_peer=from_peer,
            wire=letter.wire, size=len(letter.wire), expires=body.expires, next_ms=self._clock.now_ms(), tries=0,
            handed=False, ack=None,
        )  # fmt: skip
        tx.on_commit(self._due.set)

    # --- taking ---

    async def on_frame(self, session: Session, frame: Frame) -> None:
        """Take a letter, or what became of one. Raises ProtocolError."""
        wire = frame.payload
        if type(wire) is not bytes:
            raise MalformedMessage("not a letter")
        if frame.type is FrameType.LETTER_ACK:
            if wire:
                await session.spend_checks(1)
                await self._take_ack(wire)
            return
        await session.spend_checks(1)
        answer = await self._take_letter(session.peer, wire)
        await session.answer(frame, answer)

    async def _take_letter(self, peer: SchemeId, wire: bytes) -> Value:
        """Return what to answer: the recipient's word, nothing (we carry it), or None (we do not)."""
        try:
            envelope = decode_message(Letter, split(wire)[0])
        except NotCanonical as error:
            raise MalformedMessage(str(error)) from None
        sender = self._directory.state(envelope.sender)
        if sender is None or peer not in self._routes.neighbours:
            return None
        letter = open_letter(wire, sender)
        if letter.body.recipient == self._own:
            return await self._store.write(self._receive, letter)
        if not is_current(letter.body, self._clock.now_ms()):
            return None
        return await self._store.write(self._relay, peer, letter)

    def _relay(self, tx: Tx, peer: SchemeId, letter: Signed[Letter]) -> Value:
        """Unit: carry a letter of others, if there is room for it."""
        body, known = letter.body, tx.one(_CARRIED, whose=letter.body.sender, which=letter.body.letter)
        if known is not None:
            if known[5] != letter.wire and known[-1] is None:
                # Signed again by a newer key; with the older one nobody would take it.
                tx.run(
                    _REPLACE,
                    whose=body.sender,
                    which=body.letter,
                    new_wire=letter.wire,
                    now=self._clock.now_ms(),
                )
                tx.on_commit(self._due.set)
            return known[-1] or b""
        size = len(letter.wire)
        full = (
            int(tx.scalar(_BYTES_OF, peer=peer) or 0) + size > CARRIED_OF_ONE_BYTES
            or int(tx.scalar(_BYTES) or 0) + size > CARRIED_BYTES
        )
        # Kept also while nobody on the way is in session, but not where there is no way.
        onward = [hop for hop in self._routes.next_hops(letter.body.recipient) if hop != peer]
        if full or not onward:
            return None
        self.carry(tx, letter, message_no=None, from_peer=peer)
        return b""

    async def _take_ack(self, wire: bytes) -> None:
        """Note what became of a letter, and pass it on to whoever gave us the letter. Raises ProtocolError."""
        try:
            said = decode_message(LetterAck, split(wire)[0])
        except NotCanonical as error:
            raise MalformedMessage(str(error)) from None
        state = self._directory.state(said.sender)
        if state is None:
            raise NotAuthentic("an answer of a scheme not known here")
        ack = open_ack(wire, state).body
        back = await self._store.write(self._note_ack, ack, wire)
        if back is not None:
            self._links.offer(back, FrameType.LETTER_ACK, wire)

    def _note_ack(self, tx: Tx, ack: LetterAck, wire: bytes) -> SchemeId | None:
        """Unit: store an answer; return to whom it goes on."""
        row = tx.one(_CARRIED, whose=ack.recipient, which=ack.letter)
        if row is None:
            return None
        _, _, message_no, recipient, from_peer, *_ = row
        if recipient != ack.sender:
            raise NotAuthentic("an answer of somebody to whom the letter was not written")
        if message_no is not None:
            self._answered(tx, message_no, ack.answer)
            tx.run(_DROP, whose=ack.recipient, which=ack.letter)
        else:
            tx.run(_KEEP_ACK, whose=ack.recipient, which=ack.letter, new_ack=wire)
        return None if from_peer is None else SchemeId(from_peer)


def _due_now(tx: ReadTx, now_ms: int) -> list[tuple[Any, ...]]:
    return list(tx.all(_DUE, now=now_ms))


def _hurry(tx: Tx, now_ms: int) -> None:
    tx.run(_HURRY, now=now_ms)


def _drop(tx: Tx, sender: bytes, letter: bytes) -> None:
    tx.run(_DROP, whose=sender, which=letter)


def _later(tx: Tx, sender: bytes, letter: bytes, next_ms: int, *, handed: bool) -> None:
    tx.run(_LATER, whose=sender, which=letter, new_next_ms=next_ms, new_handed=handed)
