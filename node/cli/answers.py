"""What all commands share: asking the node, answering people or programs, and saying what went wrong in plain words.

Nothing heavy is imported here, see `main.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from node.visible import visible

if TYPE_CHECKING:
    from node.config import Config

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
    """Return the configuration the command was given. Raises ConfigError."""
    from node.config import find_file, load

    return load(find_file(context.obj, os.environ))


def target_of(context: click.Context) -> Path:
    """Return where the configuration of a new scheme is to lie."""
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
