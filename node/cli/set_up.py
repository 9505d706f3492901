"""`interlets set-up`: a new scheme is made on pages in the browser, opened by a link that is printed here, and then served.

What the pages ask and do is in `founding/`. Source: docs/operating.md, docs/first-evening.md.
"""

from __future__ import annotations

from pathlib import Path

import click

from node.cli.answers import new_node_options, plainly, target_of


@click.command("set-up")
@new_node_options
@click.pass_context
@plainly
def set_up(
    context: click.Context, data_dir: Path, host: str, port: int, public_address: str, lan: bool
) -> None:
    """Make a new scheme in the browser, and serve it.

    Prints a link that opens once. Until the last page nothing is written: whoever breaks off leaves no scheme behind.
    """
    from node.founding.running import Machine, set_up_forever

    machine = Machine(
        target=target_of(context),
        data_dir=data_dir,
        host=host,
        port=port,
        public_address=public_address,
        lan=lan,
    )
    set_up_forever(machine, click.echo)
