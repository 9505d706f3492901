"""`interlets keys`: which keys the scheme has, a new root key from the recovery sheet, and the end of a stolen one.

The node must be stopped for a change. Source: docs/protocol.md 2.2, 2.3; docs/operating.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from node.cli.answers import config_of, json_option, plainly, sheet_from, show, typed_words

PASSPHRASE_FILE: Final = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take the passphrase of the root key from here instead of asking.",
)

SHEET_FILE: Final = click.option(
    "--sheet-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take the 24 words of the recovery sheet from here instead of asking.",
)


@click.group()
def keys() -> None:
    """The keys of the scheme."""


@keys.command("list")
@json_option
@click.pass_context
@plainly
def keys_list(context: click.Context, as_json: bool) -> None:
    """List the keys: for what, since which event of the identity log, and whether they are revoked."""
    from node.keyfiles import read_identity
    from protocol.identity import fold_log
    from protocol.names import scheme_text

    state = fold_log(read_identity(config_of(context).node.data_dir))
    found = [
        {"purpose": "root", "seq": root.seq, "key": root.key.raw.hex(), "in_force": root is state.root}
        for root in state.roots
    ] + [
        {
            "purpose": each.purpose,
            "seq": each.seq,
            "key": each.public_key.hex(),
            "in_force": each.revoked_seq is None,
        }
        for each in state.delegations
    ]
    lines = [
        f"{each['seq']:>5}  {each['purpose']:<10}  {str(each['key'])[:16]}…  {'' if each['in_force'] else 'ended'}".rstrip()
        for each in found
    ]
    show({"scheme": scheme_text(state.scheme_id), "keys": found}, as_json, *lines)


@keys.command("revoke")
@click.argument("purpose")
@PASSPHRASE_FILE
@json_option
@click.pass_context
@plainly
def keys_revoke(context: click.Context, as_json: bool, purpose: str, passphrase_file: Path | None) -> None:
    """End the key of one PURPOSE, as when it was stolen, and make a fresh one in its place.

    The purposes: ledger, checkpoint, line, feed, witness, session, receipt, seal. Neighbours take the new key at the
    next start. Trades under way go on; what was sealed to an old “seal” key and is still on its way cannot be read.
    """
    from node.clock import SystemChance, SystemClock
    from node.keychange import renew
    from node.keyfiles import open_keys, open_root_key, write_changed

    data_dir = stopped_data_dir(context)
    before = open_keys(data_dir)
    root = open_root_key(data_dir, passphrase_of(passphrase_file, "Passphrase of the root key"))
    after = renew(before, root, [purpose], SystemChance(), SystemClock().now_ms())
    write_changed(data_dir, after, SystemChance())
    show(
        {"purpose": purpose, "seq": after.keyring.identity.seq}, as_json,
        f"The {purpose} key is ended and has a successor. Start the node now: neighbours learn of it then.",
    )  # fmt: skip


@keys.command("rotate")
@click.option(
    "--all", "everything", is_flag=True, help="Fresh online keys too, as when the whole machine was stolen."
)
@SHEET_FILE
@PASSPHRASE_FILE
@json_option
@click.pass_context
@plainly
def keys_rotate(
    context: click.Context,
    as_json: bool,
    everything: bool,
    sheet_file: Path | None,
    passphrase_file: Path | None,
) -> None:
    """Make the key on the recovery sheet the root key, and print a new sheet.

    As when the root key was stolen or its passphrase forgotten. A thief of the root key cannot do this: it needs the sheet.
    """
    from crypto.words import to_words
    from node.cli.init import sheet_lines
    from node.clock import SystemChance, SystemClock
    from node.keychange import ONLINE, renew, rotate
    from node.keyfiles import open_keys, seal_root, write_changed

    data_dir = stopped_data_dir(context)
    chance, now_ms = SystemChance(), SystemClock().now_ms()
    before = open_keys(data_dir)
    rotated = rotate(before, sheet_from(typed_words(sheet_file)), chance, now_ms)
    after = renew(rotated.keys, rotated.root, ONLINE, chance, now_ms) if everything else rotated.keys
    passphrase = passphrase_of(passphrase_file, "A passphrase for the new root key", new=True)
    words = to_words(rotated.sheet)
    click.echo("The new recovery sheet. Print it, or copy it by hand, now; it is kept nowhere:", err=as_json)
    click.echo("\n".join(sheet_lines(words)), err=as_json)
    if sheet_file is None:
        click.confirm("Is it on paper?", abort=True, err=as_json)
    # Shown before it counts: whoever is interrupted here still has the old sheet, and it is still good.
    write_changed(data_dir, after, chance, root_key=seal_root(rotated.root, passphrase, chance))
    answer: dict[str, Any] = {"seq": after.keyring.identity.seq, "words": list(words)}
    show(
        answer, as_json,
        "The key on the old sheet is the root key now. Start the node: neighbours learn of it then.",
        "Keep the old sheet with the new one: it opens what neighbours keep for you from before today.",
    )  # fmt: skip


@keys.command("check-sheet")
@SHEET_FILE
@json_option
@click.pass_context
@plainly
def keys_check_sheet(context: click.Context, as_json: bool, sheet_file: Path | None) -> None:
    """Tell whether the recovery sheet is this scheme's and in force. Ends with 1 if it is not. Changes nothing.

    Once a year, with the sheet in your hands: a sheet that cannot be read is found while there is time for another.
    """
    from node.keychange import SheetIs, sheet_is
    from node.keyfiles import read_identity
    from protocol.identity import fold_log

    data_dir = config_of(context).node.data_dir
    found = sheet_is(fold_log(read_identity(data_dir)), sheet_from(typed_words(sheet_file)))
    said = {
        SheetIs.IN_FORCE: "It is the recovery sheet in force: every word is right.",
        SheetIs.OLDER: "It is an older sheet of this scheme. It opens backups of its time; look for the newer one.",
        SheetIs.FOREIGN: "It is not a recovery sheet of this scheme.",
    }[found]
    show({"sheet": found.value}, as_json, said)
    context.exit(0 if found is SheetIs.IN_FORCE else 1)


def stopped_data_dir(context: click.Context) -> Path:
    """Return the data directory of a node that is not running. Raises CannotDo."""
    from node.cli.admin import CannotDo, is_running
    from node.moved import must_be_here

    data_dir = config_of(context).node.data_dir
    must_be_here(data_dir)
    if is_running(data_dir):
        raise CannotDo(
            "the node is running, with its keys in memory: stop it first, and start it again afterwards"
        )
    return data_dir


def passphrase_of(file: Path | None, prompt: str, *, new: bool = False) -> str:
    from node.cli.admin import CannotDo
    from node.founding.making import PASSPHRASE_CHARACTERS_MIN

    if file is not None:
        typed = file.read_text("utf-8").strip()
    else:
        again: dict[str, Any] = {"confirmation_prompt": "Once more"} if new else {}
        typed = click.prompt(prompt, hide_input=True, **again)
    if new and len(typed) < PASSPHRASE_CHARACTERS_MIN:
        raise CannotDo(f"the passphrase has at least {PASSPHRASE_CHARACTERS_MIN} characters")
    return str(typed)
