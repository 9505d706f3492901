"""`interlets init`: five questions, then a configuration, keys, a database, and the first organiser.

What the answers may be, and the making, is in `founding/making.py`. The recovery sheet is shown, and its copy checked, before there
is a scheme: whoever breaks off then leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from node.cli.admin import CannotDo
from node.cli.commands import SAID
from node.clock import Chance, SystemChance, SystemClock
from node.founding.making import (
    PASSPHRASE_CHARACTERS_MIN,
    Answers,
    Founder,
    Prepared,
    Unfit,
    Wrong,
    absolute,
    check_passphrase,
    draw_places,
    finish,
    is_word,
    parse_hour,
    prepare,
)
from node.services.members import Unable, fold_email

WORDS_A_LINE: Final = 4
WRONG_SAID: Final[Mapping[Wrong, str]] = {
    Wrong.PASSPHRASE_SHORT: f"the passphrase has at least {PASSPHRASE_CHARACTERS_MIN} characters",
    Wrong.HOUR_UNREADABLE: "an hour is a number above zero, as 12 or 12.00",
    Wrong.FOLDER_NOT_WHOLE: "a folder for backups is named whole, from /",
    Wrong.FOLDER_CLOSED: "the folder for backups is not there, or closed to this user",
    Wrong.FOLDER_WITHIN: "backups lie elsewhere than the data they are of",
}


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
        hour = _hour(typed)
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
    try:
        check_passphrase(passphrase)
        fold_email(email)
    except Unfit as error:
        raise CannotDo(WRONG_SAID[error.why]) from None
    except Unable as error:
        raise CannotDo(SAID[error.why]) from None
    return Answers(
        name=name, place=place, unit="hours" if unit.strip().lower() == "hours" else unit.strip(), hour=hour,
        founders=(Founder(name=organiser, email=email or None),), help_phone=given["phone"], passphrase=passphrase,
        languages=(given["language"],), data_dir=given["data_dir"], host=given["host"], port=given["port"],
        public_address=given["public_address"], lan=given["lan"],
    )  # fmt: skip


def _hour(typed: str) -> tuple[int, int]:
    try:
        return parse_hour(typed)
    except Unfit as error:
        raise CannotDo(WRONG_SAID[error.why]) from None


def make_ready(target: Path, answers: Answers) -> Prepared:
    """Make everything, for what it shows to be seen before it counts. Raises CannotDo, KeysUnusable, ConfigError."""
    if finish(target, absolute(answers.data_dir)):
        raise CannotDo("the scheme that was begun here is whole now: “interlets serve” starts it")
    try:
        return asyncio.run(prepare(target, answers, SystemChance(), SystemClock()))
    except Unfit as error:
        raise CannotDo(WRONG_SAID[error.why]) from None
    except Unable as error:
        raise CannotDo(SAID[error.why]) from None


def found(target: Path, answers: Answers, *, as_json: bool) -> Mapping[str, Any]:
    """Make a scheme: show its sheet, have its copy checked where somebody sits there, and found it; return what was made.

    Raises CannotDo, KeysUnusable, ConfigError: there is none then.
    """
    ready = make_ready(target, answers)
    try:
        if not as_json:
            show_sheet(ready.words)
            if sys.stdin.isatty():
                check_copy(ready.words, SystemChance())
        ready.commit()
    except BaseException:
        ready.discard()
        raise
    return ready.made


def sheet_lines(words: tuple[str, ...] | list[str]) -> list[str]:
    """Return the recovery sheet, numbered for copying by hand."""
    numbered = [f"{position:2}. {word:<10}" for position, word in enumerate(words, start=1)]
    return [
        "".join(numbered[at : at + WORDS_A_LINE]).rstrip() for at in range(0, len(numbered), WORDS_A_LINE)
    ]


def check_copy(words: Sequence[str], chance: Chance) -> None:
    """Ask for three words of the copy on paper until they are right, so that no slip stays in it."""
    click.echo("Three words from your copy, so that no slip stays in it:")
    for place in draw_places(len(words), chance):
        while not is_word(click.prompt(f"Word {place + 1}"), words[place]):
            click.echo(
                "The sheet above says something else. Compare the two, mend your copy, and type it again."
            )
    click.echo("They are right. Keep it where neither fire nor a thief finds it together with this computer.")


def show_sheet(words: Sequence[str]) -> None:
    """Print the recovery sheet, once."""
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    Console().print(
        Panel(
            Text("\n".join(sheet_lines(list(words)))),
            title="Recovery sheet: print it, or copy it by hand, now",
            subtitle="It is shown once, and nobody else has a copy",
            expand=False,
        )
    )


def show(made: Mapping[str, Any]) -> None:
    """Print what was made besides, once."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    lines = (
        f"{made['name']} is ready. Its id: {made['scheme']}",
        f"Configuration: {made['config']}",
        "Start it:      interlets serve",
        f"{made['organiser']} ({made['number']}) signs in once, within a day:",
        str(made["link"]),
    )
    for line in lines:
        console.print(Text(line), soft_wrap=True)
