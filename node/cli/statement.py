"""`interlets peer statement` and `interlets peer compare`: a line as a file, and two such files side by side.

Comparing needs no node and no network, only the two files. Source: docs/statement.md, docs/protocol.md 6.3 (MARK).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from node.cli.answers import ask_node, json_option, plainly, show

if TYPE_CHECKING:
    from protocol.names import SchemeId
    from protocol.statement import Comparison, Difference, Statement

# A line of a busy pair for a century; and the longest record: one signed object in hexadecimal, and its names.
FILE_BYTES_MAX: Final = 1024 * 1024 * 1024
RECORD_BYTES_MAX: Final = 64 * 1024


@click.command("statement")
@click.argument("scheme")
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to this file instead of SCHEME.jsonl.",
)
@json_option
@click.pass_context
@plainly
def statement(context: click.Context, as_json: bool, scheme: str, save: Path | None) -> None:
    """Write both chains of the line with SCHEME (its name, or lets1…) into a file that its organiser can compare."""
    file = save or Path("".join(sign if sign.isalnum() else "-" for sign in scheme) + ".jsonl")
    # The running node may have been started somewhere else.
    answer = ask_node(context, "peer-statement", scheme=scheme, file=str(file.absolute()))
    show(
        answer,
        as_json,
        f"{answer['own']} steps of ours and {answer['peer']} of theirs are in {answer['file']}.",
        "To compare: “interlets peer compare OURS THEIRS”, with theirs made by the same command.",
    )


@click.command("compare")
@click.argument("ours", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("theirs", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@click.pass_context
@plainly
def compare(context: click.Context, as_json: bool, ours: Path, theirs: Path) -> None:
    """Find the first step at which OURS and THEIRS differ, and whose signature settles it. Ends with 1 if they differ."""
    from node.cli.admin import CannotDo
    from protocol.errors import ProtocolError
    from protocol.statement import compare as compared

    one, other = read_statement(ours), read_statement(theirs)
    try:
        found = compared(one, other)
    except ProtocolError as error:
        raise CannotDo(f"these cannot be compared: {error}") from None
    names = {**other.names, **one.names}
    show(_as_json(found), as_json, *_said(found, names, {"ours": ours.name, "theirs": theirs.name}))
    context.exit(1 if found.differences else 0)


# --- Reading ----------------------------------------------------------------------------------------------------


def read_statement(file: Path) -> Statement:
    """Return what a file holds, believing none of it. Raises CannotDo."""
    from node.cli.admin import CannotDo

    if file.stat().st_size > FILE_BYTES_MAX:
        raise CannotDo(f"{file.name} is longer than a statement can be")
    try:
        with file.open("rb") as lines:
            return _read(iter(lambda: lines.readline(RECORD_BYTES_MAX), b""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CannotDo(f"{file.name} is no statement, or was cut or changed: see docs/statement.md") from None


def _read(lines: Any) -> Statement:
    from node.services.statements import FORMAT, FORMAT_VERSION
    from protocol.line_ops import Terms, before_epoch
    from protocol.names import SchemeId
    from protocol.statement import Statement

    head = json.loads(next(lines, b""))
    if (head["format"], head["version"]) != (FORMAT, FORMAT_VERSION):
        raise ValueError("another format")
    terms = Terms(
        low=SchemeId(bytes.fromhex(head["low"])),
        high=SchemeId(bytes.fromhex(head["high"])),
        nonce=bytes.fromhex(head["nonce"]),
    )
    ends, epoch = (terms.low, terms.high), int(head["epoch"])
    found: dict[str, dict[SchemeId, list[bytes]]] = {
        kind: {scheme: [] for scheme in ends} for kind in ("identity", "author")
    }
    for line in lines:
        record = json.loads(line)
        kind = "identity" if "identity" in record else "author"
        of = found[kind][SchemeId(bytes.fromhex(record[kind]))]
        first = before_epoch(epoch) + 1 if kind == "author" else 0
        if record["seq"] != first + len(of):
            raise ValueError("a record is missing")
        of.append(bytes.fromhex(record["wire"]))
    return Statement(
        terms=terms,
        epoch=epoch,
        by=SchemeId(bytes.fromhex(head["by"])),
        identities=found["identity"],
        chains=found["author"],
        names={SchemeId(bytes.fromhex(key)): str(name)[:80] for key, name in head.get("names", {}).items()},
    )


# --- Saying -----------------------------------------------------------------------------------------------------


def _as_json(found: Comparison) -> dict[str, Any]:
    from protocol.names import scheme_text

    view = found.view
    return {
        "line": found.line.hex(),
        "agree": not found.differences,
        "owed_by_low": None if view is None else view.owed_by_low,
        "lengths": {scheme_text(scheme): length for scheme, length in found.lengths.items()},
        "differences": [
            {
                "author": scheme_text(each.author), "seq": each.seq, "what": each.what.value,
                "settled_by": None if each.good is None else scheme_text(each.author),
                "ours": None if each.ours is None else each.ours.body.step.TAG,
                "theirs": None if each.theirs is None else each.theirs.body.step.TAG,
            }
            for each in found.differences
        ],
    }  # fmt: skip


def _said(found: Comparison, names: dict[SchemeId, str], files: dict[str, str]) -> tuple[str, ...]:
    from protocol.names import scheme_text
    from protocol.units import HOUR

    def name(scheme: SchemeId) -> str:
        return names.get(scheme) or scheme_text(scheme)

    if not found.differences:
        lengths = " and ".join(
            f"{length} steps of {name(scheme)}" for scheme, length in found.lengths.items()
        )
        if found.view is None:
            return (
                f"Both files hold the same {lengths}, and these make no line: one of them breaks a rule.",
            )
        owed, (low, high) = found.view.owed_by_low, tuple(found.lengths)
        debtor, creditor = (low, high) if owed > 0 else (high, low)
        stands = (
            f"{name(debtor)} owes {name(creditor)} {abs(owed) / HOUR:.4f} hours"
            if owed
            else "nobody owes anything"
        )
        return (f"Both files hold the same {lengths}: {stands}.",)
    said = []
    for number, each in enumerate(found.differences):
        said += [*([""] if number else []), *_difference(each, name(each.author), files)]
    return tuple(said)


def _difference(each: Difference, author: str, files: dict[str, str]) -> tuple[str, ...]:
    from protocol.line_ops import before_epoch, epoch_of
    from protocol.statement import GOOD_COPY, WhatDiffers

    epoch = epoch_of(each.seq)
    place = f"Step {each.seq - before_epoch(epoch)} of {author}"
    signed = each.good
    if signed is not None:
        good = GOOD_COPY[each.what]
        bad = "ours" if good == "theirs" else "theirs"
        when = datetime.fromtimestamp(signed.body.time / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        stands = f"{place}, a {signed.body.step.TAG} of {when}, stands in {files[good]} ({good})"
        how = (
            f" and is missing in {files[bad]} ({bad}), which ends before it"
            if each.what in (WhatDiffers.MISSING_IN_OURS, WhatDiffers.MISSING_IN_THEIRS)
            else f"; what {files[bad]} ({bad}) has there was not signed by {author}"
        )
        return (
            f"{stands}{how}.",
            f"{author}’s own signature settles it: the step counts, and {good} has the right copy.",
        )
    if each.what is WhatDiffers.TWO_OPS:
        return (
            f"{place}: the files hold two different steps, and {author} signed both.",
            f"No signature settles it: {author} contradicted itself. Keep both files; they prove it.",
        )
    return (
        f"{place}: neither file has what {author} signed.",
        "No signature settles it: ask for a new statement from both nodes.",
    )
