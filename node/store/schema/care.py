"""What organisers checked about members who help, and requests for help that they bring to them; the desk's tokens and cash box.

Source: docs/pages.md 7.6; docs/protocol.md 3.9.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, only, table

# Read by organisers and by the member alone; others see whether somebody is a checked helper, and until when.
helper_check: Final = table(
    "helper_check",
    Column("no", Big, primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("what", Str, nullable=False),  # in the words of the scheme's own list
    Column("by_no", Big, ForeignKey("member.no"), nullable=False),
    Column("by_name", Str, nullable=False),
    Column("checked", Str, nullable=False),  # the day: 2026-11-28
    Column("until", Str, nullable=False),  # the last day on which it counts
    Column("note", Str, nullable=False),  # where the paper is, say
    Column("entered_ms", Big, nullable=False),
    Column("withdrawn_ms", Big),
    Column("withdrawn_no", Big, ForeignKey("member.no")),  # by whom
    Column("withdrawn_by", Str, nullable=False),
    Column("withdrawn_why", Str, nullable=False),
    Column("reminded", Flag, nullable=False),  # whether its end was told ahead
    Index("ix_helper_check_member", "member_no", "until"),
    Index("ix_helper_check_until", "until"),
)

# Read by whoever asks, by organisers, and by the helpers who are asked. Not on the board, not in the feed.
help_request: Final = table(
    "help_request",
    Column("no", Big, primary_key=True),
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),  # who needs help
    Column("what", Str, nullable=False),
    Column("when_said", Str, nullable=False),
    Column("place", Str, nullable=False),  # roughly
    Column("category", Str, nullable=False),  # of what helpers can do; empty for none of them
    Column("checked_only", Flag, nullable=False),  # nobody but checked helpers is asked
    Column("named", Flag, nullable=False),  # whether helpers who are asked read the name before they say yes
    Column("state", Str, nullable=False),  # a HelpState of protocol/helping.py
    Column("outcome", Str, nullable=False),  # why an organiser closed it
    Column("once", Blob, nullable=False),  # the form's own key: the same form sent twice asks once
    Column("created_ms", Big, nullable=False),
    Column("changed_ms", Big, nullable=False),
    Index("ix_help_request_member", "member_no", "no"),
    Index("ix_help_request_state", "state", "no"),
    Index("ix_help_request_once", "once", unique=True),
)

help_answer: Final = table(
    "help_answer",
    Column("request_no", Big, ForeignKey("help_request.no"), primary_key=True),
    Column("helper_no", Big, ForeignKey("member.no"), primary_key=True),
    Column("state", Str, nullable=False),  # an AnswerState of protocol/helping.py
    Column("said", Str, nullable=False),  # the helper's words
    Column("asked_ms", Big, nullable=False),
    Column("changed_ms", Big, nullable=False),
    Index("ix_help_answer_helper", "helper_no", "state"),
    # One comes, whatever the code above it does.
    Index("ix_help_answer_one", "request_no", unique=True, **only("state = 'yes'")),
)

# Every act of the desk with tokens or money, in the order in which they were done; each is a numbered receipt. None is ever
# changed or deleted: a mistake has an opposite act.
token_act: Final = table(
    "token_act",
    Column("no", Big, primary_key=True),
    Column("kind", Str, nullable=False),  # a TokenAct of protocol/tokens.py
    Column("count", Big, nullable=False),  # tokens: above zero handed out, below taken back
    Column("amount", Big, nullable=False),  # minor units that the account `tokens` gained
    Column("money", Big, nullable=False),  # the smallest part of the money: above zero into the box
    Column("tokens_after", Big, nullable=False),  # in people's hands
    Column("money_after", Big, nullable=False),  # in the box
    Column("member_no", Big, ForeignKey("member.no")),
    Column("who", Str, nullable=False),  # a buyer who is no member, in words
    Column("text", Str, nullable=False),  # what it was for, or why it was corrected
    Column("entry_seq", Big, ForeignKey("entry.seq")),  # none: only money
    Column("trade_no", Big, ForeignKey("trade.no")),  # where a member's account moved
    Column("by_name", Str, nullable=False),
    Column("at_ms", Big, nullable=False),
    Column("once", Blob, nullable=False),  # the form's own key: the same form sent twice acts once
    Column("corrects_no", Big, ForeignKey("token_act.no")),
    Index("ix_token_act_once", "once", unique=True),
    Index("ix_token_act_corrects", "corrects_no", unique=True, **only("corrects_no IS NOT NULL")),
    Index("ix_token_act_trade", "trade_no", unique=True, **only("trade_no IS NOT NULL")),
    Index("ix_token_act_entry", "entry_seq", unique=True, **only("entry_seq IS NOT NULL")),
    Index("ix_token_act_member", "member_no"),
)
