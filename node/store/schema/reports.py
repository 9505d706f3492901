"""What members report to organisers: a listing, a conversation, what is on the board of a group. Source: docs/pages.md 7.2, 7.3."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Str, table

# Read by organisers only. A listing is named; the words of a conversation or of a note are quoted.
report: Final = table(
    "report",
    Column("no", Big, primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),  # who reports
    Column("about_no", Big, ForeignKey("member.no")),  # a member of ours; none: somebody of another scheme
    Column("about_name", Str, nullable=False),
    Column("scheme", Blob, nullable=False),  # whose listing or writer it is
    Column("item_key", Blob),  # the listing
    Column("thread_no", Big),  # the reporter's conversation
    Column("note_no", Big),  # what is on the board of a group
    Column("reply_no", Big),  # below that note
    Column("remark_no", Big),  # what was said about a proposal
    Column("text", Str, nullable=False),  # what is wrong with it
    Column("quoted", Str, nullable=False),  # the title, or what was written, as it was then
    Column("state", Str, nullable=False),  # open, closed
    Column("created_ms", Big, nullable=False),
    Column("ended_ms", Big),
    Column("ended_by", Str, nullable=False),
    Column("outcome", Str, nullable=False),
    Index("ix_report_member", "member_no", "state"),
    Index("ix_report_state", "state", "no"),
)
