"""`interlets ledger`: the whole book checked or written anew from what was signed, and given away as files."""

from __future__ import annotations

import sys
from base64 import b64decode
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from node.cli.answers import ask_node, config_of, json_option, plainly, show

if TYPE_CHECKING:
    from node.config import Config
    from node.keyring import KeyRing
    from node.services.ledger_check import Checked
    from node.services.ledger_walk import Progress

_TOLD_EVERY: Final = 1_000


@click.group()
def ledger() -> None:
    """The scheme's books."""


@ledger.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--whole",
    is_flag=True,
    help="An archive: everything a node needs but keys and PINs, names and messages too.",
)
@json_option
@click.pass_context
@plainly
def ledger_export(context: click.Context, as_json: bool, folder: Path, whole: bool) -> None:
    """Write all entries and lines into FOLDER, for an auditor. No names, no texts."""
    # The running node may have been started somewhere else.
    answer = ask_node(context, "ledger-export", folder=str(folder.absolute()), whole=whole)
    records = answer["records"]
    show(
        answer,
        as_json,
        f"{records['entries.jsonl']} entries, {records['lines.jsonl']} lines with other schemes"
        f" and their {records['ops.jsonl']} ops are in {answer['folder']}.",
        "To recompute all of it: scripts/audit, with this folder and those of neighbours who give you theirs.",
    )


@ledger.command("import")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@json_option
@click.pass_context
@plainly
def ledger_import(context: click.Context, as_json: bool, folder: Path) -> None:
    """Build the database of an empty node from the archive in FOLDER. The keys must be there; members sign in anew."""
    answer = bring_in_archive(config_of(context), folder)
    show(
        answer,
        as_json,
        f"{answer['rows']} rows, with {answer['entries']} entries and {answer['ops']} ops, were checked and are in their place.",
        "PINs are in no archive: members log in by mail or by a link. Start the node: interlets serve.",
    )


@ledger.command("close")
@click.argument("year", type=click.IntRange(1980, 2999))
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the signed file here; otherwise into books-YEAR.sheet.",
)
@json_option
@click.pass_context
@plainly
def ledger_close(context: click.Context, as_json: bool, year: int, target: Path | None) -> None:
    """Close the books of a YEAR: a signed sheet of what they came to. Anybody checks it with “interlets verify”."""
    from node.cli.admin import CannotDo

    first, end = (int(datetime(each, 1, 1).astimezone().timestamp() * 1000) for each in (year, year + 1))
    answer = ask_node(context, "ledger-close", from_ms=first, to_ms=end)
    path = target or Path(f"books-{year}.sheet")
    file, said = b64decode(answer.pop("file")), answer.pop("said")
    try:
        with path.open("xb") as made:
            made.write(file)
    except OSError as error:
        raise CannotDo(f"{path} was not written: {error.strerror}") from None
    show({**answer, "file": str(path)}, as_json, *said, f"Written to {path}.")


@ledger.command("verify")
@click.option(
    "--rebuild",
    "anew",
    is_flag=True,
    help="First write everything that follows from signed bytes anew. The node must be stopped.",
)
@json_option
@click.pass_context
@plainly
def ledger_verify(context: click.Context, as_json: bool, anew: bool) -> None:
    """Reckon the whole book anew and compare. Works beside a running node. Ends with 1 if something is wrong."""
    config = config_of(context)
    progress = _progress(quiet=as_json)
    made = _rebuild(config, progress) if anew else None
    checked = check(config, progress)
    _end_progress()
    answer: dict[str, Any] = {
        "right": checked.right, "entries": checked.entries, "root": checked.root.hex(), "accounts": checked.accounts,
        "legs": checked.legs, "lines": checked.lines, "ops": checked.ops, "signed": checked.signed, "rebuilt": made,
        "findings": [each._asdict() for each in checked.findings], "more": checked.more,
    }  # fmt: skip
    show(answer, as_json, *_said(checked, made))
    context.exit(0 if checked.right else 1)


def _said(checked: Checked, made: dict[str, int] | None) -> list[str]:
    said = []
    if made is not None:
        said.append(
            f"Written anew: {made['account']} accounts, {made['leg']} movements on them, {made['line']} lines."
        )
    said += [f"  ✗ {each}" for each in checked.findings]
    if checked.more:
        said.append(f"  … and {checked.more} more")
    counted = (
        f"{checked.entries} entries, {checked.accounts} accounts with {checked.legs} movements,"
        f" {checked.lines} lines with {checked.ops} ops"
    )
    if checked.right:
        said.append(f"{counted}: everything was reckoned anew, and all of it is right.")
        if checked.signed:
            said.append(f"Signed as a public log, as they are here: the first {checked.signed} entries.")
        return said
    said.append(f"{counted}: {len(checked.findings) + checked.more} things are wrong.")
    if any(each.derived for each in checked.findings):
        said.append(
            "Some of it follows from what was signed: stop the node, and “interlets ledger verify --rebuild” writes that anew."
        )
    return said


# --- On the database itself --------------------------------------------------------------------------------------


def check(config: Config, progress: Progress) -> Checked:
    """Check the database of a node, running or not: it is only read. Raises CannotDo, KeysUnusable, StoreError."""
    from node.app import DATABASE
    from node.cli.admin import CannotDo
    from node.keyfiles import open_keys

    path = config.node.data_dir / DATABASE
    if not path.exists():
        raise CannotDo(f"there is no database {path}")
    return check_database(config.node.data_dir, open_keys(config.node.data_dir).keyring, progress)


def check_database(data_dir: Path, keyring: KeyRing, progress: Progress | None = None) -> Checked:
    """Check the database in a data folder; it is only read. Raises StoreError."""
    from node.app import DATABASE
    from node.services.ledger_check import check_books, quiet
    from node.services.ledger_identities import read_identities
    from node.store.sqlite import SqliteDatabase
    from node.store.transaction import ReadTx

    connection = SqliteDatabase(data_dir / DATABASE).open_reader()
    try:
        connection.begin()
        tx = ReadTx(connection)
        identities = read_identities(tx, {keyring.scheme: keyring.log})
        return check_books(tx, keyring.scheme, identities, safe=keyring.safe, progress=progress or quiet)
    except connection.errors as error:
        raise connection.translated(error) from error
    finally:
        connection.rollback()
        connection.close()


def bring_in_archive(config: Config, folder: Path) -> dict[str, Any]:
    """Build the database of an empty node. Raises CannotDo, KeysUnusable, StoreError."""
    import asyncio

    from node.app import DATABASE
    from node.cli.admin import CannotDo
    from node.cli.restore import make_tables
    from node.keyfiles import FOLDER, open_keys
    from node.services.archive import ArchiveUnusable
    from node.services.archive_import import bring_in

    database = config.node.data_dir / DATABASE
    if database.exists():
        raise CannotDo(f"{database} exists: an archive is brought into an empty node only")
    if not (config.node.data_dir / FOLDER).exists():
        raise CannotDo(
            "an archive holds no keys: put the folder of the keys into the data folder first, or use “interlets restore”"
        )
    keyring = open_keys(config.node.data_dir).keyring
    try:
        return bring_in(
            database, folder, keyring.scheme, keyring.log, keyring.safe,
            make_tables=lambda path: asyncio.run(make_tables(path)),
        )  # fmt: skip
    except ArchiveUnusable as error:
        raise CannotDo(f"nothing was brought in: {error}") from None


def _rebuild(config: Config, progress: Progress) -> dict[str, int]:
    import asyncio

    from node.cli.admin import CannotDo
    from node.moved import must_be_here
    from node.services.ledger_rebuild import CannotRebuild

    must_be_here(config.node.data_dir)
    try:
        return asyncio.run(_rebuild_now(config, progress))
    except CannotRebuild as error:
        _end_progress()
        wrong = "\n".join(f"  ✗ {each}" for each in error.findings)
        raise CannotDo(f"what was signed is wrong itself, so nothing was written:\n{wrong}") from None


async def _rebuild_now(config: Config, progress: Progress) -> dict[str, int]:
    from node.app import DATABASE
    from node.keyfiles import open_keys
    from node.services.ledger_identities import read_identities
    from node.services.ledger_rebuild import rebuild
    from node.store import ThreadStore, Tx

    keyring = open_keys(config.node.data_dir).keyring
    store = await ThreadStore.open(config.node.data_dir / DATABASE)

    def unit(tx: Tx) -> dict[str, int]:
        identities = read_identities(tx, {keyring.scheme: keyring.log})
        return rebuild(tx, keyring.scheme, identities, safe=keyring.safe, progress=progress)

    try:
        return await store.write(unit)
    finally:
        await store.close()


def _progress(*, quiet: bool) -> Progress:
    """Return what tells on a terminal how far it is."""
    told = {"at": -_TOLD_EVERY}

    def tell(what: str, done: int, of: int) -> None:
        if quiet or not sys.stderr.isatty() or (done < of and abs(done - told["at"]) < _TOLD_EVERY):
            return
        told["at"] = done
        click.echo(f"\r\x1b[K{what}: {done:,} of {of:,}", err=True, nl=False)

    return tell


def _end_progress() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
