"""Passkeys: the public halves of keys in members' telephones, and what they are asked to sign. Source: docs/pages.md 8.13."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Str, table

passkey: Final = table(
    "passkey",
    Column("no", Big, primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("credential", Blob, nullable=False),  # its id, drawn by the telephone
    Column("public_key", Blob, nullable=False),  # with the id, as the telephone encoded them
    Column(
        "owner", Blob, nullable=False
    ),  # what the telephone keeps in place of a name: drawn, the same for all of a member
    Column("counter", Big, nullable=False),  # of signatures, as last told; 0 where it does not count
    Column("name", Str, nullable=False),
    Column("created_ms", Big, nullable=False),
    Column("used_ms", Big),
    Column("copied_ms", Big),  # its counter went back: there may be a copy, and it opens nothing any more
    Index("ix_passkey_member", "member_no"),
    Index("ix_passkey_credential", "credential", unique=True),
)

# One use, and bound to the browser that asked.
passkey_challenge: Final = table(
    "passkey_challenge",
    Column(
        "token", Blob, primary_key=True
    ),  # digest of a cookie: the session's for a new one, its own for logging in
    Column("challenge", Blob, nullable=False),
    Column("member_no", Big, ForeignKey("member.no")),  # whose new one, or trade, it is; none: for logging in
    Column("owner", Blob),  # of a new one
    Column("salt", Blob),  # of the book of a trade that is to be signed; the challenge is its digest (3.5)
    Column("expires_ms", Big, nullable=False),
    Index("ix_passkey_challenge_member", "member_no"),
    Index("ix_passkey_challenge_expires", "expires_ms"),
)
