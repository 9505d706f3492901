"""Requests about listings across schemes: ours abroad, and those of people abroad here. Source: docs/protocol.md 7.10."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Str, table

# A request is never deleted: what became of it stays readable. Of one that came from abroad the truth is in the tables
# of its kind (`about_no`); of one of ours abroad it is elsewhere, and this is what was heard of it.
request: Final = table(
    "request",
    Column("no", Big, primary_key=True),
    Column("id", Blob, nullable=False),  # 16 random bytes, drawn by whoever asks: by it both schemes name it
    Column("role", Str, nullable=False),  # out: a member of ours asks abroad; in: one of ours is asked
    Column("account_no", Big, ForeignKey("account.no"), nullable=False),  # of ours: who asks, or is asked
    Column("scheme", Blob, nullable=False),  # of the other side
    Column("their_handle", Blob),  # of whoever asks from abroad
    Column("their_name", Str, nullable=False),
    Column("thread_no", Big, ForeignKey("thread.no")),  # the conversation that carries it; none: erased
    Column("kind", Str, nullable=False),  # gift, event, swap; lend, rent, stay
    Column("item_key", Blob, nullable=False),
    Column("title", Str, nullable=False),  # as it was shown when it was asked for
    Column("word", Str, nullable=False),  # a Wants of protocol/beyond.py
    Column("wanted", Str, nullable=False),  # the asker's words
    Column("places", Big, nullable=False),
    Column("start", Big),  # wall hours of the listing's scheme
    Column("end", Big),
    # Of that time, or of coming, in the listing's unit, as it was read when it was asked for; below zero whoever asks gets it:
    # of a swap then in their own unit.
    Column("price", Big),
    Column("given", Str, nullable=False),  # what whoever asks would give, of a swap
    Column("given_key", Blob),  # of that listing of theirs
    Column("confirmed", Flag, nullable=False),  # in: the owner says that the swap happened
    # Of a swap: the terms that the other side said last, as above, and what else its answers to each other need.
    Column("offered", Str, nullable=False),
    Column("offered_key", Blob),
    Column("offered_price", Big),
    Column("their_heard", Big, nullable=False),  # in: our turn that the asker's newest letter had read
    Column("proposal", Big, nullable=False),  # how many proposals there were
    Column("proposed_turn", Big, nullable=False),  # in: our turn that said our newest proposal first
    Column("proposed_ms", Big, nullable=False),  # of the newest proposal
    Column("stands", Str),  # a Stands of protocol/beyond.py; none: not heard yet
    Column("said", Str, nullable=False),  # the words of whoever answered
    Column("my_turn", Big, nullable=False),  # of the newest letter of our side; 0: none
    Column("their_turn", Big, nullable=False),  # of the newest we read
    Column("heard", Big, nullable=False),  # the asker's turn that the newest answer had read
    Column("about_no", Big),  # in: the number of the wish, in the table of its kind
    Column("message_no", Big),  # out: our newest letter, which says what became of it
    Column("created_ms", Big, nullable=False),
    Column("changed_ms", Big, nullable=False),
    Index("ix_request_id", "id", "scheme", "role", unique=True),
    Index("ix_request_account", "account_no", "role", "no"),
    Index("ix_request_about", "kind", "about_no"),
    Index("ix_request_scheme", "scheme", "role", "created_ms"),
)

# What is asked as a deposit for what is booked across schemes. Of one of ours abroad it is a *pledge*, held in our ledger; of
# one that came from abroad this is what they say of it, and the booking says what was made of that.
pledge: Final = table(
    "pledge",
    Column("request_no", Big, ForeignKey("request.no"), primary_key=True),
    Column("role", Str, nullable=False),  # of the request
    Column("amount", Big, nullable=False),  # in minor units of the listing's scheme
    Column("aside", Big, nullable=False),  # what is set aside for it from the yes on, in ours; in: 0
    Column(
        "state", Str, nullable=False
    ),  # out: a word of protocol/pledge.py; in: of protocol/deposit.py, as they said
    Column("keep", Big, nullable=False),  # out: what the owner asks to keep, or was given, in their units
    Column("payee_handle", Blob),  # out: of the owner, as the answer that asked says
    Column("agreed_by", Big),  # out: the number of the member who said yes: who borrows, or an organiser
    Column("tries", Big, nullable=False),  # out: payments that came to nothing
    Column("paying", Big, nullable=False),  # out: what the payment under way has taken of `aside`
    Column("trade_no", Big, ForeignKey("trade.no")),  # out: of the newest payment
    Column("hindered", Str, nullable=False),  # out: why the newest attempt to pay was not begun
    Index("ix_pledge_state", "state"),
    Index("ix_pledge_trade", "trade_no"),
)
