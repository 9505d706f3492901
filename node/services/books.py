"""The ledger of this scheme in the store: accounts, holds, postings, corrections.

All functions here are parts of a unit of work: they take the transaction and leave waiting to others. Whether
something may be posted is decided in `protocol/ledger.py`. Source: docs/protocol.md 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, insert, select, update

from crypto.digest import SALT_BYTES
from node.clock import Chance, Clock
from node.keyring import KeyRing
from node.services.accounts import Held, load, load_by_id
from node.services.signed_books import BookToSign, NotWhatWasSigned
from node.store import Ordered, ReadTx, Tx
from node.store.schema import books as schema
from protocol import ledger
from protocol.books import corrected_by
from protocol.entry import (
    Book,
    Chain,
    Closed,
    Committed,
    Corrected,
    Entry,
    LimitsSet,
    NewEntry,
    Opened,
    Payload,
    Posted,
    Words,
    commit_book,
    commit_words,
    next_entry,
    open_book,
    open_system_account,
)
from protocol.ledger import HOURS, LOCAL, Account, AccountKind, Leg, Refusal, SystemRole
from protocol.message import decode_message, trusted_message
from protocol.names import AccountId, EntryId, SchemeId

_A: Final = schema.account.c
_NO_BY_ID: Final = select(_A.no).where(_A.id == bindparam("id"))
_NEW_ACCOUNT: Final = insert(schema.account)
_MOVE: Final = Ordered(
    update(schema.account)
    .where(_A.no == bindparam("which"))
    .values(balance=bindparam("new_balance"), held=bindparam("new_held")),
    "new_balance", "new_held", "which",
)  # fmt: skip
_SET_LIMITS: Final = (
    update(schema.account)
    .where(_A.no == bindparam("which"))
    .values(credit_limit=bindparam("new_credit_limit"), ceiling=bindparam("new_ceiling"))
)
_CLOSE: Final = update(schema.account).where(_A.no == bindparam("which")).values(closed=True)
_E: Final = schema.entry.c
_HEAD: Final = select(_E.seq, _E.id).order_by(_E.seq.desc()).limit(1)
_NEW_ENTRY: Final = Ordered(
    insert(schema.entry), "seq", "id", "time", "kind", "wire", "book", "book_salt", "words", "words_salt"
)
_ENTRY: Final = select(_E.wire, _E.book, _E.book_salt).where(_E.seq == bindparam("seq"))
_NEW_LEG: Final = Ordered(insert(schema.leg), "account_no", "entry_seq", "amount", "balance_after")
_T: Final = schema.trade.c
_REFERENCE_TAKEN: Final = select(_T.no).where(_T.reference == bindparam("reference"))


class Refused(Exception):
    """An honest no: nothing was changed. `reason` is the ledger's."""

    def __init__(self, reason: Refusal):
        super().__init__(reason.value)
        self.reason: Final = reason


@dataclass(frozen=True, slots=True)
class Entered:
    """An entry that was just made."""

    seq: int
    id: EntryId
    time_ms: int
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry signed and checked, of which nothing is written yet."""

    book: Posted | Corrected
    words: Committed
    nos: Sequence[int]  # of the accounts, in the order of the legs
    after: Mapping[AccountId, Account]
    made: NewEntry
    book_salt: bytes | None = None  # where what is booked was signed

    @property
    def id(self) -> EntryId:
        """The id the entry has, if it is entered."""
        return EntryId(self.made.signed.id)


def _move(tx: Tx, *moved: tuple[int, Account]) -> None:
    """Write accounts' new balances and what they hold."""
    tx.put_many(_MOVE, [(value.balance, value.held, no) for no, value in moved])
    kept = tx.kept(schema.account)
    for no, value in moved:
        kept[no] = Held(no, value)


def reference_number(id_: bytes) -> int:
    """Return the 40 bits of an id that its reference writes. Source: 7.9."""
    return int.from_bytes(id_[:5], "big")


def reference_taken(tx: ReadTx, reference: int) -> bool:
    """Tell whether a trade here bears the reference. Source: 7.9."""
    return tx.one(_REFERENCE_TAKEN, reference=reference) is not None


class Books:
    """Makes entries. Holds no state but the keys: everything else is read in the transaction."""

    def __init__(self, keyring: KeyRing, clock: Clock, chance: Chance):
        self._keyring: Final = keyring
        self._clock: Final = clock
        self._chance: Final = chance

    # --- accounts -------------------------------------------------------------------------------------------

    def open_account(
        self, tx: Tx, words: Words, *, kind: AccountKind = AccountKind.MEMBER, credit_limit: int = 0,
        ceiling: int | None = None,
    ) -> Held:  # fmt: skip
        """Open an account of a member or group, in local units."""
        account_id = AccountId(self._chance.bytes(16))
        book = Opened(
            account=account_id, kind=kind.value, unit=LOCAL, credit_limit=credit_limit, ceiling=ceiling
        )
        return self._open(tx, book, words)

    def system(self, tx: Tx, role: SystemRole, unit: str, other: SchemeId | None = None) -> int:
        """Return the number of a system account; it is opened when it is first needed."""
        scheme = self._keyring.scheme
        kept, key = tx.kept(schema.account), (role, unit, other)
        no = kept.get(key)
        if no is None:
            no = tx.scalar(_NO_BY_ID, id=ledger.system_account_id(scheme, role, unit, other))
            if no is None:
                no = self._open(tx, open_system_account(scheme, role, unit, other), _SYSTEM_WORDS).no
            kept[key] = no
        assert isinstance(no, int)
        return no

    def line(self, tx: Tx, other: SchemeId) -> int:
        """Return the number of the account of the line with `other`."""
        return self.system(tx, SystemRole.LINE, HOURS, other)

    def _open(self, tx: Tx, book: Opened, words: Words) -> Held:
        self._enter(tx, book, words)
        value = Account(
            account_id=book.account,
            kind=AccountKind(book.kind),
            unit=book.unit,
            credit_limit=book.credit_limit,
            ceiling=book.ceiling,
        )
        no = tx.insert(
            _NEW_ACCOUNT,
            id=book.account,
            kind=book.kind,
            unit=book.unit,
            role=book.role or "",
            balance=0,
            held=0,
            credit_limit=book.credit_limit,
            ceiling=book.ceiling,
            warn_below=None,
            warn_above=None,
            closed=False,
        )
        return Held(no, value)

    def set_limits(self, tx: Tx, no: int, credit_limit: int, ceiling: int | None, words: Words) -> None:
        """Give an account new limits; what exists beyond them stays. Source: 3.4."""
        account = load(tx, no).value
        book = LimitsSet(account=account.account_id, credit_limit=credit_limit, ceiling=ceiling)
        self._enter(tx, book, words)
        tx.run(_SET_LIMITS, which=no, new_credit_limit=credit_limit, new_ceiling=ceiling)

    def close(self, tx: Tx, no: int, words: Words) -> None:
        """Close an account: it takes no more postings. Source: 3.4.

        Raises:
            Refused: it is not at zero, or holds something.
        """
        account = load(tx, no).value
        closed = ledger.close(account)
        if isinstance(closed, Refusal):
            raise Refused(closed)
        self._enter(tx, Closed(account=account.account_id), words)
        tx.run(_CLOSE, which=no)

    def find(self, tx: ReadTx, account_id: AccountId) -> int | None:
        """Return the number of the account with this id, if it is here and open."""
        held = load_by_id(tx, account_id)
        return None if held is None or held.value.closed else held.no

    # --- holds ----------------------------------------------------------------------------------------------

    def hold(self, tx: Tx, no: int, amount: int, *, beyond_limits: bool = False) -> None:
        """Set `amount` aside.

        Raises:
            Refused: it cannot be spent.
        """
        held = load(tx, no)
        value = ledger.hold(held.value, amount, beyond_limits=beyond_limits)
        if isinstance(value, Refusal):
            raise Refused(value)
        _move(tx, (no, value))

    def drop_hold(self, tx: Tx, no: int, amount: int) -> None:
        """Free what was set aside."""
        value = ledger.drop_hold(load(tx, no).value, amount)
        _move(tx, (no, value))

    def move_hold(self, tx: Tx, giver_no: int, taker_no: int, amount: int) -> None:
        """Move what was set aside to another account: a frozen payment's, to the chest. Source: 7.2."""
        giver, taker = ledger.move_hold(load(tx, giver_no).value, load(tx, taker_no).value, amount)
        _move(tx, (giver_no, giver), (taker_no, taker))

    # --- postings -------------------------------------------------------------------------------------------

    def commit(self, words: Words) -> Committed:
        """Return what an entry will commit to of its words. Needs no transaction: best done before the unit waits."""
        return commit_words(words, self._chance.bytes(SALT_BYTES))

    def post(
        self, tx: Tx, amounts: Sequence[tuple[int, int]], words: Words, *, releasing: Mapping[int, int] | None = None,
        beyond_limits: bool = False,
    ) -> Entered:  # fmt: skip
        """Post `amounts` (account number, signed amount); `releasing` ends holds of these accounts with it.

        Amounts of one account are added up, and an account that gains nothing is left out.

        Raises:
            Refused: the ledger says no; nothing changed.
        """
        draft = self.draft(tx, amounts, self.commit(words), releasing=releasing, beyond_limits=beyond_limits)
        return self.enter(tx, draft)

    def draft(
        self, tx: ReadTx, amounts: Sequence[tuple[int, int]], words: Committed, *,
        releasing: Mapping[int, int] | None = None, beyond_limits: bool = False, signed: BookToSign | None = None,
    ) -> Draft:  # fmt: skip
        """Return the entry that posts `amounts`, as `post` does, if `enter` comes next.

        Raises:
            Refused: the ledger says no.
            NotWhatWasSigned: it would not book what was `signed`.
        """
        nos, legs, accounts = self._legs(tx, amounts)
        freed = (
            {load(tx, no).value.account_id: amount for no, amount in releasing.items()} if releasing else {}
        )
        if releasing and not releasing.keys() <= set(nos):
            raise AssertionError("a hold becomes a posting of the same account")
        book = Posted(legs=legs)
        after = ledger.try_post(accounts, book, releasing=freed, beyond_limits=beyond_limits)
        if isinstance(after, Refusal):
            raise Refused(after)
        if signed is None:
            return self._draft(tx, book, words, nos, after)
        if commit_book(book, signed.salt).digest != signed.digest:
            raise NotWhatWasSigned
        return self._draft(tx, book, words, nos, after, signed.salt)

    def to_sign(self, tx: ReadTx, amounts: Sequence[tuple[int, int]]) -> BookToSign:
        """Return what an entry that posts `amounts` will book, for a passkey to sign. Source: 3.5."""
        _, legs, _ = self._legs(tx, amounts)
        salt = self._chance.bytes(SALT_BYTES)
        return BookToSign(salt=salt, digest=commit_book(Posted(legs=legs), salt).digest)

    def draft_correction(self, tx: ReadTx, entry_seq: int, already: bool, words: Committed) -> Draft:
        """Return the entry that posts the opposite of an earlier one, if `enter` comes next. Source: 3.5.

        Raises:
            Refused: it was corrected before, or moved hours between schemes.
        """
        row = tx.one(_ENTRY, seq=entry_seq)
        if row is None:
            raise Refused(Refusal.NOT_CORRECTABLE)
        wire, data, salt = row
        signed = trusted_message(Entry, wire)
        book = open_book(signed.body, Payload(salt=salt, data=data))
        posting = book.posting if isinstance(book, Posted | Corrected) else None
        correction = corrected_by(EntryId(signed.id), posting, already=already)
        if isinstance(correction, Refusal):
            raise Refused(correction)
        found = {leg.account: load_by_id(tx, leg.account) for leg in correction.legs}
        held = {key: each for key, each in found.items() if each is not None}
        accounts = {key: each.value for key, each in held.items()}
        after = ledger.try_post(accounts, correction, beyond_limits=True)
        if isinstance(after, Refusal):
            raise Refused(after)
        return self._draft(tx, correction, words, [held[leg.account].no for leg in correction.legs], after)

    def correct(self, tx: Tx, entry_seq: int, already: bool, words: Words) -> Entered:
        """Post the opposite of an earlier entry, as `draft_correction` has it.

        Raises:
            Refused: nothing changed.
        """
        return self.enter(tx, self.draft_correction(tx, entry_seq, already, self.commit(words)))

    def _draft(
        self, tx: ReadTx, book: Posted | Corrected, words: Committed, nos: Sequence[int],
        after: Mapping[AccountId, Account], book_salt: bytes | None = None,
    ) -> Draft:  # fmt: skip
        made = self._make(tx, book, words, book_salt)
        return Draft(book=book, words=words, nos=nos, after=after, made=made, book_salt=book_salt)

    def redraft(self, tx: ReadTx, draft: Draft) -> Draft:
        """Return the same entry under another id: what its id was to name is taken. Source: 7.9."""
        words = draft.words
        if draft.book_salt is not None:  # what was signed stays as it is: so the words get another salt
            words = self.commit(decode_message(Words, words.payload.data))
        return self._draft(tx, draft.book, words, draft.nos, draft.after, draft.book_salt)

    def enter(self, tx: Tx, draft: Draft) -> Entered:
        """Write an entry and what it moves, in the unit that drafted it; nothing was entered between."""
        signed, after, legs = draft.made.signed, draft.after, draft.book.legs
        seq = signed.body.seq
        self._write(tx, draft.made)
        moved = [(no, after[leg.account]) for no, leg in zip(draft.nos, legs, strict=True)]
        _move(tx, *moved)
        tx.put_many(
            _NEW_LEG,
            [(no, seq, leg.amount, value.balance) for (no, value), leg in zip(moved, legs, strict=True)],
        )
        return Entered(seq, EntryId(signed.id), signed.body.time, legs)

    def _legs(
        self, tx: ReadTx, amounts: Sequence[tuple[int, int]]
    ) -> tuple[list[int], tuple[Leg, ...], dict[AccountId, Account]]:
        sums: dict[int, int] = {}
        for no, amount in amounts:
            sums[no] = sums.get(no, 0) + amount
        nos = [no for no, amount in sums.items() if amount]
        values = [load(tx, no).value for no in nos]
        legs = tuple(
            [
                Leg(account=value.account_id, unit=value.unit, amount=sums[no])
                for no, value in zip(nos, values, strict=True)
            ]
        )
        return nos, legs, {value.account_id: value for value in values}

    def _enter(self, tx: Tx, book: Book, words: Words) -> None:
        self._write(tx, self._make(tx, book, self.commit(words)))

    def _make(self, tx: ReadTx, book: Book, words: Committed, book_salt: bytes | None = None) -> NewEntry:
        """Return the next entry, signed."""
        head = tx.kept(schema.entry).get("head") or tx.one(_HEAD)
        scheme = self._keyring.scheme
        chain = (
            Chain(scheme=scheme) if head is None else Chain(scheme=scheme, next_seq=head[0] + 1, prev=head[1])
        )
        key_seq, key = self._keyring.signing["ledger"]
        committed = commit_book(book, book_salt or self._chance.bytes(SALT_BYTES))
        return next_entry(
            chain, book.TAG, committed, words, time_ms=self._clock.now_ms(), key=key, key_seq=key_seq
        )

    def _write(self, tx: Tx, made: NewEntry) -> None:
        signed, book, words = made.signed, made.book, made.words
        entry = signed.body
        tx.put(
            _NEW_ENTRY,
            (
                entry.seq, signed.id, entry.time, entry.kind, signed.wire, book.data, book.salt, words.data, words.salt,
            ),
        )  # fmt: skip
        tx.kept(schema.entry)["head"] = entry.seq, signed.id


_SYSTEM_WORDS: Final = Words(text="", done_by="interlets", on_behalf_of=None, proved_by="system")

__all__ = ["Books", "Draft", "Entered", "Held", "Refused", "load", "reference_number", "reference_taken"]
