"""The second step of organisers' logging in: a telephone's secret, spare codes, and who is asked just now. Source: docs/pages.md 8.13."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Small, Str, table

second_step: Final = table(
    "second_step",
    Column("member_no", Big, ForeignKey("member.no"), primary_key=True),
    Column("secret", Blob, nullable=False),  # sealed under the scheme's safe key, bound to the member
    Column("drawn_ms", Big, nullable=False),
    Column("since_ms", Big),  # none: not confirmed by a code yet, and asked of nobody
    Column("used", Big, nullable=False),  # the step of the last code that was taken; earlier ones are refused
    rowid=True,
)

spare_code: Final = table(
    "spare_code",
    Column(
        "mark", Blob, primary_key=True
    ),  # keyed digest of member and code: worthless without the node's pepper
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("used_ms", Big),
    Index("ix_spare_code_member", "member_no"),
)

# Who has shown the first proof, and is asked for the second.
pending_step: Final = table(
    "pending_step",
    Column("token", Blob, primary_key=True),  # digest of the browser's cookie
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("own_computer", Flag, nullable=False),
    Column("proof", Str, nullable=False),  # the first one, a word of the ledger's PROOFS
    Column("tries", Small, nullable=False),
    Column("expires_ms", Big, nullable=False),
    Index("ix_pending_step_member", "member_no"),
    Index("ix_pending_step_expires", "expires_ms"),
)
