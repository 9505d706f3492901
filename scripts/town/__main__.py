"""Start the town of the demo: `scripts/demo`. What it makes is in .demo/, beside the repository's own files."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import Final

from rich.table import Table
from rich.text import Text

from scripts.town.check import check_town
from scripts.town.pages import Unexpected
from scripts.town.processes import ROOT, Trouble
from scripts.town.screen import Screen
from scripts.town.town import Town, running_town

FOLDER: Final = ROOT / ".demo"
CHECK_FOLDER: Final = FOLDER / "check"


def main() -> int:
    """Run the demo or its check; return 0 if all is well."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description="Three schemes on this machine, to try out."
    )
    parser.add_argument("--check", action="store_true", help="trade and verify unattended, then end")
    parser.add_argument("--keep", action="store_true", help="go on with the town of last time")
    asked = parser.parse_args()
    screen = Screen()
    try:
        return asyncio.run(
            _check(screen, CHECK_FOLDER) if asked.check else _show(screen, FOLDER / "town", asked.keep)
        )
    except (Trouble, Unexpected) as error:
        screen.console.print(Text(f"  ✗ {error}", style="red"), soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130


async def _check(screen: Screen, folder: Path) -> int:
    began = time.monotonic()
    screen.title("The town is made and started")
    async with running_town(folder, screen) as town:
        await check_town(town, screen)
    screen.title(f"All of it holds. It took {time.monotonic() - began:.0f} seconds.")
    return 0


async def _show(screen: Screen, folder: Path, keep: bool) -> int:
    ending = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, ending.set)
    screen.title("The town is made and started")
    async with running_town(folder, screen, keep=keep, usual_ports=True) as town:
        await _tell(town, screen)
        await ending.wait()
        screen.title("The three nodes end")
    return 0


async def _tell(town: Town, screen: Screen) -> None:
    """Print where everything is and what to try."""
    table = Table(
        title="Log in with number and PIN, or open a link once", title_justify="left", title_style="bold"
    )
    for heading in ("Scheme", "Address", "Who", "Number", "PIN, or link for once"):
        table.add_column(heading, overflow="fold")
    for key, scheme in town.schemes.items():
        plan = scheme.plan
        unit = "hours" if plan.unit.kind == "hours" else plan.unit.code
        for index, member in enumerate(each for each in plan.members if each.pin):
            where = (f"{plan.name} ({unit})", scheme.process.origin) if index == 0 else ("", "")
            table.add_row(*where, member.name, scheme.number(member.name), member.pin)
        link = await town.link(key, plan.organiser)
        table.add_row(
            "", "", f"{plan.organiser}, organiser", scheme.number(plan.organiser), link, end_section=True
        )
    screen.console.print()
    screen.console.print(table)
    screen.title("To try")
    for line in (
        "As Ana, find “jam”: Karim's plum jam from Riverside is there. Record the trade, and look at both statements.",
        "Oakvale and Riverside know each other only through Hilltop. Its organiser sees the payment pass: Neighbours.",
        "Join a scheme as somebody new, and welcome them as its organiser.",
        "Ctrl-C ends the town; scripts/demo --keep goes on with it.",
    ):
        screen.console.print(Text(f"  · {line}"))


if __name__ == "__main__":
    sys.exit(main())
