"""Swaps between members. Source: docs/protocol.md 5.14."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, table

# Never deleted: what was swapped stays readable for both.
swap: Final = table(
    "swap",
    Column("no", Big, primary_key=True),
    Column("item_key", Blob, nullable=False),  # of the listing somebody asked for
    Column("title", Str, nullable=False),  # its title as it was then
    Column("owner_no", Big, ForeignKey("account.no"), nullable=False),
    Column("asker_no", Big, ForeignKey("account.no"), nullable=False),
    Column("thread_id", Blob, nullable=False),  # the conversation about it
    Column(
        "state", Str, nullable=False
    ),  # a word of protocol/swap.py; that a proposal ran out is written later
    Column("proposed_by", Str, nullable=False),  # asker, owner: the latest proposal
    Column("turn", Big, nullable=False),  # how many proposals there were
    Column("given", Str, nullable=False),  # what the asker gives
    Column("given_key", Blob),  # their listing, where it is one
    Column("amount", Big, nullable=False),  # of the difference; 0 for none
    Column("payer", Str),  # asker, owner: of the difference
    Column("asker_happened", Flag, nullable=False),
    Column("owner_happened", Flag, nullable=False),
    Column(
        "proved_by", Str, nullable=False
    ),  # how the payer proved who they were when they said that it happened
    Column("trade_no", Big, ForeignKey("trade.no")),  # of the difference
    Column("pay_once", Blob, nullable=False),  # the key of that trade
    Column("once", Blob, nullable=False),  # of the form it was first proposed by
    Column("created_ms", Big, nullable=False),
    Column("changed_ms", Big, nullable=False),
    Column("until_ms", Big, nullable=False),  # the latest proposal
    Column("remind_ms", Big),  # when somebody is to be reminded; none: nobody is
    Index("ix_swap_asker", "asker_no", "no"),
    Index("ix_swap_owner", "owner_no", "no"),
    Index("ix_swap_item", "item_key"),
    Index("ix_swap_given", "given_key"),
    Index("ix_swap_thread", "thread_id"),
    Index("ix_swap_remind", "remind_ms"),
    Index("ix_swap_once", "once", unique=True),
)
