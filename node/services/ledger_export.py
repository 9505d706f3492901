"""The books and lines of this scheme as files that anybody can recompute: docs/export.md is their format.

No names and no texts go out: an entry's erasable half stays behind its commitment. All of it is one state of the
database. Source: docs/protocol.md 3.1, 11 (I19).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from sqlalchemy import bindparam, select

from node.services.accounts import all_accounts
from node.services.deposit_rows import deposits_held
from node.services.line_rows import Line, read_lines
from node.store import ReadTx
from node.store.schema import books as books_schema
from node.store.schema import identity as identity_schema
from node.store.schema import lines as lines_schema
from node.store.schema import payments as payments_schema
from protocol.entry import Corrected, Entry, Payload, Posted, open_book
from protocol.ledger import SystemRole
from protocol.message import trusted_message
from protocol.names import SchemeId, scheme_text
from protocol.payment import PayerState

FORMAT: Final = "interlets-export"
FORMAT_VERSION: Final = 1
MANIFEST: Final = "manifest.json"
POSTINGS_CSV: Final = "postings.csv"
ACCOUNTS_CSV: Final = "accounts.csv"
_POSTING_COLUMNS: Final = ("seq", "time", "kind", "account", "unit", "amount")
_ACCOUNT_COLUMNS: Final = (
    "account", "kind", "unit", "role", "balance", "held", "deposits", "credit_limit", "ceiling", "closed",
)  # fmt: skip
# Rows read at a time: a ledger of many years does not fit into the memory of a small machine.
ROWS_AT_A_TIME: Final = 500

Record: TypeAlias = dict[str, Any]

_E: Final = books_schema.entry.c
_ENTRIES_AFTER: Final = (
    select(_E.seq, _E.id, _E.wire, _E.book, _E.book_salt)
    .where(_E.seq > bindparam("after"))
    .order_by(_E.seq)
    .limit(ROWS_AT_A_TIME)
)
_EVENTS: Final = (
    select(identity_schema.identity_event.c.seq, identity_schema.identity_event.c.wire)
    .where(identity_schema.identity_event.c.scheme == bindparam("scheme"))
    .order_by(identity_schema.identity_event.c.seq)
)
_P: Final = payments_schema.payment.c
_T: Final = books_schema.trade.c
_PAYMENTS: Final = (
    select(_P.quote_id, _P.state, _P.line_no, _P.lock_seq, _P.account_no, _P.amount, _P.hours, _T.entry_seq)
    .join(books_schema.trade, _T.no == _P.trade_no)
    .order_by(_P.no)
)
_Q: Final = payments_schema.promise.c
_PROMISES: Final = (
    select(_Q.quote_id, _Q.account_no, _Q.line_no, _Q.lock_seq, _T.entry_seq)
    .join(books_schema.trade, _T.no == _Q.trade_no)
    .where(_Q.state == "paid")
    .order_by(_Q.quote_id)
)
_DECISIONS: Final = select(
    lines_schema.decision.c.line_no, lines_schema.decision.c.lock_seq, lines_schema.decision.c.receipt
)
_O: Final = lines_schema.op.c
_OPS_AFTER: Final = (
    select(_O.seq, _O.wire)
    .where(
        _O.line_no == bindparam("line_no"),
        _O.mine == bindparam("mine"),
        _O.epoch == bindparam("epoch"),
        _O.seq > bindparam("after"),
    )
    .order_by(_O.seq)
    .limit(ROWS_AT_A_TIME)
)
_LOCKED: Final = PayerState.LOCKED.value
_FROZEN: Final = PayerState.FROZEN.value


class FolderInUse(Exception):
    """Exports are written into a folder of their own, new or empty."""


def make_folder(folder: Path) -> None:
    """Make the folder of an export, or take an empty one. Raises FolderInUse, OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(folder.iterdir()):
        raise FolderInUse(f"there is something in {folder} already; name a new folder")


def write_export(tx: ReadTx, scheme: SchemeId, folder: Path, now_ms: int) -> dict[str, int]:
    """Write every file of an export into `folder`; return how many records each has. A query. Raises OSError."""
    lines = read_lines(tx, scheme)
    files: Mapping[str, Iterator[Record]] = {
        "identities.jsonl": _identities(tx, scheme, lines),
        "entries.jsonl": _entries(tx),
        "accounts.jsonl": _accounts(tx),
        "lines.jsonl": _lines(tx, lines),
        "ops.jsonl": _ops(tx, lines, scheme),
        "payments.jsonl": _payments(tx, lines),
    }
    counts = {name: _write(folder / name, records) for name, records in files.items()}
    counts[POSTINGS_CSV] = _write_csv(folder / POSTINGS_CSV, _POSTING_COLUMNS, _movements(tx))
    counts[ACCOUNTS_CSV] = _write_csv(folder / ACCOUNTS_CSV, _ACCOUNT_COLUMNS, _accounts(tx))
    # Last, so that an export that was broken off is none.
    manifest = {
        "format": FORMAT, "version": FORMAT_VERSION, "scheme": scheme.hex(), "name": scheme_text(scheme),
        "made_ms": now_ms, "records": counts,
    }  # fmt: skip
    _write(folder / MANIFEST, iter((manifest,)))
    return counts


def _write(path: Path, records: Iterator[Record]) -> int:
    count = 0
    with path.open("x", encoding="ascii") as file:
        for record in records:
            file.write(json.dumps(record, separators=(",", ":")) + "\n")
            count += 1
    return count


def _write_csv(path: Path, columns: tuple[str, ...], records: Iterator[Record]) -> int:
    """Write the same once more as a table for a spreadsheet: hexadecimal, numbers and words of ours, so no formulas."""
    count = 0
    with path.open("x", encoding="ascii", newline="") as file:
        table = csv.writer(file)
        table.writerow(columns)
        for record in records:
            table.writerow([record[column] for column in columns])
            count += 1
    return count


def _movements(tx: ReadTx) -> Iterator[Record]:
    for entry in _entries(tx):
        for account, unit, amount in entry.get("legs", ()):
            yield {**entry, "account": account, "unit": unit, "amount": amount}


def _identities(tx: ReadTx, scheme: SchemeId, lines: list[Line]) -> Iterator[Record]:
    for each in sorted({scheme, *(line.peer for line in lines)}):
        for seq, wire in tx.all(_EVENTS, scheme=each):
            yield {"scheme": each.hex(), "seq": seq, "wire": wire.hex()}


def _entries(tx: ReadTx) -> Iterator[Record]:
    after = -1
    while rows := tx.all(_ENTRIES_AFTER, after=after):
        for seq, id_, wire, data, salt in rows:
            entry = trusted_message(Entry, wire).body
            book = open_book(entry, Payload(salt=salt, data=data))
            record = {
                "seq": seq, "id": id_.hex(), "time": entry.time, "kind": entry.kind, "wire": wire.hex(),
                "book": data.hex(), "book_salt": salt.hex(),
            }  # fmt: skip
            match book:
                case Posted() | Corrected():
                    record["legs"] = [[leg.account.hex(), leg.unit, leg.amount] for leg in book.legs]
                case _:
                    record["account"] = book.account.hex()
            yield record
            after = seq


def _accounts(tx: ReadTx) -> Iterator[Record]:
    deposits = deposits_held(tx)
    for held, role in all_accounts(tx):
        value = held.value
        yield {
            "account": value.account_id.hex(), "kind": value.kind.value, "unit": value.unit, "role": role,
            "balance": value.balance, "held": value.held, "deposits": deposits[held.no], "credit_limit": value.credit_limit, "ceiling": value.ceiling,
            "closed": value.closed,
        }  # fmt: skip


def _lines(tx: ReadTx, lines: list[Line]) -> Iterator[Record]:
    decided: dict[object, list[Record]] = {}
    for line_no, lock_seq, receipt in tx.all(_DECISIONS):
        decided.setdefault(line_no, []).append(
            {"lock": lock_seq, "end": "RELEASE" if receipt is None else "CLAIM"}
        )
    for line in lines:
        state = line.state
        yield {
            "line": state.line.hex(), "peer": line.peer.hex(), "low": state.low.hex(), "high": state.high.hex(),
            "nonce": line.nonce.hex(), "status": line.status, "epoch": state.epoch, "own_length": state.own_length,
            "peer_length": state.peer_length, "we_owe": state.owed,
            "open_locks": [
                {"author": state.scheme(side).hex(), "lock": seq, "amount": amount}
                for (side, seq), amount in sorted(state.mine.locks().items())
            ],
            "decided": decided.get(line.no, []),
        }  # fmt: skip


def _ops(tx: ReadTx, lines: list[Line], scheme: SchemeId) -> Iterator[Record]:
    for line in lines:
        for mine, author in ((1, scheme), (0, line.peer)):
            for epoch in range(line.state.epoch + 1):
                after = 0
                while rows := tx.all(_OPS_AFTER, line_no=line.no, mine=mine, epoch=epoch, after=after):
                    for seq, wire in rows:
                        yield {
                            "line": line.state.line.hex(), "author": author.hex(), "epoch": epoch, "seq": seq,
                            "wire": wire.hex(),
                        }  # fmt: skip
                        after = seq


def _payments(tx: ReadTx, lines: list[Line]) -> Iterator[Record]:
    accounts = {held.no: held.value.account_id.hex() for held, _ in all_accounts(tx)}
    chest = next((accounts[held.no] for held, role in all_accounts(tx) if role == SystemRole.CHEST), "")
    ids = {line.no: line.state.line.hex() for line in lines}
    for quote, state, line_no, lock, account_no, amount, hours, entry in tx.all(_PAYMENTS):
        yield {
            "as": "payer", "quote": quote.hex(), "state": state, "line": ids[line_no], "lock": lock,
            "account": accounts[account_no], "amount": amount, "hours": hours, "entry": entry,
            # What two organisers took off a member's account waits in the community's (7.2).
            "held_in": {_LOCKED: accounts[account_no], _FROZEN: chest}.get(state),
        }  # fmt: skip
    for quote, account_no, line_no, claim, entry in tx.all(_PROMISES):
        yield {
            "as": "payee", "quote": quote.hex(), "state": "paid", "line": ids[line_no], "claim": claim,
            "account": accounts[account_no], "entry": entry,
        }  # fmt: skip
