"""Four nodes, a bad network, and processes that die: `scripts/torture`. Rules 0.1, 7.2; I4–I8, I17, I19; attacks T9, T10."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Final

from rich.text import Text

from scripts.storm.campaign import begin, matrix
from scripts.storm.town import KEYS, running
from scripts.town.pages import Unexpected
from scripts.town.processes import Trouble
from scripts.town.screen import Screen

SAMPLE_DEATHS: Final = 2
SAMPLE_STORM_S: Final = 15.0
ALL_STORM_S: Final = 120.0
PURCHASES: Final = {False: 4, True: 40}  # of each member, at most, in the sample and in all of it


def main() -> int:
    """Run the campaign the command line asks for; return 0 if everything holds."""
    parser = argparse.ArgumentParser(
        prog="scripts/torture",
        description="Buy across four nodes while they are killed and their network is mauled.",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="chooses what happens; printed when something fails"
    )
    parser.add_argument(
        "--all", action="store_true", help="every crash point at every node that passes it, and a long storm"
    )
    parser.add_argument("--storm", type=float, metavar="SECONDS", help="how long the storm lasts")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave logs, databases and exports there")
    asked = parser.parse_args()
    screen = Screen()
    with tempfile.TemporaryDirectory(prefix="interlets-storm-") as temporary:
        folder = (asked.keep or Path(temporary) / "town").absolute()
        status = 0
        try:
            asyncio.run(_until_told_to_end(folder, asked.seed, asked.all, asked.storm, screen))
        except* (Trouble, Unexpected) as errors:
            for error in errors.exceptions:
                screen.console.print(Text(f"  ✗ {error}", style="red"), soft_wrap=True)
            screen.console.print(Text(f"It was seed {asked.seed}.", style="red"))
            status = 1
        except* (KeyboardInterrupt, asyncio.CancelledError):
            status = 130
    return status


async def _until_told_to_end(
    folder: Path, seed: int, everything: bool, storm_s: float | None, screen: Screen
) -> None:
    """Do the work; SIGTERM ends it as Ctrl-C does, so that no node outlives us."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began = time.monotonic()
    deaths = matrix() if everything else Random(seed).sample(matrix(), SAMPLE_DEATHS)
    seconds = storm_s if storm_s is not None else ALL_STORM_S if everything else SAMPLE_STORM_S
    screen.title(f"Seed {seed}")
    async with AsyncExitStack() as stack:
        town = await stack.enter_async_context(running(folder, seed, screen))
        campaign = await begin(town, seed, screen, stack)
        for number, death in enumerate(deaths, 1):
            with screen.step(f"{number} of {len(deaths)}: killed while buying, {death}"):
                await campaign.die_at(death)
        for key in KEYS[1:] if everything else ():
            with screen.step(f"{key} is killed and loses its last writes"):
                await campaign.lose_last_writes(key)
        if seconds > 0:
            with screen.step(
                f"{seconds:.0f} seconds of storm: everybody buys, nodes are killed, lines are cut and mauled"
            ):
                await campaign.storm(seconds, PURCHASES[everything])
        for line in campaign.told():
            screen.found(line)
        await campaign.reckon()
    screen.title(f"All of it holds. It took {time.monotonic() - began:.0f} seconds.")


if __name__ == "__main__":
    sys.exit(main())
