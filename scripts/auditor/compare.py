"""Exports of several schemes against each other: the same chains at both ends, the same payments, one sum. Rules 6.5, I2, I6, I9."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

from scripts.auditor.files import Export, Findings, short
from scripts.auditor.ledger import Ledger
from scripts.auditor.lines import Line

# What one side holds may be behind the other: exports are not made at one moment.
LATER: Final = "the exports are of different moments, or that side lost them"


@dataclass(frozen=True)
class Audited:
    """One export with what was recomputed from it."""

    export: Export
    ledger: Ledger
    lines: dict[bytes, Line]

    @property
    def net(self) -> int:
        """What this scheme owes to all others together, by its lines alone, in 3 600 000ths of an hour."""
        return sum(line.view.owed(line.me) for line in self.lines.values())


def compare(audited: list[Audited], findings: Findings, at_rest: bool) -> None:
    """Compare exports pairwise and all together; `at_rest`: nothing may be under way any more."""
    for first, second in combinations(audited, 2):
        if first.export.scheme == second.export.scheme:
            findings.add(
                f"{first.export.name} and {second.export.name}", "two exports of one scheme; give one"
            )
            return
        for id_ in sorted(first.lines.keys() & second.lines.keys()):
            _line(first, second, id_, findings, at_rest)
    for each in audited:
        if each.lines and all(line.sound for line in each.lines.values()):
            _net(each, findings)
        if at_rest:
            _rest(each, findings)
    if at_rest:
        _paid(audited, findings)


def _line(first: Audited, second: Audited, id_: bytes, findings: Findings, at_rest: bool) -> None:
    ours, theirs = first.lines[id_], second.lines[id_]
    where = f"{first.export.name} and {second.export.name}, line {short(id_)}"
    same = True
    for side in (0, 1):
        author = first.export.name if side == ours.me else second.export.name
        a, b = ours.chains[side], theirs.chains[side]
        for here, there in zip(a, b, strict=False):
            if here.id != there.id:
                # Each signature was verified where the chain was read, so both are the author's own words.
                findings.add(
                    where,
                    f"op {here.seq} of {author} is {short(here.id)} in {first.export.name} and {short(there.id)} in"
                    f" {second.export.name}; if both are signed, {author} signed both, and that settles it",
                )
                return
        if len(a) != len(b):
            same = False
            lacking = first.export.name if len(a) < len(b) else second.export.name
            text = f"{lacking} lacks {abs(len(a) - len(b))} ops of {author}: {LATER}"
            findings.add(where, text) if at_rest else findings.note(where, text)
    if not (same and ours.sound and theirs.sound):
        return
    if ours.view.owed(ours.me) != -theirs.view.owed(theirs.me) or ours.view.digest() != theirs.view.digest():
        findings.add(where, "the same chains make other balances at both ends")


def _net(each: Audited, findings: Findings) -> None:
    """The lines together against the books: every hour on a line came from or went to `exchange` or stays in between."""
    others = sum(
        account.balance
        for account in each.ledger.accounts.values()
        if account.unit == "hours" and account.role != "line"
    )
    if each.net != -others:
        findings.add(
            f"{each.export.name}, net position",
            f"its lines make {each.net}, its other accounts in hours make {-others}",
        )


def _rest(each: Audited, findings: Findings) -> None:
    name = each.export.name
    for line in each.lines.values():
        for side, seq in sorted(line.view.locks):
            author = "own" if side == line.me else "the other side's"
            findings.add(f"{name}, line {short(line.id)}", f"{author} lock {seq} is still open (I17)")
    for record in each.export.of("accounts"):
        if record.get("held") and record["held"] != record.get("deposits", 0):
            findings.add(
                f"{name}, account {record.get('account')}", f"{record['held']} are still set aside (I8)"
            )
    for record in each.export.of("lines"):
        if record.get("decided"):
            findings.add(
                f"{name}, line {str(record.get('line'))[:12]}", "ends were decided and never written (I8)"
            )
    if transit := each.ledger.system("transit"):
        findings.add(f"{name}, transit", f"{transit} are between two lines (I8)")


def _paid(audited: list[Audited], findings: Findings) -> None:
    """I6: what a payer was debited, its payee was credited, once; where the payee's export is here."""
    paid: dict[str, str] = {}
    credited: dict[str, list[str]] = {}
    for each in audited:
        for record in each.export.of("payments"):
            if record.get("as") == "payee":
                credited.setdefault(str(record.get("quote")), []).append(each.export.name)
            elif record.get("state") == "paid":
                paid[str(record.get("quote"))] = each.export.name
    for quote, where in credited.items():
        if len(where) > 1:
            findings.add(f"payment {quote[:12]}", f"credited in {' and '.join(where)} (I6)")
    complete = _complete(audited)
    # What both sides of a line lost, and people settled (6.8), was credited or debited at one end only.
    settled = any(max(line.epochs, default=0) for each in audited for line in each.lines.values())
    say = findings.note if settled else findings.add
    for quote in sorted(paid.keys() ^ credited.keys()) if complete else ():
        text = (
            f"debited in {paid[quote]} and credited nowhere"
            if quote in paid
            else f"credited in {credited[quote][0]} and debited nowhere"
        )
        say(f"payment {quote[:12]}", f"{text} (I6)")


def _complete(audited: list[Audited]) -> bool:
    """Tell whether every scheme that any of them has a line with is here too."""
    here = {each.export.scheme for each in audited}
    return all(line.peer in here for each in audited for line in each.lines.values())
