"""Books against lines, inside one export: what the lines moved is booked, once, and what is set aside has a lock.

Rules 3.2, 3.3, 7.2; I5, I6, I8.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from scripts.auditor.files import Export, Findings, Record, short
from scripts.auditor.ledger import Ledger
from scripts.auditor.lines import Line
from scripts.auditor.views import Op

STATES = {"paid": "CLAIM", "failed": "RELEASE", "locked": None, "frozen": None}


def audit_payments(export: Export, ledger: Ledger, lines: dict[bytes, Line], findings: Findings) -> None:
    """Compare the books of an export with its lines."""
    _line_accounts(export, ledger, lines, findings)
    _holds(export, findings)
    known: set[tuple[bytes, int]] = set()  # (line, seq) of own locks that a payment stands behind
    entries: Counter[int] = Counter()
    for record in export.of("payments"):
        where = f"{export.name}, payment {str(record.get('quote'))[:12]} as {record.get('as')}"
        try:
            line = lines[bytes.fromhex(record["line"])]
            if record["as"] == "payer":
                known.add((line.id, record["lock"]))
            lock = _lock_of(record, line)
            if lock is None or lock.step[1].hex() != record["quote"]:
                findings.add(where, "there is no lock of this quote where it says (I6)")
                continue
            if line.sound:
                _payment(record, line, lock, where, findings)
            if record.get("entry") is not None:
                entries[record["entry"]] += 1
                _entry(record, line, lock, ledger, where, findings)
        except (ValueError, TypeError, KeyError) as error:
            findings.add(where, f"it cannot be followed: {error!r}")
    _booked_once(export, ledger, entries, findings)
    if all(line.sound for line in lines.values()):
        _connector(export, lines, known, findings)


def _line_accounts(export: Export, ledger: Ledger, lines: dict[bytes, Line], findings: Findings) -> None:
    lost = -ledger.system("write-off")  # owed still, and booked as lost (rule 6.6)
    for peer in sorted({line.peer for line in lines.values()}):
        with_peer = [line for line in lines.values() if line.peer == peer]
        if not all(line.sound for line in with_peer):
            continue
        owed = sum(line.view.owed(line.me) for line in with_peer)
        booked = ledger.system("line", other=peer)
        if 0 < booked - owed <= lost:
            lost -= booked - owed
        elif owed != booked:
            findings.add(
                f"{export.name}, account of the line with {short(peer)}",
                f"the entries make {booked}, the ops of the line make {owed} (I8)",
            )


def _holds(export: Export, findings: Findings) -> None:
    held: Counter[str] = Counter()
    for record in export.of("payments"):
        if record.get("held_in") is not None:
            held[str(record["held_in"])] += int(record["amount"])
    for record in export.of("accounts"):
        name = str(record.get("account"))
        deposits = record.get("deposits", 0)  # for what is lent: no line knows of it (rule 7.8)
        if type(deposits) is not int or deposits < 0 or record.get("held") != held.pop(name, 0) + deposits:
            findings.add(
                f"{export.name}, account {name}",
                f"{record.get('held')} are set aside, payments under way say otherwise",
            )
    for name in held:
        findings.add(
            f"{export.name}, account {name}", "a payment holds something on it, and there is no such account"
        )


def _lock_of(record: Record, line: Line) -> Op | None:
    """Return the lock of a payment: of our own chain as payer, as payee the one that our CLAIM names."""
    if record["as"] == "payer":
        return line.lock(line.me, record["lock"])
    claim = line.op(line.me, record["claim"])
    return None if claim is None or claim.kind != "CLAIM" else line.lock(1 - line.me, claim.step[1])


def _payment(record: Record, line: Line, lock: Op, where: str, findings: Findings) -> None:
    side = line.me if record["as"] == "payer" else 1 - line.me
    if record["as"] == "payer" and lock.step[4] != record["hours"]:
        findings.add(where, f"it is for {record['hours']}, its lock for {lock.step[4]}")
    end = line.end_of(side, lock.seq)
    ended = None if end is None else end.kind
    if record["state"] not in STATES or STATES[record["state"]] != ended:
        findings.add(where, f"it is said to be {record['state']}, its lock has the end {ended} (I6)")
    elif (record.get("entry") is not None) != (ended == "CLAIM"):
        findings.add(where, f"it is {record['state']}, and names the entry {record.get('entry')} (I6)")


def _entry(record: Record, line: Line, lock: Op, ledger: Ledger, where: str, findings: Findings) -> None:
    """See that the entry of a payment moves what its lock says."""
    legs = ledger.legs.get(record["entry"])
    if legs is None:
        findings.add(where, f"its entry {record['entry']} is no posting")
        return
    hours = sum(
        amount
        for id_, _unit, amount in legs
        if (account := ledger.accounts[id_]).role == "line" and account.other == line.peer
    )
    expected = lock.step[4] * (1 if record["as"] == "payer" else -1)
    if hours != expected:
        findings.add(
            where, f"its entry {record['entry']} moves {hours} on the line, its lock {expected} (I6)"
        )
    if record["as"] == "payer" and -record["amount"] not in [
        amount for _id, unit, amount in legs if unit != "hours"
    ]:
        findings.add(
            where, f"its entry {record['entry']} does not take {record['amount']} from the member (I6)"
        )
    if record["as"] == "payee" and bytes.fromhex(record["account"]) not in [id_ for id_, *_ in legs]:
        findings.add(where, f"its entry {record['entry']} credits somebody else (I6)")


def _booked_once(export: Export, ledger: Ledger, entries: Counter[int], findings: Findings) -> None:
    for seq, count in entries.items():
        if count > 1:
            findings.add(f"{export.name}, entry {seq}", f"{count} payments say it is theirs (I6)")
    for seq, legs in ledger.legs.items():
        roles = {ledger.accounts[id_].role for id_, *_ in legs if id_ in ledger.accounts}
        if {"line", "exchange"} <= roles and not entries[seq]:
            findings.add(
                f"{export.name}, entry {seq}",
                "it moves hours on a line, and no payment says it is its own (I6)",
            )


def _connector(
    export: Export, lines: dict[bytes, Line], known: set[tuple[bytes, int]], findings: Findings
) -> None:
    """I5, and that every own lock belongs to a payment or to a lock that came in. Rule 7.3.

    Where a line went on in a later epoch, people settled what both sides had lost of it (6.8): then it is only noted.
    """
    say = findings.note if any(max(line.epochs, default=0) for line in lines.values()) else findings.add
    came: dict[tuple[bytes, tuple[Any, ...]], list[tuple[Line, int]]] = {}
    for line in lines.values():
        for op in line.theirs:
            if op.kind == "LOCK" and op.step[8]:
                came.setdefault((op.step[1], op.step[8][1:]), []).append((line, op.seq))
    for line in lines.values():
        for op in line.mine:
            if op.kind != "LOCK" or (line.id, op.seq) in known:
                continue
            where = f"{export.name}, line {short(line.id)}, lock {op.seq}"
            inward = came.get((op.step[1], op.step[8]), [])
            if not inward:
                say(where, "no payment and no lock that came in stands behind it")
                continue
            out = line.end_of(line.me, op.seq)
            ends = [up.end_of(1 - up.me, seq) for up, seq in inward]
            if all(end is not None and end.kind == "RELEASE" for end in ends) and (
                out is None or out.kind != "RELEASE"
            ):
                say(where, "the lock that came in was released, this one was not (I5)")
