"""A whole ledger replayed from its entries. Source: docs/protocol.md 3.1, 3.5, I1, I19."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.books import Books, correct, replay
from protocol.entry import Book, Closed, Corrected, LimitsSet, Opened, Posted, Reopened, open_system_account
from protocol.errors import OutOfOrder
from protocol.ledger import HOURS, LOCAL, Leg, Refusal, SystemRole, imbalance, system_account_id, transfer
from protocol.names import AccountId, EntryId, SchemeId

OAKVALE, RIVERSIDE = SchemeId(b"o" * 32), SchemeId(b"r" * 32)
NAMES = "abcd"


def key(name: str) -> AccountId:
    return AccountId(name.encode() * 16)


def opened(name: str) -> Opened:
    return Opened(account=key(name), kind="member", unit=LOCAL, credit_limit=10, ceiling=None)


def paid(payer: str, payee: str, amount: int) -> Posted:
    return Posted(legs=transfer(key(payer), key(payee), amount).legs)


def numbered(*books: Book, start: int = 0) -> list[tuple[EntryId, Book]]:
    return [(entry_id(start + n), book) for n, book in enumerate(books)]


def entry_id(number: int) -> EntryId:
    return EntryId(number.to_bytes(32, "big"))


def balances(books: Books) -> dict[str, int]:
    return {account_id.decode()[0]: each.balance for account_id, each in books.accounts.items()}


def test_a_ledger_is_what_its_entries_make_of_it():
    """I19."""
    books = replay(
        Books(scheme=OAKVALE),
        numbered(
            opened("a"),
            opened("b"),
            paid("a", "b", 7),
            LimitsSet(account=key("a"), credit_limit=3, ceiling=9),
        ),
    )

    assert balances(books) == {"a": -7, "b": 7}
    assert (books.accounts[key("a")].credit_limit, books.accounts[key("a")].ceiling) == (3, 9)
    assert list(books.postings) == [entry_id(2)]


def test_a_replay_goes_on_where_it_stopped():
    """I19: in parts or at once is the same."""
    entries = numbered(opened("a"), opened("b"), paid("a", "b", 7), paid("b", "a", 2))
    start = Books(scheme=OAKVALE)

    for cut in range(len(entries) + 1):
        assert replay(replay(start, entries[:cut]), entries[cut:]) == replay(start, entries)


@pytest.mark.parametrize(
    "wrong",
    [
        [paid("a", "z", 1)],
        [paid("z", "a", 1)],
        [opened("a")],  # twice
        [LimitsSet(account=key("z"), credit_limit=0, ceiling=None)],
        [Closed(account=key("z"))],
        [Reopened(account=key("z"))],
        [Closed(account=key("a"))],  # not at zero
        [Closed(account=key("c")), paid("a", "c", 1)],
        [
            Posted(
                legs=(
                    Leg(account=key("a"), unit=HOURS, amount=1),
                    Leg(account=key("b"), unit=HOURS, amount=-1),
                )
            )
        ],
        [Corrected(entry=entry_id(99), legs=transfer(key("b"), key("a"), 7).legs)],  # of nothing
        [Corrected(entry=entry_id(0), legs=transfer(key("b"), key("a"), 7).legs)],  # of an opening
        [Corrected(entry=entry_id(3), legs=transfer(key("b"), key("a"), 6).legs)],  # of another amount
        [Corrected(entry=entry_id(3), legs=transfer(key("a"), key("b"), 7).legs)],  # the wrong way
        [Corrected(entry=entry_id(3), legs=transfer(key("a"), key("b"), 7).legs[::-1])] * 2,
        [Corrected(entry=entry_id(3), legs=tuple(transfer(key("b"), key("a"), 7).legs[::-1]))] * 2,  # twice
    ],
)
def test_an_entry_that_cannot_follow_is_refused(wrong):
    """I19: an auditor notices."""
    sound = numbered(opened("a"), opened("b"), opened("c"), paid("a", "b", 7))
    books = replay(Books(scheme=OAKVALE), sound)

    with pytest.raises(OutOfOrder):
        replay(books, numbered(*wrong, start=50))


def test_a_correction_restores_both_balances_even_beyond_limits():
    """Rule 3.5: an organiser's correction is always possible."""
    books = replay(
        Books(scheme=OAKVALE),
        numbered(
            opened("a"), opened("b"), paid("a", "b", 7), LimitsSet(account=key("b"), credit_limit=0, ceiling=0),
            paid("b", "a", 7),
        ),
    )  # fmt: skip
    correction = correct(books, entry_id(4))
    assert isinstance(correction, Corrected)

    after = replay(books, [(entry_id(9), correction)])

    assert balances(after) == {"a": -7, "b": 7}  # above its ceiling, and so it was
    assert correct(after, entry_id(4)) is Refusal.ALREADY_CORRECTED
    again = correct(after, entry_id(9))
    assert isinstance(again, Corrected)
    assert balances(replay(after, [(entry_id(10), again)])) == {"a": 0, "b": 0}


def test_a_correction_reaches_a_closed_account_once_it_is_open_again():
    """Rule 3.5."""
    books = replay(
        Books(scheme=OAKVALE),
        numbered(opened("a"), opened("b"), paid("a", "b", 7), paid("b", "a", 7), Closed(account=key("a"))),
    )
    correction = correct(books, entry_id(2))
    assert isinstance(correction, Corrected)

    with pytest.raises(OutOfOrder, match="payee_closed"):
        replay(books, [(entry_id(9), correction)])
    after = replay(books, [(entry_id(8), Reopened(account=key("a"))), (entry_id(9), correction)])
    assert balances(after) == {"a": 7, "b": -7}


def test_what_moved_nothing_or_a_line_is_not_corrected():
    """Rule 3.5, I8."""
    line = open_system_account(OAKVALE, SystemRole.LINE, HOURS, RIVERSIDE)
    exchange = open_system_account(OAKVALE, SystemRole.EXCHANGE, HOURS)
    moved = Posted(legs=transfer(exchange.account, line.account, 5, HOURS).legs)
    books = replay(Books(scheme=OAKVALE), numbered(line, exchange, moved))

    assert [correct(books, entry_id(n)) for n in (0, 2, 77)] == [Refusal.NOT_CORRECTABLE] * 3


def test_an_auditor_knows_a_system_account_by_its_id():
    """Rule 3.2: an account that claims a role under another id is refused."""
    chest = open_system_account(OAKVALE, SystemRole.CHEST, LOCAL)
    books = replay(Books(scheme=OAKVALE), numbered(chest))
    assert system_account_id(OAKVALE, SystemRole.CHEST, LOCAL) in books.accounts

    with pytest.raises(OutOfOrder):
        replay(Books(scheme=RIVERSIDE), numbered(chest))


@given(
    st.lists(st.tuples(st.permutations(NAMES), st.integers(1, 1_000), st.booleans()), min_size=1, max_size=30)
)
def test_i1_every_ledger_sums_to_zero(trades):
    """I1: after any postings and corrections, in every unit."""
    books = replay(Books(scheme=OAKVALE), numbered(*(opened(name) for name in NAMES)))
    for number, (names, amount, undone) in enumerate(trades):
        at = entry_id(100 + 2 * number)
        books = replay(books, [(at, paid(names[0], names[1], amount))])
        if undone:
            correction = correct(books, at)
            assert isinstance(correction, Corrected)
            books = replay(books, [(entry_id(101 + 2 * number), correction)])
        assert imbalance(books.accounts.values()) == {}

    expected = dict.fromkeys(NAMES, 0)
    for names, amount, undone in trades:
        if not undone:
            expected[names[0]] -= amount
            expected[names[1]] += amount
    assert balances(books) == expected
