"""`interlets keys`: which keys the scheme has, a new root key from the recovery sheet, and the end of a stolen one."""

from __future__ import annotations

import click


@click.group()
def keys() -> None:
    """The keys of the scheme."""
