"""A whole ledger, replayed from what its entries book, and which entries can be corrected.

For auditors, rebuilds and tests; the running node keeps the accounts beside the entries instead. Source:
docs/protocol.md 3.1, 3.5, I1, I19.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from protocol.entry import Book, Closed, Corrected, LimitsSet, Opened, Posted, Reopened
from protocol.errors import InvalidValue, OutOfOrder, ProtocolError
from protocol.ledger import (
    Account,
    AccountKind,
    Posting,
    Refusal,
    SystemRole,
    close,
    correction_of,
    imbalance,
    post,
    system_account_id,
)
from protocol.names import AccountId, EntryId, SchemeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """A whole ledger as its entries give it, for auditors, rebuilds and tests. Source: 3.1, I19.

    Holds are not in the log, so `held` is 0 here and limits are not judged again: the entries say what was
    booked, `check` said at the time whether it might be.
    """

    scheme: SchemeId
    accounts: Mapping[AccountId, Account] = field(default_factory=lambda: MappingProxyType({}))
    postings: Mapping[EntryId, Posting] = field(default_factory=lambda: MappingProxyType({}))
    corrected: frozenset[EntryId] = frozenset()


class Replay:
    """A ledger that is being replayed, one entry after another, for whoever goes on after a wrong one.

    `recall` gives the posting of an entry booked before, or None: only a correction asks for one.
    """

    def __init__(self, books: Books, recall: Callable[[EntryId], Posting | None]):
        self.scheme: Final = books.scheme
        self.accounts: Final[dict[AccountId, Account]] = dict(books.accounts)
        self.corrected: Final[set[EntryId]] = set(books.corrected)
        self._recall: Final = recall

    def book(self, entry_id: EntryId, book: Book) -> None:
        """Book one entry.

        Raises:
            OutOfOrder: it cannot follow what is booked before it; nothing changed.
        """
        try:
            match book:
                case Posted():
                    self.accounts.update(post(self.accounts, book, beyond_limits=True))
                case Corrected():
                    _check_correction(book, self._recall, self.corrected)
                    self.accounts.update(post(self.accounts, book, beyond_limits=True))
                    self.corrected.add(book.entry)
                case _:
                    account = _account_after(self.scheme, self.accounts, book)
                    self.accounts[account.account_id] = account
        except ProtocolError as error:
            raise OutOfOrder(f"entry {entry_id.hex()}: {error}") from None


def replay(books: Books, entries: Iterable[tuple[EntryId, Book]]) -> Books:
    """Return `books` after `entries`, in order; I1 holds in the answer.

    Raises:
        OutOfOrder: an entry that cannot follow what is booked before it.
    """
    postings = dict(books.postings)
    replayed = Replay(books, postings.get)
    for entry_id, book in entries:
        replayed.book(entry_id, book)
        if isinstance(book, Posted | Corrected):
            postings[entry_id] = book.posting
    assert not imbalance(replayed.accounts.values()), "every posting sums to zero, so their sum does"
    return Books(
        scheme=books.scheme,
        accounts=MappingProxyType(replayed.accounts),
        postings=MappingProxyType(postings),
        corrected=frozenset(replayed.corrected),
    )


def correct(books: Books, entry_id: EntryId) -> Corrected | Refusal:
    """Return the correction of an entry, or why there is none; a correction may itself be corrected, once.

    Limits do not apply to it (`beyond_limits`): an organiser's correction is always possible. Source: 3.5.
    """
    return corrected_by(entry_id, books.postings.get(entry_id), already=entry_id in books.corrected)


def corrected_by(entry_id: EntryId, posting: Posting | None, *, already: bool) -> Corrected | Refusal:
    """Return the correction of the entry that made `posting`; `already` if it has one. Source: 3.5."""
    if posting is None:
        return Refusal.NOT_CORRECTABLE
    if already:
        return Refusal.ALREADY_CORRECTED
    opposite = correction_of(posting)
    return opposite if isinstance(opposite, Refusal) else Corrected(entry=entry_id, legs=opposite.legs)


def _check_correction(
    book: Corrected, recall: Callable[[EntryId], Posting | None], corrected: set[EntryId]
) -> None:
    wanted = corrected_by(book.entry, recall(book.entry), already=book.entry in corrected)
    if isinstance(wanted, Refusal):
        raise OutOfOrder(wanted.value)
    if wanted != book:
        raise InvalidValue("a correction is the exact opposite of the entry it names")


def _account_after(
    scheme: SchemeId, accounts: Mapping[AccountId, Account], book: Opened | LimitsSet | Closed | Reopened
) -> Account:
    known = accounts.get(book.account)
    if isinstance(book, Opened):
        if known is not None:
            raise OutOfOrder("the account is open already")
        return open_account(scheme, book)
    if known is None:
        raise OutOfOrder("no such account")
    match book:
        case LimitsSet():
            return replace(known, credit_limit=book.credit_limit, ceiling=book.ceiling)
        case Closed():
            closed = close(known)
            if isinstance(closed, Refusal):
                raise OutOfOrder(closed.value)
            return closed
        case Reopened():
            return replace(known, closed=False)


def open_account(scheme: SchemeId, book: Opened) -> Account:
    """Return the account that `book` opens.

    Raises:
        InvalidValue: a system account whose id is not the one of its role. Source: 3.2.
    """
    if book.role is not None and book.account != system_account_id(
        scheme, SystemRole(book.role), book.unit, book.other
    ):
        raise InvalidValue("not the id of that system account")
    return Account(
        account_id=book.account,
        kind=AccountKind(book.kind),
        unit=book.unit,
        credit_limit=book.credit_limit,
        ceiling=book.ceiling,
    )
