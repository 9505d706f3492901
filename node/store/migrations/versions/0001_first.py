"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "account",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("balance", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("held", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("credit_limit", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ceiling", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("warn_below", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("warn_above", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("closed", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_account")),
        sa.UniqueConstraint("id", name=op.f("uq_account_id")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "boot",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_boot")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "carried",
        sa.Column("sender", sa.LargeBinary(), nullable=False),
        sa.Column("letter", sa.LargeBinary(), nullable=False),
        sa.Column("message_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("from_peer", sa.LargeBinary(), nullable=True),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("expires", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("next_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tries", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("handed", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ack", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sender", "letter", name=op.f("pk_carried")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("carried", schema=None) as batch_op:
        batch_op.create_index("ix_carried_next", ["next_ms"], unique=False)
        batch_op.create_index("ix_carried_peer", ["from_peer"], unique=False)

    op.create_table(
        "checkpoint_seen",
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("scheme", "size", name=op.f("pk_checkpoint_seen")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "circle",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_circle")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("circle", schema=None) as batch_op:
        batch_op.create_index("ix_circle_key", ["key"], unique=True)
        batch_op.create_index("ix_circle_once", ["once"], unique=True)

    op.create_table(
        "entry",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("time", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.Column("book", sa.LargeBinary(), nullable=False),
        sa.Column("book_salt", sa.LargeBinary(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("words_salt", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_entry")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.create_index("ix_entry_time", ["time", "kind"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("accused", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("excused", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shown_by", sa.LargeBinary(), nullable=True),
        sa.Column("seen_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("settled_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_evidence")),
        sa.UniqueConstraint("id", name=op.f("uq_evidence_id")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index("ix_evidence_accused", ["accused"], unique=False)

    op.create_table(
        "evidence_told",
        sa.Column("evidence_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("peer", sa.LargeBinary(), nullable=False),
        sa.Column("told_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("evidence_no", "peer", name=op.f("pk_evidence_told")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fee_rule",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("every", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("next_day", sa.Integer(), nullable=True),
        sa.Column("once", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("began_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_fee_rule")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("fee_rule", schema=None) as batch_op:
        batch_op.create_index("ix_fee_rule_next", ["next_day"], unique=False)
        batch_op.create_index("ix_fee_rule_once", ["once"], unique=True)

    op.create_table(
        "feed",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=True),
        sa.Column("head_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("head_time", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("valid_until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("complete", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("top", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("live", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("changes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("writes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("indexed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("heard_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_feed")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.create_index("ix_feed_scheme", ["scheme"], unique=True)

    op.create_table(
        "feed_evidence",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("first", sa.LargeBinary(), nullable=False),
        sa.Column("second", sa.LargeBinary(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_feed_evidence")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("feed_evidence", schema=None) as batch_op:
        batch_op.create_index("ix_feed_evidence_scheme", ["scheme"], unique=False)

    op.create_table(
        "identity_conflict",
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first", sa.LargeBinary(), nullable=False),
        sa.Column("second", sa.LargeBinary(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("scheme", "seq", name=op.f("pk_identity_conflict")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "identity_event",
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("scheme", "seq", name=op.f("pk_identity_event")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("identity_event", schema=None) as batch_op:
        batch_op.create_index("ix_identity_event_seq", ["seq", "seen_ms"], unique=False)

    op.create_table(
        "identity_key",
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("public_key", name=op.f("pk_identity_key")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("identity_key", schema=None) as batch_op:
        batch_op.create_index("ix_identity_key_scheme", ["scheme"], unique=False)

    op.create_table(
        "import_run",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("faults", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("listings", sa.Integer(), nullable=False),
        sa.Column("trades", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("remainder", sa.Text(), nullable=False),
        sa.Column("remainder_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("theirs", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ours", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("rounding", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rounding_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("looked_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_import_run")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.create_index("ix_import_run_digest", ["digest"], unique=False)
        batch_op.create_index("ix_import_run_state", ["state", "looked_ms"], unique=False)

    op.create_table(
        "kept",
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("whole", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("scheme", "generation", "part", name=op.f("pk_kept")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "line",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("peer", sa.LargeBinary(), nullable=False),
        sa.Column("low", sa.LargeBinary(), nullable=False),
        sa.Column("high", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("own_length", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("own_id", sa.LargeBinary(), nullable=False),
        sa.Column("peer_length", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("peer_id", sa.LargeBinary(), nullable=False),
        sa.Column("peer_ack", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mine", sa.LargeBinary(), nullable=False),
        sa.Column("theirs", sa.LargeBinary(), nullable=False),
        sa.Column("synced", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("announced", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("returned", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("horizon", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("own_ceiling", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("written_off", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("marked", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("marked_peer", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agreed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("agreed_owed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("opened_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("heard_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_line")),
        sa.UniqueConstraint("id", name=op.f("uq_line_id")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("line", schema=None) as batch_op:
        batch_op.create_index("ix_line_peer", ["peer"], unique=False)

    op.create_table(
        "listing_new",
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("scheme", "item_key", name=op.f("pk_listing_new")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_hash",
        sa.Column("level", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "no", name=op.f("pk_log_hash")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_head",
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("stored_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("cosigned", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_head")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "log_witness",
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("cosigned_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("scheme", name=op.f("pk_log_witness")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "missing",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_missing")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "peer",
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("lan", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("descriptor", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("added_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("heard_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("scheme", name=op.f("pk_peer")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "picture_abroad",
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("kept_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("length", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("page_width", sa.Integer(), nullable=False),
        sa.Column("page_height", sa.Integer(), nullable=False),
        sa.Column("sent", sa.LargeBinary(), nullable=False),
        sa.Column("small", sa.LargeBinary(), nullable=True),
        sa.Column("page", sa.LargeBinary(), nullable=True),
        sa.Column("full", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_picture_abroad")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("picture_abroad", schema=None) as batch_op:
        batch_op.create_index("ix_picture_abroad_kept", ["kept_ms", "length"], unique=False)

    op.create_table(
        "quarantine",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("peer", sa.LargeBinary(), nullable=False),
        sa.Column("line_id", sa.LargeBinary(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_quarantine")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "received",
        sa.Column("sender", sa.LargeBinary(), nullable=False),
        sa.Column("letter", sa.LargeBinary(), nullable=False),
        sa.Column("ack", sa.LargeBinary(), nullable=False),
        sa.Column("expires", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("sender", "letter", name=op.f("pk_received")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("received", schema=None) as batch_op:
        batch_op.create_index("ix_received_expires", ["expires"], unique=False)

    op.create_table(
        "recovered",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("peer", sa.LargeBinary(), nullable=False),
        sa.Column("made_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hours", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("known", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("beyond", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_recovered")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "search_doc",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.Column("feed_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shared", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("north", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("east", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("expires", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_search_doc")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("search_doc", schema=None) as batch_op:
        batch_op.create_index("ix_search_doc_created", ["created"], unique=False)
        batch_op.create_index("ix_search_doc_expires", ["expires"], unique=False)
        batch_op.create_index("ix_search_doc_feed", ["feed_no", "feed_seq"], unique=False)
        batch_op.create_index("ix_search_doc_key", ["scheme", "item_key"], unique=True)
        batch_op.create_index("ix_search_doc_place", ["north", "east"], unique=False)

    op.create_table(
        "setting",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_setting")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sync_kept",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_sync_kept")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("sync_kept", schema=None) as batch_op:
        batch_op.create_index("ix_sync_kept_line", ["line_no"], unique=False)

    op.create_table(
        "throttle",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_throttle")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("throttle", schema=None) as batch_op:
        batch_op.create_index("ix_throttle_last", ["last_ms"], unique=False)

    op.create_table(
        "trouble",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("told_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_trouble")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "witnessed",
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("cosigned_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("refused", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scheme", name=op.f("pk_witnessed")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "appointment",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("thread_id", sa.LargeBinary(), nullable=False),
        sa.Column("other_scheme", sa.LargeBinary(), nullable=True),
        sa.Column("proposer_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("other_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("pay_once", sa.LargeBinary(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("changed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["other_no"], ["account.no"], name=op.f("fk_appointment_other_no")),
        sa.ForeignKeyConstraint(["proposer_no"], ["account.no"], name=op.f("fk_appointment_proposer_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_appointment")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.create_index("ix_appointment_id", ["id"], unique=True)
        batch_op.create_index("ix_appointment_once", ["once"], unique=True)
        batch_op.create_index("ix_appointment_other", ["other_no", "state"], unique=False)
        batch_op.create_index("ix_appointment_proposer", ["proposer_no", "state"], unique=False)
        batch_op.create_index("ix_appointment_thread", ["thread_id"], unique=False)

    op.create_table(
        "booking",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("borrower_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("start_hour", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("end_hour", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("guests", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("price", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("deposit", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("deposit_state", sa.Text(), nullable=False),
        sa.Column("keep", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("approval", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("changed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reminded_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["owner_no"], ["account.no"], name=op.f("fk_booking_owner_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_booking")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("booking", schema=None) as batch_op:
        batch_op.create_index("ix_booking_borrower", ["borrower_no", "no"], unique=False)
        batch_op.create_index("ix_booking_item", ["item_key", "end_hour"], unique=False)
        batch_op.create_index("ix_booking_once", ["once"], unique=True)
        batch_op.create_index("ix_booking_owner", ["owner_no", "no"], unique=False)
        batch_op.create_index("ix_booking_state", ["state", "end_hour"], unique=False)

    op.create_table(
        "circle_account",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("circle_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("two_above", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_circle_account_account_no")),
        sa.ForeignKeyConstraint(["circle_no"], ["circle.no"], name=op.f("fk_circle_account_circle_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_circle_account")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("circle_account", schema=None) as batch_op:
        batch_op.create_index("ix_circle_account_account", ["account_no"], unique=True)
        batch_op.create_index("ix_circle_account_circle", ["circle_no"], unique=False)
        batch_op.create_index("ix_circle_account_key", ["key"], unique=True)

    op.create_table(
        "decision",
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lock_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["line_no"], ["line.no"], name=op.f("fk_decision_line_no")),
        sa.PrimaryKeyConstraint("line_no", "lock_seq", name=op.f("pk_decision")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "forward",
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lock_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("out_line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("out_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.Column("started_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["line_no"], ["line.no"], name=op.f("fk_forward_line_no")),
        sa.PrimaryKeyConstraint("line_no", "lock_seq", name=op.f("pk_forward")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("forward", schema=None) as batch_op:
        batch_op.create_index("ix_forward_out", ["out_line_no", "out_seq"], unique=True)
        batch_op.create_index(
            "ix_forward_state",
            ["state"],
            unique=False,
            sqlite_where=sa.text("state = 'wait'"),
            postgresql_where=sa.text("state = 'wait'"),
        )

    op.create_table(
        "handle",
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_handle_account_no")),
        sa.PrimaryKeyConstraint("scheme", "account_no", name=op.f("pk_handle")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("handle", schema=None) as batch_op:
        batch_op.create_index("ix_handle_handle", ["handle"], unique=False)

    op.create_table(
        "item",
        sa.Column("feed_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("expires", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("empty", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["feed_no"], ["feed.no"], name=op.f("fk_item_feed_no")),
        sa.PrimaryKeyConstraint("feed_no", "feed_seq", name=op.f("pk_item")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.create_index("ix_item_key", ["feed_no", "item_key"], unique=False)
        batch_op.create_index("ix_item_kind", ["kind", "feed_no", "feed_seq"], unique=False)

    op.create_table(
        "leg",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("balance_after", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_leg_account_no")),
        sa.ForeignKeyConstraint(["entry_seq"], ["entry.seq"], name=op.f("fk_leg_entry_seq")),
        sa.PrimaryKeyConstraint("account_no", "entry_seq", name=op.f("pk_leg")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "member",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("north", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("east", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("reach", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("away_until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("pin_hash", sa.Text(), nullable=True),
        sa.Column("joined_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_member_account_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_member")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("member", schema=None) as batch_op:
        batch_op.create_index("ix_member_account", ["account_no"], unique=True)
        batch_op.create_index("ix_member_email", ["email"], unique=True)

    op.create_table(
        "op",
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mine", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("epoch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["line_no"], ["line.no"], name=op.f("fk_op_line_no")),
        sa.PrimaryKeyConstraint("line_no", "mine", "epoch", "seq", name=op.f("pk_op")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "promise",
        sa.Column("quote_id", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quote", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("payer_name", sa.Text(), nullable=False),
        sa.Column("payer_handle", sa.LargeBinary(), nullable=False),
        sa.Column("via", sa.LargeBinary(), nullable=False),
        sa.Column("valid_until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("acceptance", sa.LargeBinary(), nullable=True),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("lock_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_promise_account_no")),
        sa.PrimaryKeyConstraint("quote_id", name=op.f("pk_promise")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.create_index(
            "ix_promise_trade",
            ["trade_no"],
            unique=False,
            sqlite_where=sa.text("trade_no IS NOT NULL"),
            postgresql_where=sa.text("trade_no IS NOT NULL"),
        )
        batch_op.create_index("ix_promise_valid", ["state", "valid_until"], unique=False)

    op.create_table(
        "reopening",
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mine", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("epoch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["line_no"], ["line.no"], name=op.f("fk_reopening_line_no")),
        sa.PrimaryKeyConstraint("line_no", "mine", "epoch", name=op.f("pk_reopening")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "standing",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("payer_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payee_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("every", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=True),
        sa.Column("last_day", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("next_day", sa.Integer(), nullable=True),
        sa.Column("waiting_since", sa.Integer(), nullable=True),
        sa.Column("hindrance", sa.Text(), nullable=False),
        sa.Column("proved_by", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["payee_no"], ["account.no"], name=op.f("fk_standing_payee_no")),
        sa.ForeignKeyConstraint(["payer_no"], ["account.no"], name=op.f("fk_standing_payer_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_standing")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("standing", schema=None) as batch_op:
        batch_op.create_index("ix_standing_next", ["next_day"], unique=False)
        batch_op.create_index("ix_standing_once", ["once"], unique=True)
        batch_op.create_index("ix_standing_payee", ["payee_no"], unique=False)
        batch_op.create_index("ix_standing_payer", ["payer_no", "no"], unique=False)

    op.create_table(
        "thing_group",
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.Column("circle_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("members_only", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["circle_no"], ["circle.no"], name=op.f("fk_thing_group_circle_no")),
        sa.PrimaryKeyConstraint("item_key", name=op.f("pk_thing_group")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("thing_group", schema=None) as batch_op:
        batch_op.create_index("ix_thing_group_circle", ["circle_no"], unique=False)

    op.create_table(
        "thread",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("their_handle", sa.LargeBinary(), nullable=True),
        sa.Column("their_account", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("their_name", sa.Text(), nullable=False),
        sa.Column("listing_scheme", sa.LargeBinary(), nullable=True),
        sa.Column("listing_key", sa.LargeBinary(), nullable=True),
        sa.Column("begun_here", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("blocked", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unread", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_thread_account_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_thread")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("thread", schema=None) as batch_op:
        batch_op.create_index("ix_thread_account", ["account_no", "last_ms"], unique=False)
        batch_op.create_index("ix_thread_begun", ["begun_here", "created_ms"], unique=False)
        batch_op.create_index("ix_thread_id", ["id", "scheme"], unique=False)

    op.create_table(
        "trade",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payer_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payee_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("listing", sa.LargeBinary(), nullable=True),
        sa.Column("other_scheme", sa.LargeBinary(), nullable=True),
        sa.Column("other_name", sa.Text(), nullable=True),
        sa.Column("other_amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("other_unit", sa.Text(), nullable=True),
        sa.Column("hours", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("entry_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("late", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=True),
        sa.Column("corrects_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("corrected_by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["payee_no"], ["account.no"], name=op.f("fk_trade_payee_no")),
        sa.ForeignKeyConstraint(["payer_no"], ["account.no"], name=op.f("fk_trade_payer_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_trade")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("trade", schema=None) as batch_op:
        batch_op.create_index(
            "ix_trade_entry",
            ["entry_seq"],
            unique=False,
            sqlite_where=sa.text("entry_seq IS NOT NULL"),
            postgresql_where=sa.text("entry_seq IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_trade_in",
            ["payee_no", "no"],
            unique=False,
            sqlite_where=sa.text("kind = 'in'"),
            postgresql_where=sa.text("kind = 'in'"),
        )
        batch_op.create_index(
            "ix_trade_once",
            ["once"],
            unique=True,
            sqlite_where=sa.text("once IS NOT NULL"),
            postgresql_where=sa.text("once IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_trade_out",
            ["payer_no", "no"],
            unique=False,
            sqlite_where=sa.text("kind = 'out'"),
            postgresql_where=sa.text("kind = 'out'"),
        )
        batch_op.create_index("ix_trade_reference", ["reference"], unique=True)

    op.create_table(
        "wish",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.Column("giver_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("taker_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("other_scheme", sa.LargeBinary(), nullable=True),
        sa.Column("their_name", sa.Text(), nullable=False),
        sa.Column("thread_id", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("asked_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("changed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["giver_no"], ["account.no"], name=op.f("fk_wish_giver_no")),
        sa.ForeignKeyConstraint(["taker_no"], ["account.no"], name=op.f("fk_wish_taker_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_wish")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("wish", schema=None) as batch_op:
        batch_op.create_index("ix_wish_giver", ["giver_no", "state"], unique=False)
        batch_op.create_index("ix_wish_key", ["item_key", "no"], unique=False)
        batch_op.create_index(
            "ix_wish_one",
            ["item_key"],
            unique=True,
            sqlite_where=sa.text("state IN ('promised', 'received')"),
            postgresql_where=sa.text("state IN ('promised', 'received')"),
        )
        batch_op.create_index("ix_wish_taker", ["taker_no", "state"], unique=False)

    op.create_table(
        "act",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("for_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["by_no"], ["member.no"], name=op.f("fk_act_by_no")),
        sa.ForeignKeyConstraint(["for_no"], ["member.no"], name=op.f("fk_act_for_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_act")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("act", schema=None) as batch_op:
        batch_op.create_index("ix_act_for", ["for_no", "no"], unique=False)

    op.create_table(
        "application",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("north", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("east", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reach", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("offer", sa.Text(), nullable=False),
        sa.Column("want", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("decided_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_application_member_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_application")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.create_index("ix_application_once", ["once"], unique=True)
        batch_op.create_index("ix_application_state", ["state", "no"], unique=False)

    op.create_table(
        "ask",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payee_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payer_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("other_scheme", sa.LargeBinary(), nullable=True),
        sa.Column("their_handle", sa.LargeBinary(), nullable=True),
        sa.Column("their_name", sa.Text(), nullable=False),
        sa.Column("thread_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("answer_once", sa.LargeBinary(), nullable=True),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("once", sa.LargeBinary(), nullable=True),
        sa.Column("cheque", sa.Text(), nullable=True),
        sa.Column("dated", sa.Text(), nullable=True),
        sa.Column("written", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reminded_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("counts", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("warned", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("warning_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["payee_no"], ["account.no"], name=op.f("fk_ask_payee_no")),
        sa.ForeignKeyConstraint(["payer_no"], ["account.no"], name=op.f("fk_ask_payer_no")),
        sa.ForeignKeyConstraint(["thread_no"], ["thread.no"], name=op.f("fk_ask_thread_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_ask_trade_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_ask")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("ask", schema=None) as batch_op:
        batch_op.create_index("ix_ask_id", ["id"], unique=True)
        batch_op.create_index("ix_ask_once", ["payee_no", "once"], unique=True)
        batch_op.create_index("ix_ask_payee", ["payee_no", "no"], unique=False)
        batch_op.create_index("ix_ask_payer", ["payer_no", "no"], unique=False)

    op.create_table(
        "booking_act",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("booking_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["booking_no"], ["booking.no"], name=op.f("fk_booking_act_booking_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_booking_act")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("booking_act", schema=None) as batch_op:
        batch_op.create_index("ix_booking_act_booking", ["booking_no", "no"], unique=False)
        batch_op.create_index("ix_booking_act_once", ["once"], unique=True)

    op.create_table(
        "booking_slot",
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.Column("hour", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("booking_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["booking_no"], ["booking.no"], name=op.f("fk_booking_slot_booking_no")),
        sa.PrimaryKeyConstraint("item_key", "hour", name=op.f("pk_booking_slot")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("booking_slot", schema=None) as batch_op:
        batch_op.create_index("ix_booking_slot_booking", ["booking_no"], unique=False)

    op.create_table(
        "calendar_feed",
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("renewed", sa.Integer(), nullable=False),
        sa.Column("open", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_calendar_feed_member_no")),
        sa.PrimaryKeyConstraint("member_no", name=op.f("pk_calendar_feed")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "charge",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("base", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("hindrance", sa.Text(), nullable=False),
        sa.Column("tried_day", sa.Integer(), nullable=True),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_charge_account_no")),
        sa.ForeignKeyConstraint(["rule_no"], ["fee_rule.no"], name=op.f("fk_charge_rule_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_charge_trade_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_charge")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("charge", schema=None) as batch_op:
        batch_op.create_index("ix_charge_account", ["account_no", "no"], unique=False)
        batch_op.create_index("ix_charge_owed", ["state", "no"], unique=False)
        batch_op.create_index("ix_charge_trade", ["trade_no"], unique=False)
        batch_op.create_index("ix_charge_turn", ["rule_no", "turn", "account_no"], unique=True)

    op.create_table(
        "cheque_batch",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("slips", sa.Text(), nullable=False),
        sa.Column("total", sa.Text(), nullable=False),
        sa.Column("same", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=False),
        sa.Column("by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("closed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["by_no"], ["member.no"], name=op.f("fk_cheque_batch_by_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_cheque_batch")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("cheque_batch", schema=None) as batch_op:
        batch_op.create_index("ix_cheque_batch_once", ["once"], unique=True)

    op.create_table(
        "chest_gift",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=False),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_chest_gift_account_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_chest_gift_trade_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_chest_gift")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("chest_gift", schema=None) as batch_op:
        batch_op.create_index("ix_chest_gift_once", ["once"], unique=True)

    op.create_table(
        "circle_giving",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("circle_account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payee_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["by_no"], ["member.no"], name=op.f("fk_circle_giving_by_no")),
        sa.ForeignKeyConstraint(
            ["circle_account_no"], ["circle_account.no"], name=op.f("fk_circle_giving_circle_account_no")
        ),
        sa.ForeignKeyConstraint(["ended_by_no"], ["member.no"], name=op.f("fk_circle_giving_ended_by_no")),
        sa.ForeignKeyConstraint(["payee_no"], ["member.no"], name=op.f("fk_circle_giving_payee_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_circle_giving_trade_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_circle_giving")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("circle_giving", schema=None) as batch_op:
        batch_op.create_index("ix_circle_giving_account", ["circle_account_no", "state"], unique=False)
        batch_op.create_index("ix_circle_giving_by", ["by_no"], unique=False)
        batch_op.create_index("ix_circle_giving_once", ["once"], unique=True)
        batch_op.create_index("ix_circle_giving_payee", ["payee_no"], unique=False)

    op.create_table(
        "circle_note",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("circle_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("pinned", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("removed_by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["circle_no"], ["circle.no"], name=op.f("fk_circle_note_circle_no")),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_circle_note_member_no")),
        sa.ForeignKeyConstraint(["removed_by_no"], ["member.no"], name=op.f("fk_circle_note_removed_by_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_circle_note")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("circle_note", schema=None) as batch_op:
        batch_op.create_index("ix_circle_note_circle", ["circle_no", "no"], unique=False)
        batch_op.create_index("ix_circle_note_member", ["member_no"], unique=False)
        batch_op.create_index("ix_circle_note_once", ["once"], unique=True)

    op.create_table(
        "circle_person",
        sa.Column("circle_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("changed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["circle_no"], ["circle.no"], name=op.f("fk_circle_person_circle_no")),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_circle_person_member_no")),
        sa.PrimaryKeyConstraint("circle_no", "member_no", name=op.f("pk_circle_person")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("circle_person", schema=None) as batch_op:
        batch_op.create_index("ix_circle_person_member", ["member_no"], unique=False)

    op.create_table(
        "circle_treasurer",
        sa.Column("circle_account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["circle_account_no"], ["circle_account.no"], name=op.f("fk_circle_treasurer_circle_account_no")
        ),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_circle_treasurer_member_no")),
        sa.PrimaryKeyConstraint("circle_account_no", "member_no", name=op.f("pk_circle_treasurer")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("circle_treasurer", schema=None) as batch_op:
        batch_op.create_index("ix_circle_treasurer_member", ["member_no"], unique=False)

    op.create_table(
        "complaint",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_complaint_account_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_complaint_trade_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_complaint")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("complaint", schema=None) as batch_op:
        batch_op.create_index("ix_complaint_state", ["state", "no"], unique=False)
        batch_op.create_index("ix_complaint_trade", ["trade_no"], unique=False)

    op.create_table(
        "contact_line",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("seen_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_contact_line_member_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_contact_line")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("contact_line", schema=None) as batch_op:
        batch_op.create_index("ix_contact_line_member", ["member_no"], unique=False)

    op.create_table(
        "erasure",
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entries", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("outside", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_erasure_member_no")),
        sa.PrimaryKeyConstraint("member_no", name=op.f("pk_erasure")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "event",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("series", sa.LargeBinary(), nullable=True),
        sa.Column("host_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("starts", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ends", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("capacity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("pays", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("approval", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("near", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("circle_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("inside", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("changed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["circle_no"], ["circle.no"], name=op.f("fk_event_circle_no")),
        sa.ForeignKeyConstraint(["host_no"], ["member.no"], name=op.f("fk_event_host_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_event")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("ix_event_circle", ["circle_no"], unique=False)
        batch_op.create_index("ix_event_ends", ["ends"], unique=False)
        batch_op.create_index("ix_event_host", ["host_no"], unique=False)
        batch_op.create_index("ix_event_key", ["key"], unique=True)
        batch_op.create_index("ix_event_once", ["once"], unique=True)
        batch_op.create_index("ix_event_series", ["series"], unique=False)

    op.create_table(
        "help_request",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("when_said", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("checked_only", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("named", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("changed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_help_request_member_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_help_request")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("help_request", schema=None) as batch_op:
        batch_op.create_index("ix_help_request_member", ["member_no", "no"], unique=False)
        batch_op.create_index("ix_help_request_once", ["once"], unique=True)
        batch_op.create_index("ix_help_request_state", ["state", "no"], unique=False)

    op.create_table(
        "helper_check",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("checked", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("entered_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("withdrawn_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("withdrawn_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_why", sa.Text(), nullable=False),
        sa.Column("reminded", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["by_no"], ["member.no"], name=op.f("fk_helper_check_by_no")),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_helper_check_member_no")),
        sa.ForeignKeyConstraint(["withdrawn_no"], ["member.no"], name=op.f("fk_helper_check_withdrawn_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_helper_check")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("helper_check", schema=None) as batch_op:
        batch_op.create_index("ix_helper_check_member", ["member_no", "until"], unique=False)
        batch_op.create_index("ix_helper_check_until", ["until"], unique=False)

    op.create_table(
        "import_row",
        sa.Column("import_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("old", sa.Text(), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_key", sa.LargeBinary(), nullable=True),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["import_no"], ["import_run.no"], name=op.f("fk_import_row_import_no")),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_import_row_member_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_import_row_trade_no")),
        sa.PrimaryKeyConstraint("import_no", "line", name=op.f("pk_import_row")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("import_row", schema=None) as batch_op:
        batch_op.create_index("ix_import_row_member", ["member_no"], unique=False)
        batch_op.create_index("ix_import_row_old", ["old"], unique=False)

    op.create_table(
        "joint_act",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.LargeBinary(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["member.no"], name=op.f("fk_joint_act_asked_by")),
        sa.ForeignKeyConstraint(["ended_by"], ["member.no"], name=op.f("fk_joint_act_ended_by")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_joint_act")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("joint_act", schema=None) as batch_op:
        batch_op.create_index("ix_joint_act_state", ["state", "kind"], unique=False)

    op.create_table(
        "listing",
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("expires", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed_until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("changed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_listing_member_no")),
        sa.PrimaryKeyConstraint("item_key", name=op.f("pk_listing")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("listing", schema=None) as batch_op:
        batch_op.create_index("ix_listing_member", ["member_no", "state", "expires"], unique=False)
        batch_op.create_index("ix_listing_state", ["state", "expires"], unique=False)

    op.create_table(
        "loan",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lender_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("borrower_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("repaid", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("remaining", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("forgiven", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("part", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("every", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proved_by", sa.Text(), nullable=False),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("standing_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("give_once", sa.LargeBinary(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agreed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["borrower_no"], ["account.no"], name=op.f("fk_loan_borrower_no")),
        sa.ForeignKeyConstraint(["lender_no"], ["account.no"], name=op.f("fk_loan_lender_no")),
        sa.ForeignKeyConstraint(["standing_no"], ["standing.no"], name=op.f("fk_loan_standing_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_loan_trade_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_loan")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.create_index("ix_loan_borrower", ["borrower_no", "no"], unique=False)
        batch_op.create_index("ix_loan_lender", ["lender_no", "no"], unique=False)
        batch_op.create_index("ix_loan_once", ["once"], unique=True)
        batch_op.create_index("ix_loan_standing", ["standing_no"], unique=False)
        batch_op.create_index("ix_loan_trade", ["trade_no"], unique=False)

    op.create_table(
        "mail",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("stop_link", sa.Text(), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("private", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("next_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_mail_member_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_mail")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.create_index("ix_mail_state", ["state", "next_ms"], unique=False)

    op.create_table(
        "mail_news",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_mail_news_member_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_mail_news")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("mail_news", schema=None) as batch_op:
        batch_op.create_index("ix_mail_news_member", ["member_no", "no"], unique=False)

    op.create_table(
        "mail_wish",
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("news_again_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("searches_again_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_mail_wish_member_no")),
        sa.PrimaryKeyConstraint("member_no", name=op.f("pk_mail_wish")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "message",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("thread_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mine", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("amount_scheme", sa.LargeBinary(), nullable=True),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("until_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reference", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("answered_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["thread_no"], ["thread.no"], name=op.f("fk_message_thread_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_message")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index("ix_message_thread", ["thread_no", "no"], unique=False)

    op.create_table(
        "paper_note",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["by_no"], ["member.no"], name=op.f("fk_paper_note_by_no")),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_paper_note_member_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_paper_note_trade_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_paper_note")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("paper_note", schema=None) as batch_op:
        batch_op.create_index("ix_paper_note_member", ["member_no", "no"], unique=False)

    op.create_table(
        "passkey",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.LargeBinary(), nullable=False),
        sa.Column("counter", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("used_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("copied_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_passkey_member_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_passkey")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("passkey", schema=None) as batch_op:
        batch_op.create_index("ix_passkey_credential", ["credential"], unique=True)
        batch_op.create_index("ix_passkey_member", ["member_no"], unique=False)

    op.create_table(
        "passkey_challenge",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("owner", sa.LargeBinary(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("expires_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_passkey_challenge_member_no")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_passkey_challenge")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("passkey_challenge", schema=None) as batch_op:
        batch_op.create_index("ix_passkey_challenge_expires", ["expires_ms"], unique=False)
        batch_op.create_index("ix_passkey_challenge_member", ["member_no"], unique=False)

    op.create_table(
        "password",
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("set_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_password_member_no")),
        sa.PrimaryKeyConstraint("member_no", name=op.f("pk_password")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "past_trade",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("import_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=True),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("dated", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payer_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payee_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payer_name", sa.Text(), nullable=False),
        sa.Column("payee_name", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["import_no"], ["import_run.no"], name=op.f("fk_past_trade_import_no")),
        sa.ForeignKeyConstraint(["payee_no"], ["member.no"], name=op.f("fk_past_trade_payee_no")),
        sa.ForeignKeyConstraint(["payer_no"], ["member.no"], name=op.f("fk_past_trade_payer_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_past_trade")),
        sa.UniqueConstraint("mark", name=op.f("uq_past_trade_mark")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("past_trade", schema=None) as batch_op:
        batch_op.create_index("ix_past_trade_import", ["import_no"], unique=False)
        batch_op.create_index("ix_past_trade_payee", ["payee_no", "day"], unique=False)
        batch_op.create_index("ix_past_trade_payer", ["payer_no", "day"], unique=False)

    op.create_table(
        "pay_code",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("pay_once", sa.LargeBinary(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=False),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_pay_code_account_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_pay_code_trade_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_pay_code")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("pay_code", schema=None) as batch_op:
        batch_op.create_index("ix_pay_code_account", ["account_no", "created_ms"], unique=False)
        batch_op.create_index("ix_pay_code_code", ["code"], unique=True)
        batch_op.create_index("ix_pay_code_once", ["once"], unique=True)
        batch_op.create_index("ix_pay_code_until", ["until_ms"], unique=False)

    op.create_table(
        "payment",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quote_id", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lock_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hours", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("deadline", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quote", sa.LargeBinary(), nullable=False),
        sa.Column("acceptance", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.Column("started_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_payment_account_no")),
        sa.ForeignKeyConstraint(["line_no"], ["line.no"], name=op.f("fk_payment_line_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_payment_trade_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_payment")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.create_index("ix_payment_lock", ["line_no", "lock_seq"], unique=True)
        batch_op.create_index("ix_payment_quote", ["quote_id"], unique=True)
        batch_op.create_index(
            "ix_payment_state",
            ["state"],
            unique=False,
            sqlite_where=sa.text("state IN ('locked', 'frozen')"),
            postgresql_where=sa.text("state IN ('locked', 'frozen')"),
        )
        batch_op.create_index("ix_payment_trade", ["trade_no"], unique=False)

    op.create_table(
        "pending_sign_in",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_pending_sign_in_member_no")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_pending_sign_in")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("pending_sign_in", schema=None) as batch_op:
        batch_op.create_index("ix_pending_sign_in_expires", ["expires_ms"], unique=False)
        batch_op.create_index("ix_pending_sign_in_member", ["member_no"], unique=False)

    op.create_table(
        "pending_step",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("own_computer", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_pending_step_member_no")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_pending_step")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("pending_step", schema=None) as batch_op:
        batch_op.create_index("ix_pending_step_expires", ["expires_ms"], unique=False)
        batch_op.create_index("ix_pending_step_member", ["member_no"], unique=False)

    op.create_table(
        "proposal",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("circle_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("author_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("voters", sa.Text(), nullable=False),
        sa.Column("secret", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quorum", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("closes_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["author_no"], ["member.no"], name=op.f("fk_proposal_author_no")),
        sa.ForeignKeyConstraint(["circle_no"], ["circle.no"], name=op.f("fk_proposal_circle_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_proposal")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.create_index("ix_proposal_author", ["author_no"], unique=False)
        batch_op.create_index("ix_proposal_circle", ["circle_no", "no"], unique=False)
        batch_op.create_index("ix_proposal_key", ["key"], unique=True)
        batch_op.create_index("ix_proposal_once", ["once"], unique=True)
        batch_op.create_index("ix_proposal_state", ["state", "closes_ms"], unique=False)

    op.create_table(
        "rehearsal",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("made_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("entries", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("right", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["by_no"], ["member.no"], name=op.f("fk_rehearsal_by_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_rehearsal")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "report",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("about_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("about_name", sa.Text(), nullable=False),
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("item_key", sa.LargeBinary(), nullable=True),
        sa.Column("thread_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("note_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reply_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("remark_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("quoted", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["about_no"], ["member.no"], name=op.f("fk_report_about_no")),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_report_member_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_report")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.create_index("ix_report_member", ["member_no", "state"], unique=False)
        batch_op.create_index("ix_report_state", ["state", "no"], unique=False)

    op.create_table(
        "request",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("their_handle", sa.LargeBinary(), nullable=True),
        sa.Column("their_name", sa.Text(), nullable=False),
        sa.Column("thread_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("places", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("start", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("end", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("price", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("given", sa.Text(), nullable=False),
        sa.Column("given_key", sa.LargeBinary(), nullable=True),
        sa.Column("confirmed", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("offered", sa.Text(), nullable=False),
        sa.Column("offered_key", sa.LargeBinary(), nullable=True),
        sa.Column("offered_price", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("their_heard", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("proposal", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("proposed_turn", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("proposed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stands", sa.Text(), nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("my_turn", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("their_turn", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("heard", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("about_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("message_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("changed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_request_account_no")),
        sa.ForeignKeyConstraint(["thread_no"], ["thread.no"], name=op.f("fk_request_thread_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_request")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.create_index("ix_request_about", ["kind", "about_no"], unique=False)
        batch_op.create_index("ix_request_account", ["account_no", "role", "no"], unique=False)
        batch_op.create_index("ix_request_id", ["id", "scheme", "role"], unique=True)
        batch_op.create_index("ix_request_scheme", ["scheme", "role", "created_ms"], unique=False)

    op.create_table(
        "saved_search",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("scheme", sa.LargeBinary(), nullable=True),
        sa.Column("km", sa.Integer(), nullable=True),
        sa.Column("north", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("east", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("tell", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_saved_search_member_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_saved_search")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("saved_search", schema=None) as batch_op:
        batch_op.create_index("ix_saved_search_member", ["member_no"], unique=False)

    op.create_table(
        "search_hit",
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scheme", sa.LargeBinary(), nullable=False),
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.Column("search_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("told_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_search_hit_member_no")),
        sa.PrimaryKeyConstraint("member_no", "scheme", "item_key", name=op.f("pk_search_hit")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("search_hit", schema=None) as batch_op:
        batch_op.create_index("ix_search_hit_search", ["search_no", "at_ms"], unique=False)

    op.create_table(
        "second_step",
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("drawn_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("since_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("used", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_second_step_member_no")),
        sa.PrimaryKeyConstraint("member_no", name=op.f("pk_second_step")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "session",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("own_computer", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("stepped", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("acting_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("acting_how", sa.Text(), nullable=True),
        sa.Column("acting_why", sa.Text(), nullable=True),
        sa.Column("acting_until_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("expires_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["acting_no"], ["member.no"], name=op.f("fk_session_acting_no")),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_session_member_no")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_session")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.create_index("ix_session_expires", ["expires_ms"], unique=False)
        batch_op.create_index("ix_session_member", ["member_no"], unique=False)

    op.create_table(
        "sign_in_link",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_sign_in_link_member_no")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_sign_in_link")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("sign_in_link", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_link_expires", ["expires_ms"], unique=False)
        batch_op.create_index("ix_sign_in_link_member", ["member_no"], unique=False)

    op.create_table(
        "sign_in_place",
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_sign_in_place_member_no")),
        sa.PrimaryKeyConstraint("member_no", "mark", name=op.f("pk_sign_in_place")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "skill",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_skill_member_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_skill")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("skill", schema=None) as batch_op:
        batch_op.create_index("ix_skill_member", ["member_no"], unique=False)

    op.create_table(
        "spare_code",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("used_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_spare_code_member_no")),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_spare_code")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("spare_code", schema=None) as batch_op:
        batch_op.create_index("ix_spare_code_member", ["member_no"], unique=False)

    op.create_table(
        "standing_turn",
        sa.Column("standing_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("hindrance", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["standing_no"], ["standing.no"], name=op.f("fk_standing_turn_standing_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_standing_turn_trade_no")),
        sa.PrimaryKeyConstraint("standing_no", "turn", name=op.f("pk_standing_turn")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "swap",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("owner_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asker_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("thread_id", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("given", sa.Text(), nullable=False),
        sa.Column("given_key", sa.LargeBinary(), nullable=True),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payer", sa.Text(), nullable=True),
        sa.Column("asker_happened", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner_happened", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("proved_by", sa.Text(), nullable=False),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("pay_once", sa.LargeBinary(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("changed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("remind_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["asker_no"], ["account.no"], name=op.f("fk_swap_asker_no")),
        sa.ForeignKeyConstraint(["owner_no"], ["account.no"], name=op.f("fk_swap_owner_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_swap_trade_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_swap")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("swap", schema=None) as batch_op:
        batch_op.create_index("ix_swap_asker", ["asker_no", "no"], unique=False)
        batch_op.create_index("ix_swap_given", ["given_key"], unique=False)
        batch_op.create_index("ix_swap_item", ["item_key"], unique=False)
        batch_op.create_index("ix_swap_once", ["once"], unique=True)
        batch_op.create_index("ix_swap_owner", ["owner_no", "no"], unique=False)
        batch_op.create_index("ix_swap_remind", ["remind_ms"], unique=False)
        batch_op.create_index("ix_swap_thread", ["thread_id"], unique=False)

    op.create_table(
        "thanks",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("giver_agrees", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("receiver_agrees", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_no"], ["account.no"], name=op.f("fk_thanks_account_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_thanks_trade_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_thanks")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("thanks", schema=None) as batch_op:
        batch_op.create_index("ix_thanks_account", ["account_no"], unique=False)
        batch_op.create_index("ix_thanks_trade", ["trade_no"], unique=False)

    op.create_table(
        "thing_owner",
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_thing_owner_member_no")),
        sa.PrimaryKeyConstraint("item_key", "member_no", name=op.f("pk_thing_owner")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("thing_owner", schema=None) as batch_op:
        batch_op.create_index("ix_thing_owner_member", ["member_no"], unique=False)

    op.create_table(
        "token_act",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("money", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tokens_after", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("money_after", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("entry_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=False),
        sa.Column("corrects_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["corrects_no"], ["token_act.no"], name=op.f("fk_token_act_corrects_no")),
        sa.ForeignKeyConstraint(["entry_seq"], ["entry.seq"], name=op.f("fk_token_act_entry_seq")),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_token_act_member_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_token_act_trade_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_token_act")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("token_act", schema=None) as batch_op:
        batch_op.create_index(
            "ix_token_act_corrects",
            ["corrects_no"],
            unique=True,
            sqlite_where=sa.text("corrects_no IS NOT NULL"),
            postgresql_where=sa.text("corrects_no IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_token_act_entry",
            ["entry_seq"],
            unique=True,
            sqlite_where=sa.text("entry_seq IS NOT NULL"),
            postgresql_where=sa.text("entry_seq IS NOT NULL"),
        )
        batch_op.create_index("ix_token_act_member", ["member_no"], unique=False)
        batch_op.create_index("ix_token_act_once", ["once"], unique=True)
        batch_op.create_index(
            "ix_token_act_trade",
            ["trade_no"],
            unique=True,
            sqlite_where=sa.text("trade_no IS NOT NULL"),
            postgresql_where=sa.text("trade_no IS NOT NULL"),
        )

    op.create_table(
        "weekly_mail",
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_weekly_mail_member_no")),
        sa.PrimaryKeyConstraint("member_no", "week", name=op.f("pk_weekly_mail")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cheque_row",
        sa.Column("batch_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("payee", sa.Text(), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("payer_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payee_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("dated", sa.Text(), nullable=True),
        sa.Column("minor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ask_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["ask_no"], ["ask.no"], name=op.f("fk_cheque_row_ask_no")),
        sa.ForeignKeyConstraint(["batch_no"], ["cheque_batch.no"], name=op.f("fk_cheque_row_batch_no")),
        sa.ForeignKeyConstraint(["by_no"], ["member.no"], name=op.f("fk_cheque_row_by_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_cheque_row_trade_no")),
        sa.PrimaryKeyConstraint("batch_no", "row", name=op.f("pk_cheque_row")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("cheque_row", schema=None) as batch_op:
        batch_op.create_index(
            "ix_cheque_row_ask",
            ["ask_no"],
            unique=True,
            sqlite_where=sa.text("ask_no IS NOT NULL"),
            postgresql_where=sa.text("ask_no IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_cheque_row_key",
            ["key"],
            unique=True,
            sqlite_where=sa.text("trade_no IS NOT NULL AND key <> ''"),
            postgresql_where=sa.text("trade_no IS NOT NULL AND key <> ''"),
        )
        batch_op.create_index(
            "ix_cheque_row_trade",
            ["trade_no"],
            unique=True,
            sqlite_where=sa.text("trade_no IS NOT NULL"),
            postgresql_where=sa.text("trade_no IS NOT NULL"),
        )

    op.create_table(
        "circle_reply",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("note_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("removed_by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_circle_reply_member_no")),
        sa.ForeignKeyConstraint(["note_no"], ["circle_note.no"], name=op.f("fk_circle_reply_note_no")),
        sa.ForeignKeyConstraint(["removed_by_no"], ["member.no"], name=op.f("fk_circle_reply_removed_by_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_circle_reply")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("circle_reply", schema=None) as batch_op:
        batch_op.create_index("ix_circle_reply_member", ["member_no"], unique=False)
        batch_op.create_index("ix_circle_reply_note", ["note_no", "no"], unique=False)
        batch_op.create_index("ix_circle_reply_once", ["once"], unique=True)

    op.create_table(
        "event_comment",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["event_no"], ["event.no"], name=op.f("fk_event_comment_event_no")),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_event_comment_member_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_event_comment")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("event_comment", schema=None) as batch_op:
        batch_op.create_index("ix_event_comment_event", ["event_no", "no"], unique=False)
        batch_op.create_index("ix_event_comment_member", ["member_no"], unique=False)
        batch_op.create_index("ix_event_comment_once", ["once"], unique=True)

    op.create_table(
        "guest",
        sa.Column("event_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("who", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("moved_up_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("share", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("changed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["event_no"], ["event.no"], name=op.f("fk_guest_event_no")),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_guest_member_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_guest_trade_no")),
        sa.PrimaryKeyConstraint("event_no", "who", name=op.f("pk_guest")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("guest", schema=None) as batch_op:
        batch_op.create_index("ix_guest_member", ["member_no"], unique=False)

    op.create_table(
        "help_answer",
        sa.Column("request_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("helper_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("asked_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("changed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["helper_no"], ["member.no"], name=op.f("fk_help_answer_helper_no")),
        sa.ForeignKeyConstraint(["request_no"], ["help_request.no"], name=op.f("fk_help_answer_request_no")),
        sa.PrimaryKeyConstraint("request_no", "helper_no", name=op.f("pk_help_answer")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("help_answer", schema=None) as batch_op:
        batch_op.create_index("ix_help_answer_helper", ["helper_no", "state"], unique=False)
        batch_op.create_index(
            "ix_help_answer_one",
            ["request_no"],
            unique=True,
            sqlite_where=sa.text("state = 'yes'"),
            postgresql_where=sa.text("state = 'yes'"),
        )

    op.create_table(
        "loan_part",
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("loan_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("undone", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["loan_no"], ["loan.no"], name=op.f("fk_loan_part_loan_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_loan_part_trade_no")),
        sa.PrimaryKeyConstraint("trade_no", name=op.f("pk_loan_part")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("loan_part", schema=None) as batch_op:
        batch_op.create_index("ix_loan_part_loan", ["loan_no"], unique=False)

    op.create_table(
        "minutes",
        sa.Column("proposal_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entitled", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("voted", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("votes", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("winner", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("words_by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("words_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["proposal_no"], ["proposal.no"], name=op.f("fk_minutes_proposal_no")),
        sa.ForeignKeyConstraint(["words_by_no"], ["member.no"], name=op.f("fk_minutes_words_by_no")),
        sa.PrimaryKeyConstraint("proposal_no", name=op.f("pk_minutes")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "picture",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_key", sa.LargeBinary(), nullable=True),
        sa.Column("booking_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("request_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("shared_id", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_name", sa.LargeBinary(), nullable=True),
        sa.Column("portrait", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("thumbnail_name", sa.LargeBinary(), nullable=False),
        sa.Column("taken_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("length", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("page_width", sa.Integer(), nullable=False),
        sa.Column("page_height", sa.Integer(), nullable=False),
        sa.Column("thumbnail", sa.LargeBinary(), nullable=False),
        sa.Column("page", sa.LargeBinary(), nullable=False),
        sa.Column("full", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["booking_no"], ["booking.no"], name=op.f("fk_picture_booking_no")),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_picture_member_no")),
        sa.ForeignKeyConstraint(["request_no"], ["request.no"], name=op.f("fk_picture_request_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_picture")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("picture", schema=None) as batch_op:
        batch_op.create_index("ix_picture_booking", ["booking_no"], unique=False)
        batch_op.create_index("ix_picture_key", ["item_key"], unique=False)
        batch_op.create_index("ix_picture_member", ["member_no", "length"], unique=False)
        batch_op.create_index("ix_picture_request", ["request_no"], unique=False)
        batch_op.create_index("ix_picture_sealed", ["sealed_name"], unique=False)

    op.create_table(
        "picture_told",
        sa.Column("request_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("taken_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["request_no"], ["request.no"], name=op.f("fk_picture_told_request_no")),
        sa.PrimaryKeyConstraint("request_no", "name", name=op.f("pk_picture_told")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pledge",
        sa.Column("request_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("aside", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("keep", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payee_handle", sa.LargeBinary(), nullable=True),
        sa.Column("agreed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("tries", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("paying", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("trade_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("hindered", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["request_no"], ["request.no"], name=op.f("fk_pledge_request_no")),
        sa.ForeignKeyConstraint(["trade_no"], ["trade.no"], name=op.f("fk_pledge_trade_no")),
        sa.PrimaryKeyConstraint("request_no", name=op.f("pk_pledge")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("pledge", schema=None) as batch_op:
        batch_op.create_index("ix_pledge_state", ["state"], unique=False)
        batch_op.create_index("ix_pledge_trade", ["trade_no"], unique=False)

    op.create_table(
        "proposal_comment",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("proposal_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("once", sa.LargeBinary(), nullable=True),
        sa.Column("created_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("removed_by_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_proposal_comment_member_no")),
        sa.ForeignKeyConstraint(
            ["proposal_no"], ["proposal.no"], name=op.f("fk_proposal_comment_proposal_no")
        ),
        sa.ForeignKeyConstraint(
            ["removed_by_no"], ["member.no"], name=op.f("fk_proposal_comment_removed_by_no")
        ),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_proposal_comment")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("proposal_comment", schema=None) as batch_op:
        batch_op.create_index("ix_proposal_comment_member", ["member_no"], unique=False)
        batch_op.create_index("ix_proposal_comment_once", ["once"], unique=True)
        batch_op.create_index("ix_proposal_comment_proposal", ["proposal_no", "no"], unique=False)

    op.create_table(
        "voter",
        sa.Column("proposal_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("choice", sa.Text(), nullable=True),
        sa.Column("at_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["member_no"], ["member.no"], name=op.f("fk_voter_member_no")),
        sa.ForeignKeyConstraint(["proposal_no"], ["proposal.no"], name=op.f("fk_voter_proposal_no")),
        sa.PrimaryKeyConstraint("proposal_no", "member_no", name=op.f("pk_voter")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("voter", schema=None) as batch_op:
        batch_op.create_index("ix_voter_member", ["member_no"], unique=False)

    statements = {
        "sqlite": (
            "CREATE VIRTUAL TABLE listing_text USING fts5(title, body, tokenize = 'unicode61 remove_diacritics 0')",
            "CREATE VIRTUAL TABLE listing_text_words USING fts5vocab(listing_text, row)",
        ),
        "postgresql": (
            "CREATE TABLE listing_text (rowid BIGINT PRIMARY KEY, title TEXT NOT NULL, body TEXT NOT NULL);CREATE INDEX ix_listing_text_words ON listing_text USING gin (to_tsvector('simple', title || ' ' || body))",
            "CREATE VIEW listing_text_words AS SELECT word AS term, ndoc AS doc FROM ts_stat('SELECT to_tsvector(''simple'', title || '' '' || body) FROM listing_text')",
        ),
    }
    for statement in statements[op.get_bind().dialect.name]:
        op.execute(statement)
