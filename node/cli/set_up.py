"""`interlets set-up`: a new scheme is made on pages in the browser, opened by a link that is printed here, and then served.

What the pages ask and do is in `founding/`. Source: docs/operating.md, docs/first-evening.md.
"""

from __future__ import annotations

from pathlib import Path

import click

from node.cli.answers import plainly, target_of


@click.command("set-up")
@click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), default=Path("data"), show_default=True
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8480, show_default=True)
@click.option("--public-address", default="", help="What members type, as https://oakvale.example.")
@click.option("--lan", is_flag=True, help="Allow neighbours with addresses of the own network.")
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
