"""`interlets restore`: a scheme's node again on an empty disk, from the recovery sheet and one neighbour.

New keys come from the sheet; the books from the sealed copy that the neighbour keeps; what was written on lines
since comes back when the node runs and meets its neighbours. Source: docs/protocol.md 6.7 (0), (b), (g).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import click

from crypto.canonical import NotCanonical
from crypto.signing import split
from crypto.words import to_words
from node.app import DATABASE
from node.cli.admin import GO_ON, WAITING, CannotDo
from node.cli.answers import sheet_from, show, typed_words
from node.cli.init import sheet_lines
from node.clock import SystemChance, SystemClock
from node.config import Config
from node.federation.caller import Caller, CallFailed, Place
from node.federation.channel import ChannelClosed
from node.founding.making import PASSPHRASE_CHARACTERS_MIN
from node.keyfiles import FOLDER, Keys, open_keys, rewrite_online, write_keys
from node.keys_from_sheet import redraw_keys
from node.services.copy_fetching import NothingKept, fetch_copy
from node.services.kept_copy import CopyUnusable, build_again
from node.store import ThreadStore
from protocol.descriptor import Descriptor, open_descriptor
from protocol.errors import ProtocolError
from protocol.identity import fold_log
from protocol.message import decode_message
from protocol.names import SchemeId, parse_scheme_text

UNFINISHED: Final = "node.db.restoring"


def restore_from(
    config: Config, scheme: str, address: str, *, lan: bool, words: str | None, passphrase: str | None, as_json: bool
) -> None:  # fmt: skip
    """Do all of it, asking for what was not given. Raises CannotDo, KeysUnusable, StoreError."""
    try:
        own = parse_scheme_text(scheme)
    except ProtocolError as error:
        raise CannotDo(f"{scheme} is not the id of a scheme: {error}") from None
    place = Place(address=address.rstrip("/"), lan=lan)
    new_words: tuple[str, ...] = ()
    if not (config.node.data_dir / FOLDER).exists():
        if words is None:
            words = typed_words(None)
        if passphrase is None:
            passphrase = click.prompt(
                f"A passphrase for the new root key, {PASSPHRASE_CHARACTERS_MIN} characters or more",
                hide_input=True,
                confirmation_prompt=True,
            )
        if len(passphrase) < PASSPHRASE_CHARACTERS_MIN:
            raise CannotDo(f"the passphrase has at least {PASSPHRASE_CHARACTERS_MIN} characters")
        new_words = restore_keys(config, own, words, passphrase, place)
        if not as_json:  # before anything else can go wrong: it is kept nowhere
            click.echo("The old sheet is used up. This is the new one: print it, or copy it by hand, now.")
            click.echo("\n".join(sheet_lines(new_words)))
    made = restore_books(config, own, place)
    answer = {**made, "words": list(new_words)}
    show(
        answer,
        as_json,
        f"The books are back, in {made['parts']} parts, as the neighbour had them.",
        "Start the node: interlets serve. What came back from neighbours is shown under /admin/recovered.",
    )


def go_on_without(config: Config) -> str:
    """Tell a node that waits for newer books to do without them; return what to say. Raises CannotDo."""
    if not (config.node.data_dir / WAITING).exists():
        raise CannotDo("this node does not wait for newer books")
    (config.node.data_dir / GO_ON).touch()
    return "The node goes on with the books it has. What it lacks is listed under /admin/recovered, once it is heard."


def restore_keys(
    config: Config, scheme: SchemeId, words: str, passphrase: str, place: Place
) -> tuple[str, ...]:
    """Make new keys from the sheet; return the words of the new one. Raises CannotDo, KeysUnusable."""
    data_dir = config.node.data_dir
    if (data_dir / FOLDER).exists() or (data_dir / DATABASE).exists():
        raise CannotDo(f"{data_dir} is not empty: this is for a new disk")
    sheet = sheet_from(words)
    log = asyncio.run(_log_of(place, scheme))
    drawn = redraw_keys(log, sheet, SystemChance(), SystemClock().now_ms())
    write_keys(data_dir, drawn, passphrase, SystemChance())
    return to_words(drawn.sheet)


def restore_books(config: Config, own: SchemeId, place: Place) -> dict[str, Any]:
    """Fetch the copy of our books and build the database from it. Raises CannotDo, KeysUnusable, StoreError."""
    data_dir = config.node.data_dir
    database = data_dir / DATABASE
    if database.exists():
        raise CannotDo(f"{database} exists: nothing is put in its place")
    keys = open_keys(data_dir)
    if keys.keyring.scheme != own:
        raise CannotDo("the keys in the data folder are another scheme's")
    generation, parts = asyncio.run(_fetch(keys, place))
    unfinished = data_dir / UNFINISHED
    _clear(data_dir)
    asyncio.run(make_tables(unfinished))
    try:
        pepper = build_again(unfinished, parts, generation, keys.keyring.safe).pepper
    except CopyUnusable as error:
        raise CannotDo(str(error)) from None
    rewrite_online(data_dir, Keys(keyring=keys.keyring, pepper=pepper), SystemChance())
    unfinished.rename(database)
    _clear(data_dir)
    return {"parts": len(parts), "copy_of_ms": generation, "database": str(database)}


def _clear(data_dir: Path) -> None:
    """Remove what an attempt left."""
    for left in data_dir.glob(f"{UNFINISHED}*"):
        left.unlink()


async def make_tables(database: Path) -> None:
    """Make a database with empty tables. Raises StoreError."""
    await (await ThreadStore.open(database)).close()


async def _log_of(place: Place, scheme: SchemeId) -> list[bytes]:
    """Return the whole identity log of `scheme` as the node at `place` knows it."""
    log: list[bytes] = []
    async with Caller() as caller:
        try:
            while events := await caller.identity_log(place, scheme, after=len(log) - 1):
                log += events
        except (CallFailed, ProtocolError) as error:
            raise CannotDo(f"the neighbour does not tell our identity: {error}") from None
    if not log:
        raise CannotDo("the neighbour does not know this scheme: is its id right?")
    return log


async def _fetch(keys: Keys, place: Place) -> tuple[int, list[bytes]]:
    async with Caller() as caller:
        try:
            shown = await caller.descriptor(place)
            keeper = decode_message(Descriptor, split(shown)[0]).scheme
            identity = fold_log(await _log_of(place, keeper))
            open_descriptor(shown, identity)
        except (CallFailed, ProtocolError, NotCanonical) as error:
            raise CannotDo(f"nobody we can use answers at {place.address}: {error}") from None
        try:
            channel = await caller.dial(place)
            generation, parts = await fetch_copy(
                channel, identity, keys.keyring, SystemClock(), SystemChance()
            )
        except (CallFailed, ChannelClosed, NothingKept) as error:
            raise CannotDo(f"no copy of our books could be fetched: {error}") from None
    return generation, parts
