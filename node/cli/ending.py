"""`interlets end`: the identity of a scheme that has closed ends, under its root key; it cannot be taken back.

The node must be stopped. What is made here is published by starting it again. Source: docs/protocol.md 2.2, 2.4; docs/moving.md.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.answers import config_of, json_option, plainly, show
from node.cli.keys import PASSPHRASE_FILE, passphrase_of, stopped_data_dir

if TYPE_CHECKING:
    from node.config import Config
    from node.services.closing_down import LeftOver


@click.command("end")
@click.option("--successor", help="The id of the scheme in which this one goes on, lets1…; after a merger.")
@click.option(
    "--anyway", is_flag=True, help="Also where something is still open with neighbours; it stays so."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@PASSPHRASE_FILE
@json_option
@click.pass_context
@plainly
def end(
    context: click.Context, /, as_json: bool, passphrase_file: Path | None, successor: str | None, anyway: bool,
    yes: bool,
) -> None:  # fmt: skip
    """End the identity of a scheme that has closed, for good. It takes the passphrase of the root key.

    Two organisers close a scheme first, on the desk, and its members have had time to fetch what is theirs. Afterwards
    “interlets serve” shows one page that says so.
    """
    from node.cli.admin import CannotDo
    from node.clock import SystemChance, SystemClock
    from node.keychange import end_identity
    from node.keyfiles import open_keys, open_root_key, write_changed
    from protocol.errors import ProtocolError
    from protocol.names import parse_scheme_text, scheme_text

    config, data_dir, now_ms = config_of(context), stopped_data_dir(context), SystemClock().now_ms()
    before = open_keys(data_dir)
    if before.keyring.identity.ended is not None:
        raise CannotDo("the identity of this scheme has ended already")
    try:
        to = None if successor is None else parse_scheme_text(successor)
    except ProtocolError as error:
        raise CannotDo(f"{successor} is not the id of a scheme: {error}") from None
    left = asyncio.run(_left(config, now_ms))
    if left and not anyway:
        raise CannotDo(
            "something is still open with neighbours, and nobody could settle it afterwards; “--anyway” lets it stay so:\n"
            + "\n".join(f"  {_said(each)}" for each in left)
        )
    if not yes:
        click.confirm(
            "Nothing can be recorded under this identity ever again. Really end it?", abort=True, err=as_json
        )
    root = open_root_key(data_dir, passphrase_of(passphrase_file, "Passphrase of the root key"))
    write_changed(data_dir, end_identity(before, root, to, now_ms), SystemChance())
    show(
        {"scheme": scheme_text(before.keyring.scheme), "successor": successor, "left": len(left)}, as_json,
        "The identity has ended. Start the node once more: neighbours learn of it, and members read one page.",
        "Keep a last backup, the signed books and the recovery sheet with the scheme’s papers.",
    )  # fmt: skip


async def _left(config: Config, now_ms: int) -> list[LeftOver]:
    """Return what is open with neighbours. Raises CannotDo: the scheme has not closed, or members can still fetch what is theirs."""
    from node.cli.admin import CannotDo, closed_node
    from node.cli.backup import moment
    from node.services.closing_down import left_over

    async with closed_node(config) as node:
        now = node.settings.now
        if not now.is_closed(now_ms) or now.closing_until_ms is None:
            raise CannotDo(
                "this scheme has not closed: two organisers say so first, on the desk, under Scheme, Close the scheme"
            )
        if now_ms < now.closing_until_ms:
            raise CannotDo(
                f"members were told that they can fetch what is theirs until {moment(now.closing_until_ms)}"
            )
        return await node.store.read(left_over, node.scheme)


def _said(each: LeftOver) -> str:
    from protocol.names import scheme_text
    from protocol.units import HOUR

    said = []
    if each.open_locks:
        said.append(f"{each.open_locks} trades under way")
    if each.owed:
        whose = "we owe them" if each.owed > 0 else "they owe us"
        said.append(f"{whose} {abs(each.owed) / HOUR:.2f} hours")
    if not each.closed:
        said.append("not ended on both sides")
    return f"{scheme_text(each.peer)}: {', '.join(said)}"
