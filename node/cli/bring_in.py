"""`interlets import`: members, balances, listings and past trades from the files of other programs; what they do is in `importing.py`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from node import crash
from node.cli.answers import ask_node, json_option, plainly, show

# Named here so that no command waits for what reads them; a test holds them to `Layout` and `Remainder`.
LAYOUTS: Final = (
    "members", "listings", "timeoverflow-members", "timeoverflow-users", "timeoverflow-offers", "timeoverflow-requests",
    "cyclos-members", "cyclos-ads", "ces-users", "ces-adverts", "cclite-users", "cclite-ads", "komunitin-accounts", "trades",
    "timeoverflow-transfers", "timeoverflow-payments", "ces-transactions", "cclite-trades", "cclite-batch",
    "komunitin-transfers", "komunitin-payments",
)  # fmt: skip
REMAINDERS: Final = ("refuse", "opening", "chest", "write-off")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--layout", type=click.Choice(LAYOUTS), required=True, help="Which program wrote the file, and of what."
)
@click.option(
    "--rest", type=click.Choice(REMAINDERS), default="refuse", show_default=True,
    help="Which account takes the rest of balances that do not sum to zero.",
)  # fmt: skip
@click.option("--yes", "bring_in", is_flag=True, help="Bring it in; without, it is only looked at.")
@json_option
@click.pass_context
@plainly
def import_file(
    context: click.Context, as_json: bool, file: Path, layout: str, rest: str, bring_in: bool
) -> None:
    """Look at a FILE of another program line by line, and bring in its members, balances, listings or past trades with --yes."""
    # Where no node runs, this process does it; a test may end it in the middle.
    crash.arm_from_environment(os.environ)
    # The running node may have been started somewhere else.
    answer = ask_node(
        context, "import-file", file=str(file.absolute()), layout=layout, remainder=rest, bring_in=bring_in
    )
    said = [f"line {each['line']}: left out. {each['why']}" for each in answer["left_out"]]
    beyond = ", ".join(map(str, answer["beyond_limits"]))
    said += [f"lines {beyond}: beyond the member's limits, and taken all the same."] if beyond else []
    outside = ", ".join(map(str, answer["outside"]))
    said += [f"lines {outside}: one side is no member here, and stays a name."] if outside else []
    said += [
        f"{each['member']} {each['name']}: brought in with {each['opening']}, trades come to {each['trades']}."
        for each in answer["differences"]
    ]
    what = f"{answer['members']} members, {answer['listings']} listings and {answer['trades']} past trades"
    said.append(f"All balances together: {answer['total']} of the smallest unit.")
    if answer["brought_in"] is None:
        said.append(f"{what} would be brought in. Nothing was: “--yes” does it.")
    else:
        said.append(f"{what} were brought in, as import {answer['brought_in']}.")
        said.append(f"Within a day “interlets undo-import {answer['brought_in']}” takes all of it back.")
    show(answer, as_json, *said)


@click.command("undo-import")
@click.argument("number", type=click.IntRange(min=1))
@json_option
@click.pass_context
@plainly
def undo_import(context: click.Context, as_json: bool, number: int) -> None:
    """Take everything back that import NUMBER brought in, within a day, while nothing happened with it."""
    show(ask_node(context, "import-undo", no=number), as_json, f"Import {number} is undone.")
