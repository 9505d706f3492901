"""What groups and organisers decide: proposals, who votes, what is said about them, the minutes. Source: docs/protocol.md 5.13."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, table

proposal: Final = table(
    "proposal",
    Column("no", Big, primary_key=True),
    Column("key", Blob, nullable=False),  # 16 random bytes: its name in addresses
    Column("circle_no", Big, ForeignKey("circle.no")),  # none: the organisers put it
    Column("author_no", Big, ForeignKey("member.no"), nullable=False),
    Column("title", Str, nullable=False),
    Column("text", Str, nullable=False),
    Column("options", Str, nullable=False),  # one a line; none: yes or no
    Column("voters", Str, nullable=False),  # a Voters of protocol/proposal.py
    Column("secret", Flag, nullable=False),
    Column("quorum", Big),
    Column("closes_ms", Big, nullable=False),
    Column("state", Str, nullable=False),  # a State of protocol/proposal.py
    Column("once", Blob),
    Column("created_ms", Big, nullable=False),
    Index("ix_proposal_key", "key", unique=True),
    Index("ix_proposal_once", "once", unique=True),
    Index("ix_proposal_circle", "circle_no", "no"),
    Index("ix_proposal_state", "state", "closes_ms"),
    Index("ix_proposal_author", "author_no"),
)

# The roll: who may vote, written down when it was put; whoever leaves before the end is taken off.
voter: Final = table(
    "voter",
    Column("proposal_no", Big, ForeignKey("proposal.no"), primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), primary_key=True),
    Column("choice", Str),  # none: not yet, or no more known as the vote was secret
    Column("at_ms", Big),  # when they voted last
    Index("ix_voter_member", "member_no"),
)

proposal_comment: Final = table(
    "proposal_comment",
    Column("no", Big, primary_key=True),
    Column("proposal_no", Big, ForeignKey("proposal.no"), nullable=False),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("text", Str, nullable=False),
    Column("once", Blob),
    Column("created_ms", Big, nullable=False),
    Column("removed_ms", Big),  # taken off: then only whoever said it reads it
    Column("removed_by_no", Big, ForeignKey("member.no")),
    Column("reason", Str, nullable=False),  # why it was taken off
    Index("ix_proposal_comment_proposal", "proposal_no", "no"),
    Index("ix_proposal_comment_member", "member_no"),
    Index("ix_proposal_comment_once", "once", unique=True),
)

# Written once, when the vote closes; its words are added once and stay.
minutes: Final = table(
    "minutes",
    Column("proposal_no", Big, ForeignKey("proposal.no"), primary_key=True),
    Column("at_ms", Big, nullable=False),  # the closing moment
    Column("entitled", Big, nullable=False),
    Column("voted", Big, nullable=False),
    Column("votes", Str, nullable=False),  # JSON: how many for each choice
    Column("outcome", Str, nullable=False),  # an Outcome of protocol/proposal.py
    Column("winner", Str, nullable=False),
    Column("words", Str, nullable=False),
    Column("words_by_no", Big, ForeignKey("member.no")),
    Column("words_ms", Big),
)
