"""What the running process says of the schemes it serves, for commands: it answers on a socket of its own. Source: decision 63."""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

from node.cli.admin import CannotDo, ask_socket, is_running
from node.config import Config
from node.hosting.roster import read_roster

SOCKET: Final = "house.sock"  # as in hosting/house.py, which is too heavy for a command
RUNNING: Final = ("runs", "moved")


class Said(NamedTuple):
    """What a hosted scheme is doing."""

    state: str  # as in hosting/life.py; "off" where the process does not run, "refused" where it has no place in it
    why: str


def ask_house(house: Config, command: str, **arguments: Any) -> dict[str, Any] | None:
    """Return what the process of this machine answers; None where it does not run. Raises CannotDo."""
    if not is_running(house.node.data_dir, SOCKET):
        return None
    return asyncio.run(ask_socket(house.node.data_dir, command, arguments, SOCKET))


def read_states(house: Config, answer: dict[str, Any] | None = None) -> dict[str, Said]:
    """Return the hosted schemes of the list, and what they are doing. Raises CannotDo: the list cannot be read."""
    roster = read_roster(house.node.data_dir)
    if not roster:
        return {}
    answer = answer or ask_house(house, "schemes")
    if answer is None:
        return {each.name: Said("off", "") for each in roster}
    known = answer["schemes"]
    refused = {
        "state": "refused",
        "why": "the running process does not know it: it is started anew, or has no place for it",
    }
    return {each.name: Said(**known.get(each.name, refused)) for each in roster}


def must_be_well(states: dict[str, Said], name: str) -> None:
    """Raise CannotDo where a scheme that was to start did not."""
    said = states[name]
    if said.state not in (*RUNNING, "off", "starts"):
        raise CannotDo(f"{name} is on the list and does not run: {said.why}")
