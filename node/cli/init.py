"""`interlets init`: five questions, then a configuration, keys, a database, and the first organiser.

The recovery sheet is shown before anything else can go wrong, because it is kept nowhere.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from node.cli.admin import CannotDo
from node.cli.commands import SAID
from node.clock import Chance, SystemChance, SystemClock
from node.config import Config, ConfigError, example, load
from node.keyfiles import FOLDER, make_keys
from node.services.acts import OPERATOR, Role
from node.services.members import NewMember, Unable, fold_email
from protocol.names import scheme_text

PASSPHRASE_CHARACTERS_MIN: Final = 12
WORDS_A_LINE: Final = 4
WORDS_ASKED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Answers:
    """What `init` needs to know."""

    name: str
    place: str
    unit: str  # "hours", or the name of the scheme's own unit
    hour: tuple[int, int]  # what one hour is: minor units, and how many decimals were typed
    organiser: str
    email: str | None
    phone: str
    passphrase: str
    language: str
    data_dir: Path
    host: str
    port: int
    public_address: str
    lan: bool


def ask_rest(given: Mapping[str, Any], passphrase: str | None) -> Answers:
    """Return the answers, asking for what no option gave."""
    name = given["name"] or click.prompt("What is your scheme called?")
    place = (
        given["place"]
        if given["place"] is not None
        else click.prompt("Where is it?", default="", show_default=False)
    )
    unit = given["unit"] or click.prompt(
        "What do you count in: hours, or a unit of your own (its name)?", default="hours"
    )
    hour = (60, 0)
    if unit.strip().lower() != "hours":
        typed = given["hour"] or click.prompt(
            f"How many {unit} is one hour of ordinary work, as 12 or 12.00?"
        )
        hour = parse_hour(typed)
    organiser = given["organiser"] or click.prompt("Who is the first organiser?")
    email = given["email"]
    if email is None and given["organiser"] is None:
        email = click.prompt("Their e-mail address (may be left empty)", default="", show_default=False)
    if passphrase is None:
        passphrase = click.prompt(
            f"A passphrase for the root key, {PASSPHRASE_CHARACTERS_MIN} characters or more",
            hide_input=True,
            confirmation_prompt="Once more",
        )
    if len(passphrase) < PASSPHRASE_CHARACTERS_MIN:
        raise CannotDo(f"the passphrase has at least {PASSPHRASE_CHARACTERS_MIN} characters")
    try:
        fold_email(email)
    except Unable as error:
        raise CannotDo(SAID[error.why]) from None
    return Answers(
        name=name, place=place, unit="hours" if unit.strip().lower() == "hours" else unit.strip(), hour=hour,
        organiser=organiser, email=email or None, phone=given["phone"], passphrase=passphrase,
        language=given["language"], data_dir=given["data_dir"], host=given["host"], port=given["port"],
        public_address=given["public_address"], lan=given["lan"],
    )  # fmt: skip


def parse_hour(typed: str) -> tuple[int, int]:
    """Return what one hour is, in the smallest part of the unit, and its decimals. Raises CannotDo."""
    match = re.fullmatch(r"([0-9]{1,7})(?:[.,]([0-9]{1,3}))?", typed.strip())
    if match is None or not int(match[1] + (match[2] or "")):
        raise CannotDo("an hour is a number above zero, as 12 or 12.00")
    # Without decimals typed, amounts still have two: somebody will want to give half.
    part = match[2] if match[2] is not None else "00"
    return int(match[1] + part), len(part)


def create(target: Path, answers: Answers) -> dict[str, Any]:
    """Make everything and return what is to be shown once. Raises CannotDo, KeysUnusable, ConfigError."""
    if target.exists():
        raise CannotDo(f"{target} exists: this machine has a scheme there already")
    # Relative to where the command is started, not to where the file will lie.
    data_dir = answers.data_dir.expanduser().absolute()
    if (data_dir / FOLDER).exists():
        raise CannotDo(f"{data_dir / FOLDER} exists: these are the keys of a scheme already")
    config = _write_config(target, answers, data_dir)
    try:
        keys, words = make_keys(data_dir, answers.passphrase, SystemChance(), SystemClock().now_ms())
    except BaseException:
        target.unlink()
        raise
    made: dict[str, Any] = {
        "scheme": scheme_text(keys.keyring.scheme), "name": answers.name, "config": str(target.absolute()),
        "data_dir": str(data_dir), "address": config.node.origin, "words": list(words),
    }  # fmt: skip
    try:
        made.update(asyncio.run(_first_organiser(config, answers)))
    except BaseException:
        # The keys are there to stay, and the sheet is on no disk.
        click.echo("\n".join(sheet_lines(words)), err=True)
        raise
    return made


def _write_config(target: Path, answers: Answers, data_dir: Path) -> Config:
    scheme: dict[str, Any] = {"name": answers.name, "place": answers.place, "languages": [answers.language]}
    if answers.unit != "hours":
        rate, decimals = answers.hour
        scheme |= {"unit": "decimal", "unit_name": answers.unit, "decimals": decimals, "rate": rate}
    node: dict[str, Any] = {
        "data_dir": str(data_dir),
        "listen_host": answers.host,
        "listen_port": answers.port,
    }
    if answers.public_address:
        node["public_address"] = answers.public_address
    node |= {"help_name": answers.organiser, "help_phone": answers.phone}
    federation = {"allow_lan_addresses": True} if answers.lan else {}
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotDo(f"{target} cannot be written: {error.strerror}") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(example(scheme, node, federation))
    try:
        return load(target)
    except ConfigError:
        target.unlink()
        raise


async def _first_organiser(config: Config, answers: Answers) -> dict[str, Any]:
    from node.opening import open_node

    async with open_node(config) as node:
        new = NewMember(name=answers.organiser, email=answers.email, place=answers.place, role=Role.ADMIN)
        try:
            member = await node.people.add(OPERATOR, new, why="first organiser")
        except Unable as error:
            raise CannotDo(SAID[error.why]) from None
        link = await node.sign_in.make_link(OPERATOR, member.no, why="first organiser")
        return {"organiser": member.name, "number": member.number, "link": link}


def sheet_lines(words: tuple[str, ...] | list[str]) -> list[str]:
    """Return the recovery sheet, numbered for copying by hand."""
    numbered = [f"{position:2}. {word:<10}" for position, word in enumerate(words, start=1)]
    return [
        "".join(numbered[at : at + WORDS_A_LINE]).rstrip() for at in range(0, len(numbered), WORDS_A_LINE)
    ]


def check_copy(words: Sequence[str], chance: Chance) -> None:
    """Ask for three words of the copy on paper until they are right, so that no slip stays in it."""
    click.echo("Three words from your copy, so that no slip stays in it:")
    places: set[int] = set()
    while len(places) < min(WORDS_ASKED, len(words)):
        places.add(chance.below(len(words)))
    for place in sorted(places):
        while click.prompt(f"Word {place + 1}").strip().casefold() != words[place]:
            click.echo(
                "The sheet above says something else. Compare the two, mend your copy, and type it again."
            )
    click.echo("They are right. Keep it where neither fire nor a thief finds it together with this computer.")


def show(made: Mapping[str, Any]) -> None:
    """Print what was made, once."""
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    console = Console()
    console.print(
        Panel(
            Text("\n".join(sheet_lines(made["words"]))),
            title="Recovery sheet: print it, or copy it by hand, now",
            subtitle="It is shown once, and nobody else has a copy",
            expand=False,
        )
    )
    lines = (
        f"{made['name']} is ready. Its id: {made['scheme']}",
        f"Configuration: {made['config']}",
        "Start it:      interlets serve",
        f"{made['organiser']} ({made['number']}) signs in once, within a day:",
        str(made["link"]),
    )
    for line in lines:
        console.print(Text(line), soft_wrap=True)
