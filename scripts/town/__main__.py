"""Start the town of the demo: `scripts/demo`. What it makes is in .demo/, beside the repository's own files."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Coroutine
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from scripts.town.check import check_town
from scripts.town.pages import Unexpected
from scripts.town.processes import ROOT, Trouble
from scripts.town.screen import Screen
from scripts.town.town import Town, running_town

TOWN_FOLDER: Final = ROOT / ".demo" / "town"
CHECK_FOLDER: Final = ROOT / ".demo" / "check"


def main() -> int:
    """Run the demo or its check; return 0 if all is well."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description="Three schemes on this machine, to try out."
    )
    parser.add_argument("--check", action="store_true", help="trade and verify unattended, then end")
    parser.add_argument("--keep", action="store_true", help="go on with the town of last time")
    asked = parser.parse_args()
    screen = Screen()
    work = _check(screen) if asked.check else _show(screen, asked.keep)
    try:
        return asyncio.run(_until_told_to_end(work))
    except (Trouble, Unexpected) as error:
        screen.console.print(Text(f"  ✗ {error}", style="red"), soft_wrap=True)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        # However far it had come, the nodes are ended by now.
        return 0 if not asked.check else 130


async def _until_told_to_end(work: Coroutine[Any, Any, int]) -> int:
    """Do the work; SIGTERM ends it as Ctrl-C does, so that no node outlives us."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work


async def _check(screen: Screen) -> int:
    began = time.monotonic()
    screen.title("The town is made and started")
    async with running_town(CHECK_FOLDER, screen) as town:
        await check_town(town, screen)
    screen.title(f"All of it holds. It took {time.monotonic() - began:.0f} seconds.")
    return 0


async def _show(screen: Screen, keep: bool) -> int:
    screen.title("The town is made and started")
    async with running_town(TOWN_FOLDER, screen, keep=keep, usual_ports=True) as town:
        await _tell(town, screen)
        try:
            await asyncio.Event().wait()
        finally:
            screen.title("The three nodes end")
    return 0


async def _tell(town: Town, screen: Screen) -> None:
    """Print where everything is and what to try."""
    table = Table(title="Log in with number and PIN", title_justify="left", title_style="bold")
    for heading in ("Scheme", "Address", "Member", "Number", "PIN"):
        table.add_column(heading, no_wrap=True)
    for scheme in town.schemes.values():
        plan = scheme.plan
        unit = "hours" if plan.unit.kind == "hours" else plan.unit.code
        known = [member for member in plan.members if member.pin]
        for index, member in enumerate(known):
            where = (f"{plan.name}, {unit}", scheme.process.origin) if index == 0 else ("", "")
            last = index == len(known) - 1
            table.add_row(*where, member.name, scheme.number(member.name), member.pin, end_section=last)
    screen.console.print()
    screen.console.print(table)
    screen.title("Organisers log in once by a link")
    for key, scheme in town.schemes.items():
        link = await town.link(key, scheme.plan.organiser)
        screen.console.print(Text(f"  {scheme.plan.organiser}, {scheme.plan.name}\n  {link}"), soft_wrap=True)
    screen.title("To try")
    for line in (
        "As Ana, find “jam”: Karim's plum jam has come from Riverside. Record the trade.",
        "Look at both statements: Ana gave 30 minutes, Karim got 6 Acorns, one reference.",
        "Oakvale and Riverside know each other only through Hilltop: see its Neighbours.",
        "Join a scheme as somebody new, and welcome them as its organiser.",
        "Ctrl-C ends the town; scripts/demo --keep goes on with it.",
    ):
        screen.console.print(Text(f"  · {line}"), soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
