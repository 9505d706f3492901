"""The command `interlets` under a clock that a test moves: `python -m tests.year.later FILE [--next-release] ARGUMENT …`.

FILE says by how many milliseconds this machine's clock is wrong. Whoever changes it sends SIGUSR1: the node's clock and its
event loop jump together, so everything that waited for one of the moments in between is done at once, as when a computer
was asleep. Nothing in `node/` knows of this, so no node that serves people can be set to another time by mistake.

With --next-release the program is the release after this one: the same, with one migration more.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

_NEXT: Final = """
from alembic import op
import sqlalchemy as sa
revision = "{next}"
down_revision = "{head}"
def upgrade():
    with op.batch_alter_table("meta", table_kwargs={{"sqlite_strict": True, "sqlite_with_rowid": False}}) as batch:
        batch.add_column(sa.Column("of_next_release", sa.Text(), nullable=False, server_default="new"))
"""

# So that the loop's time is above zero, as everywhere, however far back the clock is set.
BEYOND_S: Final = 1e9
shift_ms = 0


class MovedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps with the clock's."""

    def time(self) -> float:
        """Return seconds since some moment, which jumps with the clock."""
        return super().time() + BEYOND_S + shift_ms / 1000


def taken_file(moment: Path, pid: int) -> Path:
    """Return the file in which a process says which shift it took last."""
    return moment.with_name(f"{moment.name}.{pid}")


def move_clock(moment: Path) -> None:
    """Let this process's clock follow what `moment` says."""
    from node import serving
    from node.clock import SystemClock

    def read(*_: object) -> None:
        global shift_ms
        said = moment.read_text()
        shift_ms = int(said)
        taken_file(moment, os.getpid()).write_text(said)

    def now_ms(self: SystemClock) -> int:
        return time.time_ns() // 1_000_000 + shift_ms

    read()
    signal.signal(signal.SIGUSR1, read)
    SystemClock.now_ms = now_ms  # type: ignore[method-assign]
    serving.loop_factory = lambda: MovedLoop


def become_next_release() -> Path:
    """Make this process the next release; return the folder of its migrations, for the caller to remove."""
    from node.store import migrations, upgrade

    head, following = upgrade.HEAD, f"{int(upgrade.HEAD) + 1:04}"
    folder = Path(tempfile.mkdtemp(prefix="interlets-next-release-"))
    shutil.copytree(migrations.SCRIPTS, folder, dirs_exist_ok=True)
    (folder / "versions" / f"{following}_next.py").write_text(_NEXT.format(next=following, head=head))
    migrations.SCRIPTS = folder  # type: ignore[misc]
    upgrade.HEAD = following  # type: ignore[misc]
    return folder


def main() -> None:
    """Run the command line."""
    _, moment, *arguments = sys.argv
    move_clock(Path(moment))
    folder = None
    if arguments[0] == "--next-release":
        del arguments[0]
        folder = become_next_release()
    from node.__main__ import main as interlets

    sys.argv = ["interlets", *arguments]
    try:
        interlets()
    finally:
        taken_file(Path(moment), os.getpid()).unlink(missing_ok=True)
        if folder is not None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
