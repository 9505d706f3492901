"""What all commands share: asking the node, answering people or programs, and saying what went wrong in plain words.

Nothing heavy is imported here, see `main.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from node.visible import visible

if TYPE_CHECKING:
    from node.config import Config

SCHEME: Final = "interlets.scheme"  # in click's notes, which all commands share
Command = TypeVar("Command", bound=Callable[..., Any])


def plainly(command: Command) -> Command:
    """Let a command say what went wrong in its own words, without a traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        from node.cli.admin import CannotDo
        from node.config import ConfigError
        from node.crash import UnknownCrashPoint
        from node.keyfiles import KeysUnusable
        from node.store.errors import StoreError

        try:
            return command(*args, **kwargs)
        except ConfigError as error:
            raise click.ClickException("; ".join(error.problems)) from None
        except (CannotDo, KeysUnusable, StoreError, UnknownCrashPoint) as error:
            raise click.ClickException(str(error)) from None

    return run  # type: ignore[return-value]  # click reads the signature that `wraps` keeps


def founding_options(command: Command) -> Command:
    """Give a command that makes a scheme the options that answer its questions."""
    for option in reversed((
        click.option("--name", help="The scheme's name."),
        click.option("--place", help="Where it is: a village, a town."),
        click.option("--unit", help="What it counts in: “hours”, or the name of its own unit."),
        click.option("--hour", help="What one hour of work is in its own unit, as 12 or 12.00."),
        click.option("--organiser", help="The first organiser's name."),
        click.option("--email", default=None, help="The first organiser's e-mail address."),
        click.option("--phone", default="", help="The telephone number of the help line."),
        click.option("--language", default="en", show_default=True),
        click.option(
            "--passphrase-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Take the passphrase of the root key from here instead of asking.",
        ),
    )):  # fmt: skip
        command = option(command)
    return command


def new_node_options(command: Command) -> Command:
    """Give a command that makes a node the options that say where it is to be."""
    for option in reversed((
        click.option(
            "--data-dir", type=click.Path(path_type=Path, file_okay=False), default=Path("data"), show_default=True
        ),
        click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen."),
        click.option("--port", type=click.IntRange(1, 65_535), default=8480, show_default=True),
        click.option("--public-address", default="", help="What members type, as https://oakvale.example."),
        click.option("--lan", is_flag=True, help="Allow neighbours with addresses of the own network."),
    )):  # fmt: skip
        command = option(command)
    return command


def config_of(context: click.Context) -> Config:
    """Return the configuration of the scheme the command is about. Raises ConfigError, CannotDo."""
    house = config_of_house(context)
    name = scheme_of(context)
    if not name:
        return house
    from node.hosting.roster import config_of_hosted, find_hosted

    return config_of_hosted(find_hosted(house.node.data_dir, name))


def config_of_house(context: click.Context) -> Config:
    """Return the configuration the command was given, whichever scheme it is about. Raises ConfigError."""
    from node.config import find_file, load

    return load(find_file(context.obj, os.environ))


def scheme_of(context: click.Context) -> str:
    """Return which hosted scheme the command is about; empty for the machine's own."""
    name: str = context.meta.get(SCHEME, "")
    return name


def target_of(context: click.Context) -> Path:
    """Return where the configuration of a new scheme is to lie. Raises CannotDo: another way makes a hosted one."""
    if scheme_of(context):
        from node.cli.admin import CannotDo

        raise CannotDo("a further scheme on this machine is made by “interlets scheme add”")
    return context.obj or Path(os.environ.get("INTERLETS_CONFIG") or "interlets.toml")


def ask_node(context: click.Context, command: str, **arguments: Any) -> dict[str, Any]:
    """Return the answer of the node, running or opened for this. Raises CannotDo."""
    from node.cli.admin import ask

    return ask(config_of(context), command, arguments)


def typed_words(file: Path | None) -> str:
    """Return the words of the recovery sheet, from a file or asked for."""
    return click.prompt("The 24 words of the recovery sheet") if file is None else file.read_text("utf-8")


def sheet_from(words: str) -> bytes:
    """Return the 32 bytes behind the 24 words, which may be numbered. Raises CannotDo."""
    from crypto.words import BadWords, from_words
    from node.cli.admin import CannotDo

    try:
        return from_words(words)
    except BadWords as error:
        raise CannotDo(f"the recovery sheet: {error}") from None


def show(answer: dict[str, Any], as_json: bool, *lines: str) -> None:
    """Print `answer` for programs, or `lines` for people."""
    click.echo(json.dumps(answer, ensure_ascii=False) if as_json else "\n".join(map(visible, lines)))


json_option = click.option("--json", "as_json", is_flag=True, help="Answer for programs.")
