"""`interlets ledger new-log`: the public log of the books begins anew where its end is lost for good.

The node must be stopped. What is made here is published by starting it again, and cannot be taken back.
Source: docs/protocol.md 6.7 (g); docs/operating.md.
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
    from node.services.own_log import Lost


@click.command("new-log")
@PASSPHRASE_FILE
@click.option("--yes", is_flag=True, help="Do not ask whether no newer backup is left.")
@json_option
@click.pass_context
@plainly
def new_log(context: click.Context, as_json: bool, passphrase_file: Path | None, yes: bool) -> None:
    """Begin the public log of the books anew, where neighbours hold a longer one that no backup brings back.

    Until then nothing is signed, and receipts carry no proof. It takes the passphrase of the root key.
    """
    from node.clock import SystemChance, SystemClock
    from node.keychange import begin_log
    from node.keyfiles import open_keys, open_root_key, write_changed

    data_dir = stopped_data_dir(context)
    lost = asyncio.run(_lost(config_of(context)))
    told = (
        f"Neighbours hold a log of {lost.known[0]} entries that we signed. This book has {lost.held[0]}, and does not"
        " continue it: the newest of those entries are not here."
    )
    click.echo(told, err=as_json)
    if not yes:
        click.confirm(
            "Is there really no newer backup, and no keeper with a newer copy?", abort=True, err=as_json
        )
    before = open_keys(data_dir)
    root = open_root_key(data_dir, passphrase_of(passphrase_file, "Passphrase of the root key"))
    after = begin_log(before, root, lost, SystemClock().now_ms())
    write_changed(data_dir, after, SystemChance())
    number = after.keyring.identity.log_number
    show(
        {"number": number, "held": lost.held[0], "known": lost.known[0]}, as_json,
        f"Log {number} of the books begins with the {lost.held[0]} entries that are here. Start the node: neighbours learn"
        " of it then, and check the books again.",
        "Ask members to compare their statements with what they remember: trades within the scheme from before the loss may be"
        " missing. A receipt of such a trade still proves it.",
    )  # fmt: skip


async def _lost(config: Config) -> Lost:
    from node.cli.admin import CannotDo, closed_node

    async with closed_node(config) as node:
        await node.note_start()  # it may write hashes of the tree
        lost = await node.witness.own_log.lost()
    if lost is None:
        raise CannotDo(
            "nobody has shown a log of ours that goes beyond this book: there is nothing to begin anew"
        )
    return lost
