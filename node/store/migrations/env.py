"""Alembic's entry: runs the migrations on the connection it was given, inside the transaction already begun."""

from __future__ import annotations

from alembic import context

from node.store.schema import load_for_both


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out the full-text table and what SQLite keeps for it: `schema/market.py` makes them by events."""
    return kind != "table" or not (name or "").startswith("listing_text")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=load_for_both(),
    render_as_batch=True,
    transactional_ddl=True,
    compare_type=True,
    compare_server_default=True,
    user_module_prefix="sa.",
    include_name=_is_ours,
)
context.run_migrations()
