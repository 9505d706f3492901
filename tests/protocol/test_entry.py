"""Signed entries, their commitments and their chain. Source: docs/protocol.md 3.1, 3.5."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.keys import SigningKey, VerifyingKey
from protocol.entry import (
    ENTRY_KINDS,
    PROOFS,
    Book,
    Chain,
    Closed,
    Corrected,
    Entry,
    LimitsSet,
    ListingRef,
    NewEntry,
    Opened,
    Payload,
    Posted,
    Reopened,
    Words,
    follow,
    make_entry,
    open_book,
    open_entry,
    open_system_account,
    open_words,
)
from protocol.errors import Forked, InvalidValue, MalformedMessage, NotAuthentic, OutOfOrder
from protocol.ledger import HOURS, LOCAL, AccountKind, SystemRole, transfer
from protocol.message import sign_message
from protocol.names import AccountId, EntryId, ItemKey, SchemeId

OAKVALE, RIVERSIDE = SchemeId(b"o" * 32), SchemeId(b"r" * 32)
KEY, OTHER_KEY = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)
ANA, BEN = AccountId(b"a" * 16), AccountId(b"b" * 16)
EMPTY = Chain(scheme=OAKVALE)
LEGS = transfer(ANA, BEN, 5).legs
WORDS = Words(text="Bread", done_by="Ana", on_behalf_of=None, proved_by="pin", parties=("Ana", "Ben"))

ONE_OF_EACH: tuple[Book, ...] = (
    Posted(legs=LEGS),
    Corrected(entry=EntryId(b"e" * 32), legs=LEGS),
    Opened(account=ANA, kind="member", unit=LOCAL, credit_limit=10, ceiling=None),
    LimitsSet(account=ANA, credit_limit=10, ceiling=20),
    Closed(account=ANA),
    Reopened(account=ANA),
)


def key_for(entry: Entry, key_seq: int) -> VerifyingKey | None:
    return KEY.public if (entry.scheme, key_seq) == (OAKVALE, 3) else None


def made(
    chain: Chain = EMPTY, book: Book = ONE_OF_EACH[0], words: Words = WORDS, **given: object
) -> NewEntry:
    usual = {
        "time_ms": 1_000,
        "book_salt": b"1" * 16,
        "words_salt": b"2" * 16,
        "key": KEY,
        "key_seq": 3,
    }
    return make_entry(chain, book, words, **(usual | given))  # type: ignore[arg-type]


@pytest.mark.parametrize("book", ONE_OF_EACH, ids=lambda book: book.TAG)
def test_every_kind_of_entry_opens_as_it_was_made(book):
    """Rule 3.1."""
    new = made(book=book)

    opened, after = open_entry(EMPTY, new.signed.wire, key_for, book=new.book, words=new.words)

    assert (opened.book, opened.words) == (book, WORDS)
    assert opened.signed == new.signed
    assert new.signed.body.kind == book.TAG
    assert after == Chain(scheme=OAKVALE, next_seq=1, prev=EntryId(new.signed.id))


def test_there_is_one_case_here_for_each_kind():
    assert tuple(book.TAG for book in ONE_OF_EACH) == ENTRY_KINDS


def test_entries_follow_each_other():
    """Rule 3.1: seq counts from 0 without a gap, prev is the id of the entry before."""
    chain = EMPTY
    for number in range(4):
        new = made(chain, time_ms=number)
        assert (new.signed.body.seq, new.signed.body.prev) == (number, chain.prev)
        chain = follow(chain, new.signed)


@pytest.mark.parametrize(
    "chain, refusal",
    [
        (Chain(scheme=RIVERSIDE, next_seq=4, prev=EntryId(b"p" * 32)), NotAuthentic),
        (Chain(scheme=OAKVALE, next_seq=3, prev=EntryId(b"p" * 32)), OutOfOrder),
        (Chain(scheme=OAKVALE, next_seq=5, prev=EntryId(b"p" * 32)), OutOfOrder),
        (Chain(scheme=OAKVALE, next_seq=4, prev=EntryId(b"q" * 32)), Forked),
        (Chain(scheme=OAKVALE, next_seq=4, prev=None), Forked),
    ],
)
def test_an_entry_at_another_place_is_refused(chain, refusal):
    """Rule 3.1."""
    new = made(Chain(scheme=OAKVALE, next_seq=4, prev=EntryId(b"p" * 32)))

    with pytest.raises(refusal):
        open_entry(chain, new.signed.wire, key_for)


@pytest.mark.parametrize("given", [{"key": OTHER_KEY}, {"key_seq": 4}])
def test_only_the_ledger_key_signs_entries(given):
    """Rules 1.3, 3.1."""
    with pytest.raises(NotAuthentic):
        open_entry(EMPTY, made(**given).signed.wire, key_for)


def test_erased_words_leave_the_entry_and_its_book_whole():
    """Rule 3.1."""
    new = made()

    opened, _ = open_entry(EMPTY, new.signed.wire, key_for, book=new.book)

    assert opened.words is None
    assert opened.book == ONE_OF_EACH[0]


def test_equal_words_do_not_show_as_equal():
    """Rule 3.1: without its salt a commitment says nothing, not even by guessing the words."""
    first, second = made(), made(words_salt=b"3" * 16)

    assert first.words.data == second.words.data
    assert first.signed.body.words != second.signed.body.words


@pytest.mark.parametrize(
    "salt, data, refusal",
    [
        (b"9" * 16, None, NotAuthentic),
        (None, b"\xc0", NotAuthentic),
        (b"1" * 15, None, MalformedMessage),
        (b"", None, MalformedMessage),
        (None, b"x" * 20_000, MalformedMessage),
    ],
)
def test_a_payload_that_is_not_committed_to_is_refused(salt, data, refusal):
    """Rule 3.1."""
    new = made()
    entry = new.signed.body
    for payload, opener in ((new.book, open_book), (new.words, open_words)):
        changed = Payload(
            salt=payload.salt if salt is None else salt, data=payload.data if data is None else data
        )
        with pytest.raises(refusal):
            opener(entry, changed)


def test_book_and_words_cannot_stand_in_for_each_other():
    """Rule 3.1: each commitment has a tag of its own."""
    new = made()

    with pytest.raises(NotAuthentic):
        open_book(new.signed.body, new.words)
    with pytest.raises(NotAuthentic):
        open_words(new.signed.body, new.book)


def test_a_book_of_another_kind_than_the_entry_says_is_malformed():
    """Rule 3.1."""
    new = made(book=Closed(account=ANA))
    lying = sign_message(replace(new.signed.body, kind="reopen"), KEY, 3)

    with pytest.raises(MalformedMessage):
        open_entry(EMPTY, lying.wire, key_for, book=new.book)


@pytest.mark.parametrize(
    "book_salt, words_salt", [(b"1" * 15, b"2" * 16), (b"1" * 16, b""), (b"1" * 16, b"1" * 16)]
)
def test_each_payload_has_a_salt_of_its_own(book_salt, words_salt):
    with pytest.raises(InvalidValue):
        made(book_salt=book_salt, words_salt=words_salt)


@pytest.mark.parametrize("kind", [Posted, lambda legs: Corrected(entry=EntryId(b"e" * 32), legs=legs)])
def test_i1_an_entry_that_does_not_sum_to_zero_cannot_exist(kind):
    """I1: not even as bytes that decode."""
    with pytest.raises(InvalidValue):
        kind(legs=(LEGS[0], replace(LEGS[1], amount=4)))


@pytest.mark.parametrize("proof", PROOFS)
def test_every_entry_says_how_it_was_proved(proof):
    """Rule 3.5."""
    words = replace(WORDS, proved_by=proof, on_behalf_of="Ana", reason="Ana has no telephone")

    assert open_words(made(words=words).signed.body, made(words=words).words) == words


@pytest.mark.parametrize(
    "changed",
    [
        {"proved_by": "because"},
        {"proved_by": "broker"},  # on whose behalf, and why?
        {"proved_by": "broker", "on_behalf_of": "Ana"},
        {"done_by": ""},
    ],
)
def test_words_without_their_proof_are_refused(changed):
    """Rule 3.5."""
    with pytest.raises(InvalidValue):
        replace(WORDS, **changed)


def test_words_may_name_a_listing_and_a_quote():
    words = replace(
        WORDS,
        listing=ListingRef(scheme=RIVERSIDE, key=ItemKey(b"k" * 16)),
        quote=b"q" * 32,
        proof=b"p" * 2048,
    )
    new = made(words=words)

    assert open_words(new.signed.body, new.words) == words


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "system"},
        {"role": "chest"},
        {"kind": "system", "role": "line"},
        {"kind": "system", "role": "chest", "other": RIVERSIDE},
        {"kind": "bank"},
    ],
)
def test_an_account_is_opened_with_a_role_only_if_it_is_the_systems(given):
    """Rule 3.2."""
    with pytest.raises(InvalidValue):
        Opened(
            **({"account": ANA, "kind": "member", "unit": LOCAL, "credit_limit": 0, "ceiling": None} | given)
        )


def test_system_accounts_open_by_their_role():
    """Rule 3.2."""
    line = open_system_account(OAKVALE, SystemRole.LINE, HOURS, RIVERSIDE)

    assert (line.kind, line.role, line.other, line.unit) == (AccountKind.SYSTEM, "line", RIVERSIDE, HOURS)
    assert open_book(made(book=line).signed.body, made(book=line).book) == line


@given(st.binary(max_size=300))
def test_i11_arbitrary_bytes_are_no_entry(data):
    """I11."""
    with pytest.raises(MalformedMessage):
        open_entry(EMPTY, data, key_for)
