"""A walk over the stored entries: each is verified, and what all of them make is reckoned anew, from nothing else.

Nothing is compared with other tables here: `ledger_check.py` does so, and `ledger_rebuild.py` writes what was reckoned.
What is wrong is named and the walk goes on. Source: docs/protocol.md 3.1–3.5, 4.1, I1, I19.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select

from crypto.canonical import NotCanonical
from crypto.digest import object_id
from crypto.keys import VerifyingKey
from crypto.signing import signed_bytes, split
from node.services.books import reference_number
from node.store import ReadTx
from node.store.schema import books as schema
from protocol.books import Books, Replay
from protocol.entry import Book, Corrected, Entry, Opened, Payload, Posted, Words, open_book, open_words
from protocol.errors import ProtocolError
from protocol.identity import IdentityState
from protocol.ledger import LOCAL, AccountKind, Posting
from protocol.message import decode_message
from protocol.names import AccountId, EntryId, KeySeq, SchemeId

ROWS_AT_A_TIME: Final = 500
FINDINGS_MAX: Final = 200  # what is wrong in more places than this is not read by anybody one by one

Progress = Callable[[str, int, int], None]  # what is looked at, how many are done, of how many
Identities = Callable[[SchemeId], IdentityState | None]

_E: Final = schema.entry.c
_COUNT: Final = select(func.count()).select_from(schema.entry)
_AFTER: Final = (
    select(
        _E.seq, _E.id, _E.time, _E.kind, _E.wire, _E.book, _E.book_salt, _E.words, _E.words_salt
    )
    .where(_E.seq > bindparam("after"))
    .order_by(_E.seq)
    .limit(ROWS_AT_A_TIME)
)  # fmt: skip
_LEGS_BEYOND: Final = (
    select(schema.leg.c.entry_seq, func.count())
    .where(schema.leg.c.entry_seq >= bindparam("size"))
    .group_by(schema.leg.c.entry_seq)
)
_ONE: Final = select(_E.wire, _E.book, _E.book_salt).where(_E.seq == bindparam("seq"))


class Finding(NamedTuple):
    """Something wrong: in which table, at which row of it, and what."""

    table: str
    row: str
    text: str
    derived: bool = False  # it follows from signed bytes that are right: a rebuild mends it

    def __str__(self) -> str:
        return f"{self.table} {self.row}: {self.text}"


class Findings:
    """What was found wrong so far."""

    def __init__(self) -> None:
        self.all: Final[list[Finding]] = []
        self.more = 0  # beyond FINDINGS_MAX
        self.signed_wrong = 0  # of all these, how many no rebuild mends

    def add(self, table: str, row: object, text: str, *, derived: bool = False) -> None:
        """Note that a row is wrong."""
        if not derived:
            self.signed_wrong += 1
        if len(self.all) < FINDINGS_MAX:
            self.all.append(Finding(table, str(row), text, derived))
        else:
            self.more += 1

    def equal(
        self, table: str, row: object, *, derived: bool = False, **fields: tuple[object, object]
    ) -> None:
        """Note each field of a row that is not what it should be: name=(stored, reckoned)."""
        for name, (stored, wanted) in fields.items():
            if stored != wanted:
                self.add(
                    table,
                    row,
                    f"{name} is {shown(stored)}, what was signed makes it {shown(wanted)}",
                    derived=derived,
                )


def shown(value: object) -> str:
    """Return a value of a row as a finding writes it."""
    return f"{value.hex()[:16]}…" if isinstance(value, bytes) else str(value)


class Moved(NamedTuple):
    """What one entry moved between people, for comparing it with the row of its trade."""

    payer: AccountId | None  # who gave local units that did not come out of `exchange`
    payee: AccountId | None
    amount: int


class Reckoned:
    """What the entries make."""

    def __init__(self, scheme: SchemeId) -> None:
        self.size = 0  # entries
        self.bytes = 0  # of their signed bodies
        self.roles: Final[dict[AccountId, str]] = {}  # of every account, in the order of opening
        self.legs: Final[dict[AccountId, array[int]]] = {}  # seq, amount and balance after, over and over
        self.moved: Final[dict[int, Moved]] = {}
        self.references: Final[array[int]] = array("q")  # by seq, as the three below
        self.times: Final[array[int]] = array("q")
        self.said: Final[array[int]] = array("q")  # a digest of what the words say, 0 where they are erased
        self.corrects: Final[dict[int, int]] = {}  # seq of a correction → seq of what it corrects
        self.seqs: Final[dict[bytes, int]] = {}  # by id
        self.replay = Replay(Books(scheme=scheme), lambda _: None)

    def known(self, seq: int) -> bool:
        """Tell whether there is such an entry."""
        return 0 <= seq < self.size


def said_of(text: str, done_by: str, listing: bytes | None) -> int:
    """Return a digest, good within this process, of what an entry's words say and its trade repeats."""
    return hash((text, done_by, listing)) or 1


class EntryWalk:
    """Walks over the entries of one scheme, in one state of the database."""

    def __init__(
        self, tx: ReadTx, scheme: SchemeId, identity: IdentityState, findings: Findings, progress: Progress
    ):
        self._tx: Final = tx
        self._scheme: Final = scheme
        self._identity: Final = identity
        self._findings: Final = findings
        self._progress: Final = progress
        self._keys: Final[dict[int, VerifyingKey | None]] = {}
        self._newest_key = 0
        self._exchange: Final[set[AccountId]] = set()
        self._people: Final[set[AccountId]] = set()
        self._made: Final = Reckoned(scheme)
        self._made.replay = Replay(Books(scheme=scheme), self._recall)

    def walk(self) -> Reckoned:
        """Return what the entries make; what is wrong with them is among the findings."""
        made, total = self._made, int(self._tx.scalar(_COUNT) or 0)
        after, prev, sure = -1, None, True
        while rows := self._tx.all(_AFTER, after=after):
            for row in rows:
                seq = row[0]
                if seq != after + 1:
                    self._missing(after + 1, seq)
                    sure = False
                after = seq
                id_, good = self._entry(row, prev if sure else None)
                # After a wrong entry the next one is held against nothing: it would be named for its neighbour's fault.
                prev, sure = id_, good
            self._progress("entries", min(made.size, total), total)
        for seq, count in self._tx.all(_LEGS_BEYOND, size=made.size):
            if count > 1:  # one alone is a leg that was made up
                self._findings.add("entry", seq, "missing: accounts were moved by it")
        return made

    def _missing(self, first: int, seq: int) -> None:
        which = str(first) if seq == first + 1 else f"{first} to {seq - 1}"
        self._findings.add("entry", which, "missing")
        for _ in range(first, min(seq, first + 1_000_000)):
            self._count(0, 0, 0)

    def _count(self, reference: int, time: int, said: int) -> None:
        made = self._made
        made.references.append(reference)
        made.times.append(time)
        made.said.append(said)
        made.size += 1

    def _entry(self, row: tuple[object, ...], prev: bytes | None) -> tuple[bytes, bool]:
        """Look at one entry; return its id, and whether nothing is wrong with it."""
        seq, stored_id, time, kind, wire, book, book_salt, words, words_salt = row
        made, before = self._made, len(self._findings.all) + self._findings.more
        assert isinstance(wire, bytes)
        assert isinstance(seq, int)
        try:
            body_bytes, key_seq, signature = split(wire)
            entry = decode_message(Entry, body_bytes)
        except (NotCanonical, ProtocolError) as error:
            self._findings.add("entry", seq, f"its signed bytes cannot be read: {error}")
            self._count(0, 0, 0)
            return bytes(stored_id), False  # type: ignore[call-overload]  # a Blob
        id_ = object_id(body_bytes)
        self._look(seq, entry, prev)
        self._findings.equal(
            "entry", seq, derived=True, id=(stored_id, id_), time=(time, entry.time), kind=(kind, entry.kind)
        )
        key = self._key(key_seq)
        if key is None or not key.verifies(signature, signed_bytes(Entry.TAG, body_bytes)):
            self._findings.add("entry", seq, "not signed by a ledger key of this scheme")
        self._newest_key = max(self._newest_key, key_seq)
        made.bytes += len(body_bytes)
        made.seqs[id_] = seq
        said = self._words(seq, entry, words, words_salt)
        self._count(reference_number(id_), entry.time, said)
        self._book(seq, EntryId(id_), entry, book, book_salt)
        return id_, len(self._findings.all) + self._findings.more == before

    def _look(self, seq: int, entry: Entry, prev: bytes | None) -> None:
        if entry.scheme != self._scheme:
            self._findings.add("entry", seq, "another scheme's")
        if entry.seq != seq:
            self._findings.add("entry", seq, f"what was signed is entry {entry.seq}")
        if seq == 0 and entry.prev is not None:
            self._findings.add("entry", seq, "it follows another, and is the first")
        if prev is not None and entry.prev != prev:
            self._findings.add("entry", seq, "it does not follow the entry before it")

    def _key(self, key_seq: int) -> VerifyingKey | None:
        if key_seq not in self._keys:
            found = self._identity.delegation(KeySeq(key_seq))
            good = found is not None and found.purpose == "ledger"
            self._keys[key_seq] = found.verifying if good and found is not None else None
        found = self._identity.delegation(KeySeq(key_seq))
        if found is not None and found.revoked_seq is not None and self._newest_key > found.revoked_seq:
            return None  # it was revoked, and a later key had signed already
        return self._keys[key_seq]

    def _words(self, seq: int, entry: Entry, data: object, salt: object) -> int:
        """Return a digest of what the words say; 0 where they are erased, whole."""
        if data is None and salt is None:
            return 0
        if not isinstance(data, bytes) or not isinstance(salt, bytes):
            self._findings.add("entry", seq, "words and their salt are erased together or not at all")
            return 0
        try:
            words: Words = open_words(entry, Payload(salt=salt, data=data))
        except ProtocolError as error:
            self._findings.add("entry", seq, f"its words: {error}")
            return 0
        if words.proof:
            self._proof(seq, entry, words.proof)
        return said_of(words.text, words.done_by, None if words.listing is None else words.listing.key)

    def _proof(self, seq: int, entry: Entry, proof: bytes) -> None:
        # Seldom there, and what reads it takes long to load.
        from node.services.passkey_check import NotThisKey, check_proof

        try:
            check_proof(proof, entry.book)
        except NotThisKey as error:
            self._findings.add("entry", seq, f"what a passkey signed: {error}")

    def _book(self, seq: int, id_: EntryId, entry: Entry, data: object, salt: object) -> None:
        assert isinstance(data, bytes)
        assert isinstance(salt, bytes)
        made = self._made
        try:
            book = open_book(entry, Payload(salt=salt, data=data))
            made.replay.book(id_, book)
        except ProtocolError as error:
            self._findings.add("entry", seq, f"what it books: {error}")
            return
        match book:
            case Opened():
                made.roles[book.account] = book.role or ""
                made.legs[book.account] = array("q")
                if book.role == "exchange":
                    self._exchange.add(book.account)
                if book.kind != AccountKind.SYSTEM:
                    self._people.add(book.account)
            case Posted() | Corrected():
                self._move(seq, book)
            case _:
                pass

    def _move(self, seq: int, book: Posted | Corrected) -> None:
        made = self._made
        if isinstance(book, Corrected):
            made.corrects[seq] = made.seqs[book.entry]
        payer = payee = None
        amount = 0
        people = False
        for leg in book.legs:
            made.legs[leg.account].extend((seq, leg.amount, made.replay.accounts[leg.account].balance))
            people = people or leg.account in self._people
            if leg.unit == LOCAL and leg.account not in self._exchange:
                amount = abs(leg.amount)
                if leg.amount < 0:
                    payer = leg.account
                else:
                    payee = leg.account
        if people:
            made.moved[seq] = Moved(payer, payee, amount)

    def _recall(self, entry_id: EntryId) -> Posting | None:
        seq = self._made.seqs.get(entry_id)
        row = None if seq is None else self._tx.one(_ONE, seq=seq)
        if row is None:
            return None
        wire, data, salt = row
        book: Book = open_book(decode_message(Entry, split(wire)[0]), Payload(salt=salt, data=data))
        return book.posting if isinstance(book, Posted | Corrected) else None
