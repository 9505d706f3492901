"""Passwords, as hashes; a member who has none has no row. Source: docs/pages.md 8.13."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey

from node.store.schema import Big, Str, table

password: Final = table(
    "password",
    Column("member_no", Big, ForeignKey("member.no"), primary_key=True),
    Column("hash", Str, nullable=False),  # Argon2id, with the pepper that is in no database
    Column("set_ms", Big, nullable=False),
)
