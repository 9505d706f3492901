"""`interlets evidence`: what is kept against schemes, and the check of a file with nothing but the file. Source: docs/protocol.md 10."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from node.cli.answers import ask_node, json_option, plainly, show

if TYPE_CHECKING:
    from protocol.evidence import Finding

WHAT: Final[Mapping[str, str]] = {
    "two-ops": "It signed two different steps under one number of an account with another scheme.",
    "two-rotations": "It named two different new main keys at one time.",
    "two-items": "It signed two different versions of one notice under one number.",
    "two-heads": "It signed two different lists of everything it offers, both whole.",
    "two-checkpoints": "It signed two different logs of one length: it shows some people other books than others.",
    "bad-op": "It signed a step that its limit, the receipt or the sums do not allow.",
    "not-honoured": "It promised to pay, acknowledged the receipt, and did not count it.",
}


@click.group()
def evidence() -> None:
    """What proves that a scheme contradicted itself."""


@evidence.command("list")
@json_option
@click.pass_context
@plainly
def evidence_list(context: click.Context, as_json: bool) -> None:
    """List what is kept here, the newest first."""
    answer = ask_node(context, "evidence-list")
    lines = [
        f"{each['no']}  {each['scheme']}  {each['kind']}  {each['state']}" for each in answer["evidence"]
    ]
    show(answer, as_json, *(lines or ["No scheme we know has contradicted itself."]))


@evidence.command("show")
@click.argument("no", type=int)
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@json_option
@click.pass_context
@plainly
def evidence_show(context: click.Context, as_json: bool, no: int, save: Path | None) -> None:
    """Show the piece with this NO; whoever gets the saved file can check it without us."""
    from protocol.evidence import decode_evidence, verify

    answer = ask_node(context, "evidence-show", no=no)
    data = bytes.fromhex(answer["data"])
    if save is not None:
        save.write_bytes(data)
    shown = {key: value for key, value in answer.items() if key != "data"}
    show(shown, as_json, *_said(verify(decode_evidence(data))), f"Here: {answer['state']}.")


@evidence.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@plainly
def evidence_verify(as_json: bool, file: Path) -> None:
    """Check a FILE: what it proves, against whom. Needs no node and no network; ends with 1 if it proves nothing."""
    from node.cli.admin import CannotDo
    from protocol.errors import ProtocolError
    from protocol.evidence import decode_evidence, verify
    from protocol.limits import EVIDENCE_BYTES_MAX

    if file.stat().st_size > EVIDENCE_BYTES_MAX:
        raise CannotDo("the file is longer than evidence can be")
    try:
        found = verify(decode_evidence(file.read_bytes()))
    except ProtocolError as error:
        raise CannotDo(f"it proves nothing: {error}") from None
    if as_json:
        click.echo(json.dumps(_shown(found), ensure_ascii=False))
    else:
        click.echo("\n".join(_said(found)))


def _shown(found: Finding) -> dict[str, Any]:
    from protocol.names import scheme_text

    return {
        "scheme": scheme_text(found.accused), "kind": found.kind, "id": found.id.hex(), "excused": found.excused,
        "why": found.why, "times_ms": list(found.times),
    }  # fmt: skip


def _said(found: Finding) -> tuple[str, ...]:
    from protocol.names import scheme_text

    lines = [f"Scheme {scheme_text(found.accused)}", WHAT[found.kind], f"In detail: {found.why}."]
    if found.excused:
        lines.append(
            "It has shown that the other side had hidden that step from it: this proves nothing against it."
        )
    else:
        lines.append("The signatures are its own, by the keys its identity log names up to then.")
    return tuple(lines)
