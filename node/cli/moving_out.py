"""A hosted scheme goes to a machine of its own: it ends here, its folder is put out of use, and its backup is made.

The same steps as `interlets moved` and `backup create`, in the one order that leaves no two copies. Source: docs/moving.md, decision 63.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from node.cli.admin import CannotDo
from node.cli.hosted import ask_house, must_be_well, read_states
from node.cli.moving import checked_address, known_of
from node.config import Config
from node.hosting.roster import config_of_hosted, find_hosted
from node.moved import Moved, forget_moved, must_be_here, read_moved, write_moved


def go(house: Config, name: str, address: str, to: Path) -> tuple[Path, Moved]:
    """Put a hosted scheme out of use here and make the backup that moves; return both.

    Raises:
        CannotDo, ConfigError, KeysUnusable, StoreError: it cannot; it is served here as before.
    """
    config = config_of_hosted(find_hosted(house.node.data_dir, name))
    wanted = checked_address(address)
    if wanted == config.node.origin:
        raise CannotDo(
            f"{name} is at {wanted} already. Where the address goes along to the other machine: make its backup there"
            f" (interlets --scheme {name} moved {wanted}; backup create), and take it off here"
        )
    must_be_here(config.node.data_dir)
    ask_house(house, "pause", name=name)
    try:
        went = asyncio.run(known_of(config, wanted))
        write_moved(config.node.data_dir, went)
        try:
            file = _backup(config, to)
        except BaseException:
            forget_moved(config.node.data_dir)
            raise
    finally:
        ask_house(house, "look-again", again=name)
    return file, went


def come_back(house: Config, name: str) -> None:
    """Let a hosted scheme be here again. Raises CannotDo: it did not move, or does not run."""
    config = config_of_hosted(find_hosted(house.node.data_dir, name))
    if read_moved(config.node.data_dir) is None:
        raise CannotDo(f"nothing to undo: {name} did not move")
    forget_moved(config.node.data_dir)
    must_be_well(read_states(house, ask_house(house, "look-again", again=name)), name)


def _backup(config: Config, to: Path) -> Path:
    from node.backup.making import make_backup
    from node.backup.sealed_file import BackupUnusable
    from node.cli.backup import source_of_node
    from node.clock import SystemChance, SystemClock

    try:
        return make_backup(source_of_node(config), to, SystemClock().now_ms(), SystemChance())
    except BackupUnusable as error:
        raise CannotDo(str(error)) from None
