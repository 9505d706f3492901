"""The first tables.

Until the first release they are made from `schema/` as it stands; `scripts/make_migration --freeze` then
writes them out here, and from there on they change only by further migrations.
"""

from __future__ import annotations

from alembic import op

from node.store.schema import load_all

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    load_all().create_all(op.get_bind())
