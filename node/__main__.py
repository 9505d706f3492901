"""The command `interlets`, also started as `python -m node`."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command line."""
    # Whatever this program writes is its owner's only.
    os.umask(0o077)
    _check_rooms()
    from node.cli.main import cli

    cli(prog_name="interlets")


def _check_rooms() -> None:
    """Refuse to run with another program's packages: the three names are plain ones."""
    import crypto
    import node
    import protocol

    homes = {Path(room.__file__ or "").resolve().parent.parent for room in (node, protocol, crypto)}
    if len(homes) != 1:
        places = ", ".join(sorted(map(str, homes)))
        sys.exit(
            f"interlets: the packages node, protocol and crypto come from different places ({places}).\n"
            "Install interlets in an environment of its own."
        )


if __name__ == "__main__":
    main()
