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
    """Check a FILE of any scheme, a receipt or the sheet of a closed period: who wrote what, who vouches for it. Ends with 1 if it does not hold.

    Needs no node and no network, as scripts/verify does.
    """
    from protocol.limits import RECEIPT_BYTES_MAX
    from protocol.sheet_words import look_at

    with file.open("rb") as opened:
        data = opened.read(RECEIPT_BYTES_MAX + 1)
    found = look_at(data, moment)
    click.echo(json.dumps(found.record, ensure_ascii=False) if as_json else "\n".join(found.lines))
    context.exit(0 if found.holds else 1)


def moment(time_ms: int) -> str:
    """Return a moment as files are told: the same for whoever checks them."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
