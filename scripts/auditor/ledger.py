"""The books of one export: the chain of entries, every balance recomputed, sums of zero. Rules 3.1, 3.2, 3.5, I1."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from crypto.canonical import NotCanonical, decode, encode
from crypto.digest import commitment, tagged
from scripts.auditor.files import Export, Findings, Record, open_wire, short
from scripts.auditor.identities import Identities

TAG: Final = "interlets/1/entry"
BOOK_TAG: Final = "interlets/1/entry-book"

Leg = tuple[bytes, str, int]


@dataclass
class Account:
    """An account as its entries make it."""

    kind: str
    unit: str
    role: str
    other: bytes | None
    credit_limit: int
    ceiling: int | None
    balance: int = 0
    closed: bool = False


@dataclass
class Ledger:
    """What the entries of an export add up to."""

    accounts: dict[bytes, Account] = field(default_factory=dict)
    legs: dict[int, tuple[Leg, ...]] = field(default_factory=dict)  # by seq of the entry
    by_id: dict[bytes, int] = field(default_factory=dict)
    corrected: set[int] = field(default_factory=set)

    def system(self, role: str, unit: str = "hours", other: bytes | None = None) -> int:
        """Return the balance of a system account; 0 where there is none."""
        return sum(
            each.balance
            for each in self.accounts.values()
            if (each.role, each.unit) == (role, unit) and (other is None or each.other == other)
        )


def audit_ledger(export: Export, identities: Identities, findings: Findings) -> Ledger:
    """Recompute the ledger of an export from its entries, and compare it with what the export says."""
    ledger = Ledger()
    _chain(export, identities, findings, ledger)
    _compare_accounts(export, findings, ledger)
    totals: Counter[str] = Counter()
    for account in ledger.accounts.values():
        totals[account.unit] += account.balance
    for unit, total in totals.items():
        if total:
            findings.add(f"{export.name}, all accounts", f"in {unit} they sum to {total}, not to zero (I1)")
    return ledger


def _chain(export: Export, identities: Identities, findings: Findings, ledger: Ledger) -> None:
    prev: bytes | None = None
    newest_key = 0
    expected = 0
    for record in export.of("entries"):
        where = f"{export.name}, entry {record.get('seq')}"
        try:
            opened = open_wire(record, TAG, 8)
            _tag, scheme, seq, own_prev, _time, kind, book_digest, _words = opened.body
            if scheme != export.scheme:
                findings.add(where, "it is another scheme's")
            if (text := _place(seq, expected, ledger, opened.id)) is not None:
                findings.add(where, text)
            elif own_prev != prev:
                findings.add(where, f"it follows another entry than the one before it, {short(prev or b'')}")
            if record.get("seq") != seq or record.get("id") != opened.id.hex():
                findings.add(where, f"what was signed is entry {seq}, {short(opened.id)}")
            key = identities.check(where, export.scheme, "ledger", opened)
            if key is not None and key.revoked is not None and newest_key > key.revoked:
                findings.add(where, "signed with a revoked key, after an entry that a later key signed")
            newest_key = max(newest_key, opened.key_seq)
            if opened.id in ledger.by_id:
                continue  # doubled, as was said; booked once
            if seq >= expected:
                expected, prev = seq + 1, opened.id
            ledger.by_id[opened.id] = seq
            _book(record, kind, book_digest, seq, export.scheme, ledger)
        except (ValueError, TypeError, KeyError, IndexError) as error:
            findings.add(where, str(error) or type(error).__name__)


def _place(seq: int, expected: int, ledger: Ledger, id_: bytes) -> str | None:
    if id_ in ledger.by_id:
        return "it is there twice"
    if seq > expected:
        missing = str(expected) if seq == expected + 1 else f"{expected} to {seq - 1}"
        return f"before it, {missing} is missing or stands elsewhere"
    if seq < expected:
        return f"it stands after entry {expected - 1}: out of order, or a second entry {seq}"
    return None


def _book(record: Record, kind: str, digest: bytes, seq: int, scheme: bytes, ledger: Ledger) -> None:
    """Book what an entry says. Raises ValueError with what is wrong."""
    data, salt = bytes.fromhex(record["book"]), bytes.fromhex(record["book_salt"])
    if commitment(BOOK_TAG, salt, data) != digest:
        raise ValueError("what it books is not what was signed: changed afterwards")
    try:
        book: Any = decode(data)
    except NotCanonical as error:
        raise ValueError(f"what it books cannot be read: {error}") from None
    if book[0] != kind:
        raise ValueError(f"signed as {kind}, it books a {book[0]}")
    match book:
        case ("posting", legs):
            _post(ledger, seq, legs)
        case ("correction", of, legs):
            _correct(ledger, seq, of, legs)
        case ("open", id_, account_kind, unit, credit_limit, ceiling, role, other):
            if id_ in ledger.accounts:
                raise ValueError(f"account {id_.hex()} is opened a second time")
            expected = tagged("interlets/1/system-account", encode((scheme, role, unit, other)))[:16]
            if role is not None and id_ != expected:
                raise ValueError(f"account {id_.hex()} is not the {role} account it says it is")
            ledger.accounts[id_] = Account(account_kind, unit, role or "", other, credit_limit, ceiling)
        case ("limits", id_, credit_limit, ceiling):
            account = _account(ledger, id_)
            account.credit_limit, account.ceiling = credit_limit, ceiling
        case ("close" | "reopen", id_):
            account = _account(ledger, id_)
            if account.closed == (kind == "close"):
                raise ValueError(f"account {id_.hex()} was so already")
            if kind == "close" and account.balance:
                raise ValueError(f"account {id_.hex()} is closed at {account.balance}")
            account.closed = kind == "close"
        case _:
            raise ValueError(f"it books a {book[0]}, which this auditor does not know")
    told = record.get("legs")
    if told is not None and told != [[leg[0].hex(), leg[1], leg[2]] for leg in book[-1]]:
        raise ValueError("the legs beside it are not those that were signed")


def _account(ledger: Ledger, id_: bytes) -> Account:
    account = ledger.accounts.get(id_)
    if account is None:
        raise ValueError(f"it names account {id_.hex()}, which no entry before it opens")
    return account


def _post(ledger: Ledger, seq: int, legs: tuple[Leg, ...]) -> None:
    sums: Counter[str] = Counter()
    for id_, unit, amount in legs:
        account = _account(ledger, id_)
        if account.unit != unit:
            raise ValueError(f"it moves {unit} on account {id_.hex()}, which is in {account.unit}")
        if account.closed:
            raise ValueError(f"it moves something on account {id_.hex()}, which is closed")
        account.balance += amount
        if account.role == "tokens" and account.balance < 0:
            raise ValueError(f"tokens would be worth {account.balance}, less than nothing (rule 3.9)")
        sums[unit] += amount
    ledger.legs[seq] = legs
    if any(sums.values()):
        raise ValueError(f"it sums to {dict(sums)}, not to zero (I1)")


def _correct(ledger: Ledger, seq: int, of: bytes, legs: tuple[Leg, ...]) -> None:
    mistaken = ledger.by_id.get(of)
    if mistaken is None or mistaken not in ledger.legs:
        raise ValueError(f"it corrects {short(of)}, which is no posting before it")
    if mistaken in ledger.corrected:
        raise ValueError(f"it corrects entry {mistaken} a second time")
    opposite = sorted((account, unit, -amount) for account, unit, amount in ledger.legs[mistaken])
    if sorted(legs) != opposite:
        raise ValueError(f"it is not the opposite of entry {mistaken}")
    ledger.corrected.add(mistaken)
    _post(ledger, seq, legs)


def _compare_accounts(export: Export, findings: Findings, ledger: Ledger) -> None:
    told: dict[str, Record] = {}
    for record in export.of("accounts"):
        name = str(record.get("account"))
        if name in told:
            findings.add(f"{export.name}, account {name}", "it is there twice")
        told[name] = record
    known = {id_.hex(): account for id_, account in ledger.accounts.items()}
    for missing in sorted(known.keys() - told.keys()):
        findings.add(f"{export.name}, account {missing}", "entries open it, the list of accounts lacks it")
    for name, record in told.items():
        where = f"{export.name}, account {name}"
        account = known.get(name)
        if account is None:
            findings.add(where, "no entry opens it")
            continue
        if record.get("balance") != account.balance:
            findings.add(
                where, f"it is said to be at {record.get('balance')}, its entries make {account.balance}"
            )
        for field_name in ("kind", "unit", "role", "credit_limit", "ceiling", "closed"):
            if record.get(field_name) != getattr(account, field_name):
                findings.add(
                    where,
                    f"{field_name} is said to be {record.get(field_name)}, its entries say {getattr(account, field_name)}",
                )
