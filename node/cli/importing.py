"""`interlets import`: look at a file of another program, bring it in, take it back. Source: docs/pages.md 6.8, 7.4."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from node.app import Node
from node.cli.admin import CannotDo
from node.importing.layouts import Layout
from node.importing.rows import FILE_BYTES_MAX, Unusable
from node.services.acts import OPERATOR
from node.services.import_rows import Remainder
from node.services.imports import CannotImport
from node.web.pages.import_words import cannot_words, fault_words
from node.web.words import words_for

WORDS: Final = "en"  # of the command line


async def import_file(
    node: Node, *, file: str, layout: str, remainder: str = "refuse", bring_in: bool = False
) -> dict[str, Any]:
    """Look at a file, or bring it in; every line that is left out is named."""
    words = words_for(WORDS)
    try:
        data = await node.offload(_read, Path(file))
    except OSError as error:
        raise CannotDo(f"the file cannot be read: {error}") from None
    kind = Layout(layout)
    try:
        reading = await node.offload(node.imports.read, kind, data)
    except Unusable as unusable:
        raise CannotDo(f"line {unusable.fault.line}: {fault_words(unusable.fault, words)}") from None
    plan = await node.store.read(node.imports.plan_in, reading)
    told = {
        "members": len(plan.people), "listings": len(plan.listings), "trades": len(plan.trades), "total": plan.total,
        "left_out": [{"line": fault.line, "why": fault_words(fault, words)} for fault in plan.faults],
        "beyond_limits": list(plan.beyond), "outside": list(plan.outside), "brought_in": None,
        "differences": [
            {"member": each.member.number, "name": each.member.name, "opening": each.opening, "trades": each.trades}
            for each in plan.differences
        ],
    }  # fmt: skip
    if not bring_in:
        return told
    no = await node.imports.look(OPERATOR, kind, data)
    try:
        run = await node.imports.bring_in(OPERATOR, no, Remainder(remainder), plan.mark)
    except CannotImport as cannot:
        raise CannotDo(cannot_words(cannot.why, cannot.names, words)) from None
    return {**told, "brought_in": run.no}


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(FILE_BYTES_MAX + 1)


async def import_undo(node: Node, *, no: int) -> dict[str, Any]:
    """Take everything back that a file brought in, within a day."""
    try:
        await node.imports.undo(OPERATOR, no)
    except LookupError:
        raise CannotDo(f"there is no import {no}") from None
    except CannotImport as cannot:
        raise CannotDo(cannot_words(cannot.why, cannot.names, words_for(WORDS))) from None
    return {"undone": no}
