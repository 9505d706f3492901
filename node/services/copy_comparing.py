"""A keeper's copy of our books against this database: whether it goes on from it, and what of it is missing here.

Where it goes on, nothing here is lost if it takes the place of this database. Where both were written to since they
parted, neither may: what the copy has and this database has not is listed, for people to enter again. Source: docs/protocol.md 6.7 (g).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select

from node.store import ReadTx, Tx
from node.store.schema import books, lines, market
from node.store.schema import restore as schema
from protocol.feed import Item
from protocol.feed_kinds import LISTING as LISTING_KIND
from protocol.feed_kinds import payload_of
from protocol.market import Listing
from protocol.message import decode_message, trusted_message

MISSING_MAX: Final = 5_000  # listed, the newest of each kind

TRADE: Final = "trade"
MEMBER: Final = "member"
LISTING: Final = "listing"

_B: Final = schema.boot.c
_NEW_BOOT: Final = insert(schema.boot)
_LAST_BOOT: Final = select(_B.nonce).order_by(_B.no.desc()).limit(1)
_E: Final = books.entry.c
_ENTRIES: Final = select(_E.id).order_by(_E.seq)
_KEYS: Final = select(books.trade.c.once).where(books.trade.c.once.is_not(None))
_ACCOUNTS: Final = select(books.account.c.id)
_LISTINGS: Final = select(market.listing.c.item_key)
_CHAINS: Final = select(lines.line.c.id, lines.line.c.epoch, lines.line.c.own_length)
_M: Final = schema.missing.c
_NEW_MISSING: Final = insert(schema.missing)
_DROP_MISSING: Final = delete(schema.missing)
_COUNT_MISSING: Final = select(func.count()).select_from(schema.missing)
_MISSING: Final = (
    select(_M.kind, _M.made_ms, _M.who, _M.other, _M.text, _M.amount, _M.reference)
    .order_by(_M.made_ms.desc(), _M.no)
    .limit(bindparam("most"))
)

_COPY_TRADES: Final = """
    SELECT coalesce(trade.once, entry.id), trade.created_ms, payer.name, payee.name, trade.text, trade.amount, trade.reference
    FROM trade JOIN entry ON entry.seq = trade.entry_seq
    LEFT JOIN member AS payer ON payer.account_no = trade.payer_no
    LEFT JOIN member AS payee ON payee.account_no = trade.payee_no
    WHERE trade.kind = 'local' ORDER BY trade.no"""
_COPY_MEMBERS: Final = """
    SELECT account.id, member.joined_ms, member.name
    FROM member JOIN account ON account.no = member.account_no ORDER BY member.no"""
_COPY_LISTINGS: Final = """
    SELECT listing.item_key, listing.created, member.name, listing.content
    FROM listing JOIN member ON member.no = listing.member_no
    WHERE listing.state = 'published' ORDER BY listing.created"""


class Missing(NamedTuple):
    """Something that a keeper's copy has and this database has not."""

    kind: str
    made_ms: int
    who: str
    other: str
    text: str
    amount: int
    reference: int | None


class Known(NamedTuple):
    """What a database has, as far as two of them are compared by it."""

    boots: tuple[bytes, ...]  # of this database only the last is looked at
    entries: tuple[bytes, ...]  # ids, in order
    accounts: frozenset[bytes]
    listings: frozenset[bytes]
    chains: dict[bytes, tuple[int, int]]  # of each line on which we wrote: epoch, and how much


class Copied(NamedTuple):
    """What a keeper's copy has."""

    known: Known
    things: list[
        tuple[bytes, Missing]
    ]  # each under the key it was recorded by or the id of its entry, the id of its account, the key of its listing


def note_boot(tx: Tx, nonce: bytes, now_ms: int) -> None:
    """Unit: note that this process may write from now on."""
    tx.run(_NEW_BOOT, nonce=nonce, at_ms=now_ms)


def read_known(tx: ReadTx) -> Known:
    """Return what this database has."""
    last = tx.scalar(_LAST_BOOT)
    return Known(
        boots=() if last is None else (last,),
        entries=tuple(row[0] for row in tx.all(_ENTRIES)),
        accounts=frozenset(row[0] for row in tx.all(_ACCOUNTS)),
        listings=frozenset(row[0] for row in tx.all(_LISTINGS)),
        chains={line: (epoch, length) for line, epoch, length in tx.all(_CHAINS) if length},
    )


def look_into(copy: Path) -> Copied:
    """Return what the database built from a copy has."""
    raw = sqlite3.connect(copy)
    try:

        def column(sql: str) -> tuple[bytes, ...]:
            return tuple(row[0] for row in raw.execute(sql))

        things = [(key, Missing(TRADE, made, who or "", other or "", text, amount, reference))
                  for key, made, who, other, text, amount, reference in raw.execute(_COPY_TRADES)]  # fmt: skip
        things += [(key, Missing(MEMBER, made, who, "", "", 0, None))
                   for key, made, who in raw.execute(_COPY_MEMBERS)]  # fmt: skip
        things += [(key, Missing(LISTING, made, who, "", decode_message(Listing, content).title, 0, None))
                   for key, made, who, content in raw.execute(_COPY_LISTINGS)]  # fmt: skip
        known = Known(
            boots=column("SELECT nonce FROM boot"),
            entries=column("SELECT id FROM entry ORDER BY seq"),
            accounts=frozenset(column("SELECT id FROM account")),
            listings=frozenset(column("SELECT item_key FROM listing")),
            chains={
                line: (epoch, length)
                for line, epoch, length in raw.execute("SELECT id, epoch, own_length FROM line")
            },
        )
        return Copied(known, things)
    finally:
        raw.close()


def goes_on(copy: Known, here: Known) -> bool:
    """Tell whether `copy` is this database and what was written to it later: nothing here would be lost.

    Whoever notes a start goes on from everything before it, so the last start noted here says it. That no chain we
    sign is shorter there is looked at besides: whatever else went wrong, such a copy would let us sign a fork (I15).
    """
    return (
        bool(here.boots)
        and set(here.boots) <= set(copy.boots)
        and copy.entries[: len(here.entries)] == here.entries
        and all(copy.chains.get(line, (0, 0)) >= chain for line, chain in here.chains.items())
    )


def note_missing(tx: Tx, copied: Copied, now_ms: int) -> int:
    """Unit: list what the copy has and this database has not, in place of an earlier list; return how much it is."""
    here = read_known(tx)
    # What a key recorded here too, a regular amount's turn for instance, is not to be entered again by hand.
    recorded = frozenset(row[0] for row in tx.all(_KEYS))
    held = {TRADE: recorded.union(here.entries), MEMBER: here.accounts, LISTING: here.listings}
    lacking = [each for key, each in copied.things if key not in held[each.kind]]
    drop_missing(tx)
    for each in lacking[-MISSING_MAX:]:
        tx.run(_NEW_MISSING, at_ms=now_ms, **each._asdict())
    return len(lacking)


def note_lost_listings(tx: Tx, wires: Sequence[bytes], now_ms: int) -> int:
    """Unit: list those of our own published listings that a neighbour holds and this database lacks. Source: 6.7 (i)."""
    here = frozenset(row[0] for row in tx.all(_LISTINGS))
    found = [trusted_message(Item, wire).body for wire in wires]
    lost = [each for each in found if each.kind == LISTING_KIND and each.payload and each.key not in here]
    listed = {(each.made_ms, each.text) for each in read_missing(tx, MISSING_MAX)}
    for item in lost:
        content = payload_of(item)
        if isinstance(content, Listing) and (item.created, content.title) not in listed:
            missing = Missing(LISTING, item.created, content.owner or "", "", content.title, 0, None)
            tx.run(_NEW_MISSING, at_ms=now_ms, **missing._asdict())
    return len(lost)


def drop_missing(tx: Tx) -> None:
    """Unit: forget the list: people have entered it again."""
    tx.run(_DROP_MISSING)


def count_missing(tx: ReadTx) -> int:
    """Return how much is listed."""
    return int(tx.scalar(_COUNT_MISSING))


def read_missing(tx: ReadTx, most: int) -> list[Missing]:
    """Return what is listed, the newest first."""
    return [Missing._make(row) for row in tx.all(_MISSING, most=most)]
