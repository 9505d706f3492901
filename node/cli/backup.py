"""`interlets backup`: one sealed file made of a node, looked at, and put back. Source: docs/backup.md."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from node.cli.answers import config_of, json_option, plainly, sheet_from, show, typed_words

if TYPE_CHECKING:
    from crypto.safekeeping import SafeKeys
    from node.backup.making import Source
    from node.backup.opening import Unpacked
    from node.config import Config
    from node.services.ledger_check import Checked

CHECKING: Final = "backup.checking"
Command = TypeVar("Command", bound=Callable[..., Any])

file_argument = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
words_option = click.option(
    "--words-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take the words of the recovery sheet from here instead of asking.",
)


def backups_plainly(command: Command) -> Command:
    """Let a command say in its own words what is wrong with a backup."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        from node import crash
        from node.backup.sealed_file import BackupUnusable
        from node.cli.admin import CannotDo

        crash.arm_from_environment(os.environ)
        try:
            return command(*args, **kwargs)
        except BackupUnusable as error:
            raise CannotDo(str(error)) from None

    return plainly(run)  # type: ignore[return-value]  # click reads the signature that `wraps` keeps


@click.group()
def backup() -> None:
    """Backups of the whole node, sealed with the recovery sheet."""


@backup.command("create")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Into this folder, instead of the one in the configuration.",
)
@json_option
@click.pass_context
@backups_plainly
def create(context: click.Context, as_json: bool, folder: Path | None) -> None:
    """Make a backup now. Works beside a running node, and does not hold it up."""
    from node.backup.configured import rule_of
    from node.backup.making import make_backup, thin_out
    from node.cli.admin import CannotDo
    from node.clock import SystemChance, SystemClock

    config = config_of(context)
    target = folder or config.backup.folder
    if target is None:
        raise CannotDo("where to? Give a folder with --to, or name one as folder under [backup]")
    source = source_of_node(config)
    path = make_backup(source, target, SystemClock().now_ms(), SystemChance())
    removed: list[Path] = []
    if target == config.backup.folder:
        removed = thin_out(target, source.scheme, rule_of(config))
    answer = {"file": str(path), "bytes": path.stat().st_size, "removed": [str(each) for each in removed]}
    show(
        answer,
        as_json,
        f"{path} holds everything, {answer['bytes']} bytes; only the recovery sheet or this node opens it.",
        *(f"No longer kept: {each}" for each in removed),
    )


@backup.command("list")
@json_option
@click.pass_context
@backups_plainly
def list_(context: click.Context, as_json: bool) -> None:
    """Show the backups in the folder of the configuration."""
    from node.backup.keeping import backups_in
    from node.cli.admin import CannotDo

    config = config_of(context)
    if config.backup.folder is None:
        raise CannotDo("no folder is named under [backup]")
    try:
        found = backups_in(config.backup.folder, source_of_node(config).scheme)
    except OSError as error:
        raise CannotDo(f"{config.backup.folder} cannot be read: {error}") from None
    rows = [{"file": str(each.path), "made_ms": each.header.made_ms} for each in found]
    lines = [f"{moment(each.header.made_ms)}  {each.path}" for each in found]
    show({"backups": rows}, as_json, *(lines or ["There are none."]))


@backup.command("verify")
@file_argument
@words_option
@json_option
@click.pass_context
@backups_plainly
def verify(context: click.Context, as_json: bool, file: Path, words_file: Path | None) -> None:
    """Rehearse a restore of FILE: unpack it, open its keys, reckon its whole book anew. Nothing of the node changes."""
    from node.backup.opening import unpack
    from node.cli.ledger import check_database

    config = config_of(context)
    safe = safe_of_node(config) if words_file is None else safe_of_words(words_file)
    with scratch(config.node.data_dir / CHECKING) as folder:
        unpacked = unpack(file, safe, folder)
        checked = check_database(folder, unpacked.keys.keyring)
    answer = {
        "right": checked.right, "made_ms": unpacked.header.made_ms, "schema": unpacked.header.schema,
        "entries": checked.entries, "accounts": checked.accounts, "lines": checked.lines, "ops": checked.ops,
        "findings": [str(each) for each in checked.findings],
    }  # fmt: skip
    show(answer, as_json, *_said(unpacked, checked))
    context.exit(0 if checked.right else 1)


@backup.command("restore")
@file_argument
@words_option
@json_option
@click.pass_context
@backups_plainly
def restore(context: click.Context, as_json: bool, file: Path, words_file: Path | None) -> None:
    """Put FILE back, into an empty data folder. Asks for the 24 words of the recovery sheet."""
    from node.backup.opening import OLD_CONFIG
    from node.backup.opening import restore as put_back

    config = config_of(context)
    unpacked = put_back(file, safe_of_words(words_file), config.node.data_dir)
    answer = {"data_dir": str(unpacked.folder), "made_ms": unpacked.header.made_ms}
    show(
        answer,
        as_json,
        f"{unpacked.folder} is as it was on {moment(unpacked.header.made_ms)}.",
        f"The configuration of then lies there as {OLD_CONFIG}. Start the node: interlets serve.",
        "Before it writes anything it asks its neighbours what it did since; /admin/recovered tells.",
    )


# --- Keys and places ---------------------------------------------------------------------------------------------


def source_of_node(config: Config) -> Source:
    """Return what of this node is backed up. Raises CannotDo, KeysUnusable."""
    from node.backup.configured import source_of
    from node.backup.making import DATABASE
    from node.cli.admin import CannotDo
    from node.keyfiles import open_keys

    if not (config.node.data_dir / DATABASE).exists():
        raise CannotDo(f"there is no database in {config.node.data_dir}")
    return source_of(config, open_keys(config.node.data_dir).keyring)


def safe_of_node(config: Config) -> SafeKeys:
    """Return the keys that open this node's own backups. Raises KeysUnusable."""
    from node.keyfiles import open_keys

    return open_keys(config.node.data_dir).keyring.safe


def safe_of_words(words_file: Path | None) -> SafeKeys:
    """Return the key that the recovery sheet makes; asks for its words where they are in no file. Raises CannotDo."""
    from crypto.safekeeping import SafeKeys
    from node.keyfiles import safe_key

    return SafeKeys([safe_key(sheet_from(typed_words(words_file)))])


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give a place to unpack into, and remove it whatever happens."""
    shutil.rmtree(folder, ignore_errors=True)  # left by one that was interrupted
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _said(unpacked: Unpacked, checked: Checked) -> list[str]:
    made = moment(unpacked.header.made_ms)
    counted = f"{checked.entries} entries, {checked.accounts} accounts, {checked.lines} lines with {checked.ops} ops"
    if checked.right:
        return [f"A node can be started from it, as it was on {made}: {counted}, all of it right."]
    wrong = [f"  ✗ {each}" for each in checked.findings]
    return [*wrong, f"It opens, as it was on {made}: {counted}, but not all of it is right."]


def moment(ms: int) -> str:
    """Return a moment as people read it, in the time of this machine."""
    return f"{datetime.fromtimestamp(ms / 1000, tz=UTC).astimezone():%-d %B %Y, %H:%M}"
