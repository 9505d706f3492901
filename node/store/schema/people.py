"""Members, applications, sign-in, settings, and who did what for whom. Source: docs/pages.md 0.8, 4, 7.1–7.4."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index

from node.store.schema import Big, Blob, Flag, Small, Str, table

# What organisers change in the browser: one row for each setting, its value as JSON.
setting: Final = table("setting", Column("key", Str, primary_key=True), Column("value", Str, nullable=False))

member: Final = table(
    "member",
    Column("no", Big, primary_key=True),  # shown as four digits or more
    Column("account_no", Big, ForeignKey("account.no"), nullable=False),
    Column("name", Str, nullable=False),
    Column("public_name", Str, nullable=False),  # what neighbours and visitors may see; may be empty
    Column("folded", Str, nullable=False),  # name and number as they are searched for
    Column("email", Str),  # in lower case
    Column("phone", Str, nullable=False),
    Column("address", Str, nullable=False),
    Column("place", Str, nullable=False),
    Column("north", Big),  # hundredths of a degree on the kilometre grid, never finer
    Column("east", Big),
    Column("about", Str, nullable=False),
    Column("reach", Str, nullable=False),  # email, phone or letter
    Column("language", Str, nullable=False),
    Column("state", Str, nullable=False),
    Column("state_reason", Str, nullable=False),
    Column("away_until", Big),
    Column("role", Str, nullable=False),  # member, organiser, admin
    Column("pin_hash", Str),
    Column("joined_ms", Big, nullable=False),
    Column("seen_ms", Big, nullable=False),  # last signed in; 0 never
    Index("ix_member_account", "account_no", unique=True),
    Index("ix_member_email", "email", unique=True),
)

application: Final = table(
    "application",
    Column("no", Big, primary_key=True),
    Column("state", Str, nullable=False),  # waiting, welcomed, declined
    Column("name", Str, nullable=False),
    Column("place", Str, nullable=False),
    Column("north", Big),
    Column("east", Big),
    Column("reach", Str, nullable=False),
    Column("email", Str),
    Column("phone", Str, nullable=False),
    Column("address", Str, nullable=False),
    Column("offer", Str, nullable=False),
    Column("want", Str, nullable=False),
    Column("language", Str, nullable=False),
    Column("once", Blob),  # the form's own key: the same form sent twice is one application
    Column("created_ms", Big, nullable=False),
    Column("decided_ms", Big),
    Column("decided_by", Str),
    Column("reason", Str, nullable=False),
    Column("member_no", Big, ForeignKey("member.no")),
    Index("ix_application_state", "state", "no"),
    Index("ix_application_once", "once", unique=True),
)

# Every act of an organiser for or about somebody.
act: Final = table(
    "act",
    Column("no", Big, primary_key=True),
    Column("at_ms", Big, nullable=False),
    Column("by_no", Big, ForeignKey("member.no")),  # none: at the command line
    Column("by_name", Str, nullable=False),
    Column("for_no", Big, ForeignKey("member.no")),
    Column("what", Str, nullable=False),  # a word of `Deed`
    Column("detail", Str, nullable=False),
    Column("why", Str, nullable=False),
    Index("ix_act_for", "for_no", "no"),
)

# What two organisers must want: one asks, another confirms. One row is kept of each, whatever came of it.
joint_act: Final = table(
    "joint_act",
    Column("no", Big, primary_key=True),
    Column("kind", Str, nullable=False),  # a word of `services/joint_acts.py`
    Column("about", Blob, nullable=False),  # the trade's number or the neighbour's id
    Column("amount", Big, nullable=False),
    Column("state", Str, nullable=False),  # asked, done, dropped
    Column("asked_by", Big, ForeignKey("member.no"), nullable=False),
    Column("asked_ms", Big, nullable=False),
    Column("ended_by", Big, ForeignKey("member.no")),
    Column("ended_ms", Big),
    Index("ix_joint_act_state", "state", "kind"),
)

# Who was erased, and what other schemes had been given before: no erasure takes that back.
erasure: Final = table(
    "erasure",
    Column("member_no", Big, ForeignKey("member.no"), primary_key=True),
    Column("at_ms", Big, nullable=False),
    Column("entries", Big, nullable=False),  # whose words were erased
    Column("outside", Str, nullable=False),  # JSON: [scheme, conversations, trades, whether it has a handle]
)

# The token itself is only in the browser's cookie.
session: Final = table(
    "session",
    Column("token", Blob, primary_key=True),  # its digest
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("own_computer", Flag, nullable=False),
    Column("proof", Str, nullable=False),  # how the member signed in, a word of the ledger's PROOFS
    Column("stepped", Flag, nullable=False),  # whether a second step was taken too
    Column(
        "device", Str, nullable=False
    ),  # "firefox/linux": what its browser is called, and no more of what it told
    Column("acting_no", Big, ForeignKey("member.no")),  # for whom an organiser acts in this browser
    Column("acting_how", Str),  # a word of `services/behalf.py`
    Column("acting_why", Str),
    Column("acting_until_ms", Big),
    Column("created_ms", Big, nullable=False),
    Column("seen_ms", Big, nullable=False),
    Column("expires_ms", Big, nullable=False),
    Index("ix_session_member", "member_no"),
    Index("ix_session_expires", "expires_ms"),
)

# A code that was asked for. Without a member: nobody has that address, or too many mails went there already.
pending_sign_in: Final = table(
    "pending_sign_in",
    Column("token", Blob, primary_key=True),  # digest of the cookie of the browser that asked
    Column("member_no", Big, ForeignKey("member.no")),
    Column("code", Blob, nullable=False),  # digest of cookie and code: worthless without the cookie
    Column("tries", Small, nullable=False),
    Column("expires_ms", Big, nullable=False),
    Index("ix_pending_sign_in_member", "member_no"),
    Index("ix_pending_sign_in_expires", "expires_ms"),
)

# One use: from a mail, an invitation, or the command line.
sign_in_link: Final = table(
    "sign_in_link",
    Column("token", Blob, primary_key=True),  # its digest
    Column("member_no", Big, ForeignKey("member.no"), nullable=False),
    Column("kind", Str, nullable=False),  # mail, invitation, desk
    Column("expires_ms", Big, nullable=False),
    Index("ix_sign_in_link_member", "member_no"),
    Index("ix_sign_in_link_expires", "expires_ms"),
)

# From which networks a member has signed in: attempts from elsewhere cannot delay theirs.
sign_in_place: Final = table(
    "sign_in_place",
    Column("member_no", Big, ForeignKey("member.no"), primary_key=True),
    Column("mark", Blob, primary_key=True),
    Column("seen_ms", Big, nullable=False),
)

throttle: Final = table(
    "throttle",
    Column("mark", Blob, primary_key=True),  # keyed digest of what is counted: an account, a network
    Column("count", Small, nullable=False),
    Column("last_ms", Big, nullable=False),
    Column("until_ms", Big, nullable=False),
    Index("ix_throttle_last", "last_ms"),
)
