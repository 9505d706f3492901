"""What an author writes into its own ops for the day its database is lost. Rules 6.4, 6.7 (b)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.safekeeping import SafeKeys
from crypto.sealing import CannotOpen
from protocol.errors import InvalidValue, MalformedMessage
from protocol.limits import (
    AMOUNT_MAX,
    MEMO_BYTES_MAX,
    QUOTE_VALID_MS,
    RATE_MINOR_PER_HOUR_MAX,
    SEQ_MAX,
    TIME_MS_MAX,
)
from protocol.memo import (
    Memory,
    Nothing,
    Paid,
    Passing,
    Paying,
    QuoteRest,
    quote_of,
    read_memo,
    rest_of,
    write_memo,
)
from protocol.names import AccountId, Handle, ItemKey, QuoteId, SchemeId
from tests.builders import HILLTOP, OAKVALE, RIVERSIDE, lock_for, quote, terms_between

KEYS = SafeKeys([bytes([7]) * 32])
JAM, EGGS = QuoteId(b"j" * 32), QuoteId(b"e" * 32)
LONGEST = QuoteRest(
    nonce=bytes(16),
    payee_handle=Handle(bytes(16)),
    listing=ItemKey(bytes(16)),
    amount=AMOUNT_MAX,
    unit="u" * 32,
    rate=RATE_MINOR_PER_HOUR_MAX,
    description=bytes(32),
    time=TIME_MS_MAX,
    valid_for=QUOTE_VALID_MS,
)
ACCOUNT = AccountId(b"a" * 16)
MEMORIES: list[Memory] = [
    Paying(account=ACCOUNT, amount=AMOUNT_MAX, handle=Handle(bytes(16)), quote=LONGEST),
    Passing(peer=SchemeId(bytes(32)), nonce=bytes(16), epoch=SEQ_MAX, seq=SEQ_MAX),
    Paid(account=ACCOUNT, payer=SchemeId(bytes(32)), quote=LONGEST),
    Paid(
        account=ACCOUNT,
        payer=SchemeId(b"\x80" * 32),
        quote=replace(LONGEST, listing=None, amount=1, unit="h"),
    ),
    Nothing(),
]


@pytest.mark.parametrize("memory", MEMORIES, ids=lambda memory: type(memory).__name__)
def test_a_memo_says_what_was_written_into_it(memory: Memory):
    assert read_memo(write_memo(memory, JAM, KEYS.seal), JAM, KEYS.open) == memory


@pytest.mark.parametrize("memory", MEMORIES, ids=lambda memory: type(memory).__name__)
def test_all_memos_have_one_length(memory: Memory):
    """So a neighbour cannot tell a payer from a connector, nor a payee. The longest figures fit."""
    assert len(write_memo(memory, JAM, KEYS.seal)) == MEMO_BYTES_MAX


def test_equal_memories_of_different_quotes_are_different_bytes():
    """Or a claim that only passes on could be told from one that ends here."""
    assert write_memo(Nothing(), JAM, KEYS.seal) != write_memo(Nothing(), EGGS, KEYS.seal)
    with pytest.raises(CannotOpen):
        read_memo(write_memo(Nothing(), JAM, KEYS.seal), EGGS, KEYS.open)


@pytest.mark.parametrize("plain", [b"", b"\x00" * 228, b"\x80", b"\xc0\x80\x00", b"\x91\xa1x\x80"])
def test_what_opens_and_is_no_memo_is_refused(plain: bytes):
    with pytest.raises(MalformedMessage):
        read_memo(b"", JAM, lambda purpose, memo: plain)


def test_lock_and_memo_give_the_quote_back():
    """Rule 6.7 (b): all of it but the signature; the id in the LOCK vouches for it, and the receipt is over that id."""
    promised = quote()
    lock = lock_for(promised)
    body = promised.body
    back = quote_of(rest_of(body), lock, payer=body.payer_scheme, payee=body.payee_scheme)
    assert back == body


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 1},
        {"nonce": bytes(16)},
        {"unit": "other"},
        {"valid_for": 1},
        {"listing": ItemKey(bytes(16))},
    ],
)
def test_a_memo_of_another_quote_is_noticed(change: dict[str, object]):
    promised = quote()
    rest = replace(rest_of(promised.body), **change)  # type: ignore[arg-type]  # a table of fields
    with pytest.raises(InvalidValue):
        quote_of(rest, lock_for(promised), payer=promised.body.payer_scheme, payee=promised.body.payee_scheme)


@pytest.mark.parametrize("me, peer", [(OAKVALE, HILLTOP), (HILLTOP, OAKVALE), (HILLTOP, RIVERSIDE)])
def test_a_connector_finds_the_line_of_the_incoming_lock(me, peer):
    """Even if the database has never heard of that line."""
    terms = terms_between(me, peer)
    assert Passing(peer=peer.id, nonce=terms.nonce, epoch=0, seq=1).terms(me.id) == terms
