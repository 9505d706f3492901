"""`interlets verify`: what a receipt proves, with nothing but the file. Source: docs/protocol.md 4.4."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from node.cli.answers import json_option, plainly


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@click.pass_context
@plainly
def verify(context: click.Context, as_json: bool, file: Path) -> None:
    """Check a receipt FILE, of any scheme: who wrote what, who vouches for it. Ends with 1 if it does not hold.

    Needs no node and no network, as scripts/verify does.
    """
    from protocol.limits import RECEIPT_BYTES_MAX
    from protocol.receipt_proof import Broken, verify_receipt
    from protocol.receipt_words import record_of, told

    with file.open("rb") as opened:
        data = opened.read(RECEIPT_BYTES_MAX + 1)
    found = verify_receipt(data)
    if as_json:
        click.echo(json.dumps(record_of(found), ensure_ascii=False))
    else:
        click.echo("\n".join(told(found, _moment)))
    context.exit(1 if isinstance(found, Broken) else 0)


def _moment(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
