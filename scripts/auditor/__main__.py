"""Recompute everything from exported files alone, and say in plain words what is wrong: `scripts/audit`. Rule I19."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from scripts.auditor.compare import Audited, compare
from scripts.auditor.files import Export, Findings, Unreadable, read_export
from scripts.auditor.identities import Identities
from scripts.auditor.ledger import audit_ledger
from scripts.auditor.lines import audit_lines
from scripts.auditor.payments import audit_payments

HOUR: Final = 3_600_000
RIGHT, WRONG, UNREADABLE = 0, 1, 2


def audit(folders: list[Path], at_rest: bool) -> tuple[list[Audited], Findings]:
    """Return what was recomputed from these exports, and what is wrong with them. Raises Unreadable."""
    findings = Findings()
    exports = [read_export(folder, findings) for folder in folders]
    identities = Identities(exports, findings)
    audited = [_one(export, identities, findings) for export in exports]
    compare(audited, findings, at_rest)
    return audited, findings


def _one(export: Export, identities: Identities, findings: Findings) -> Audited:
    ledger = audit_ledger(export, identities, findings)
    lines = audit_lines(export, identities, findings)
    audit_payments(export, ledger, lines, findings)
    return Audited(export, ledger, lines)


def main() -> int:
    """Run the audit that the command line asks for; return 0 if all is right, 1 if something is wrong."""
    parser = argparse.ArgumentParser(
        prog="scripts/audit",
        description="Recompute balances, lines and net positions from exports (interlets ledger export).",
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="EXPORT_DIR")
    parser.add_argument(
        "--at-rest",
        action="store_true",
        help="nothing is under way: open locks and missing ops are wrong too",
    )
    asked = parser.parse_args()
    try:
        audited, findings = audit(asked.folders, asked.at_rest)
    except Unreadable as error:
        print(f"audit: {error}", file=sys.stderr)
        return UNREADABLE
    for each in audited:
        _tell(each)
    for note in findings.notes:
        print(f"  · {note}")
    for wrong in findings.wrong:
        print(f"  ✗ {wrong}")
    if findings.wrong:
        print(f"{len(findings.wrong)} things are wrong.")
        return WRONG
    print("Everything was recomputed, and all of it is right.")
    return RIGHT


def _tell(each: Audited) -> None:
    print(
        f"{each.export.name}: {len(each.export.of('entries'))} entries, {len(each.ledger.accounts)} accounts,"
        f" {len(each.lines)} lines with {len(each.export.of('ops'))} ops; net position {_hours(-each.net)}"
    )


def _hours(parts: int) -> str:
    sign, parts = ("−" if parts < 0 else ""), abs(parts)
    return f"{sign}{parts // HOUR} h {parts % HOUR * 60 // HOUR:02} min"


if __name__ == "__main__":
    sys.exit(main())
