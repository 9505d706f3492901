"""What admins are told of the node's own state, and backups that were tried. Source: docs/operating.md."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey

from node.store.schema import Big, Flag, Str, table

# A problem that was found, by the name of what was looked at; gone once it is mended.
trouble: Final = table(
    "trouble",
    Column("name", Str, primary_key=True),
    Column("since_ms", Big, nullable=False),
    Column("told_ms", Big),  # when admins were last written to; none: it was seen once
)

# A backup that was unpacked and checked, as a restore would do it.
rehearsal: Final = table(
    "rehearsal",
    Column("no", Big, primary_key=True),
    Column("at_ms", Big, nullable=False),
    Column("by_no", Big, ForeignKey("member.no"), nullable=False),
    Column("made_ms", Big),  # when the backup was made; none: it could not be opened
    Column("entries", Big, nullable=False),
    Column("right", Flag, nullable=False),
    Column("said", Str, nullable=False),  # what is wrong, in the words of the command line
)
