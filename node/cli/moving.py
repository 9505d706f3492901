"""`interlets moved`: this folder writes nothing any more, for its scheme goes on elsewhere. Source: docs/moving.md."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from node.cli.answers import config_of, json_option, plainly, show

if TYPE_CHECKING:
    from node.config import Config
    from node.moved import Moved


@click.command()
@click.argument("address", required=False)
@click.option("--undo", is_flag=True, help="It stays here after all: no copy was started anywhere else.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
@plainly
def moved(context: click.Context, /, as_json: bool, address: str | None, undo: bool, yes: bool) -> None:
    """Let this scheme go on at ADDRESS, like https://oakvale.example, and write nothing here any more.

    The node must be stopped. Make the backup that moves afterwards; “interlets serve” then shows one page here, with
    the new address.
    """
    from node.cli.admin import CannotDo, is_running
    from node.moved import forget_moved, must_be_here, read_moved, write_moved

    config = config_of(context)
    data_dir = config.node.data_dir
    if undo == (address is not None):
        raise CannotDo("say where to, or “--undo”")
    if is_running(data_dir):
        raise CannotDo("the node is running: stop it first")
    if address is None:
        if read_moved(data_dir) is None:
            raise CannotDo("nothing to undo: this scheme did not move")
        if not yes:
            click.confirm("Was really no copy of it ever started elsewhere?", abort=True, err=as_json)
        forget_moved(data_dir)
        show({"moved": None}, as_json, "The scheme is here as before. Start the node: interlets serve.")
        return
    must_be_here(data_dir)
    went = asyncio.run(known_of(config, checked_address(address)))
    write_moved(data_dir, went)
    show(
        {"moved": went.address}, as_json,
        "Nothing is written here any more. Now make the backup that moves: interlets backup create --to FOLDER.",
        f"“interlets serve” shows a page with {went.address} here, for as long as people still come.",
    )  # fmt: skip


def checked_address(address: str) -> str:
    """Return an address as typed by people in its one form. Raises CannotDo: it is none."""
    from node.cli.admin import CannotDo
    from protocol.descriptor import parse_address
    from protocol.errors import InvalidValue

    wanted = address.strip().rstrip("/").lower()
    try:
        parse_address(wanted)
    except InvalidValue as error:
        raise CannotDo(f"{address}: {error}") from None
    return wanted


async def known_of(config: Config, address: str) -> Moved:
    """Return what the page says, in the scheme's own language; it is read now, for later nothing is opened."""
    from node.cli.admin import closed_node
    from node.moved import Moved

    async with closed_node(config) as node:
        now = node.settings.now
        return Moved(
            address=address, name=now.name, language=now.language, wording=now.wording, help_name=now.help_name,
            help_phone=now.help_phone, help_hours=now.help_hours,
        )  # fmt: skip
