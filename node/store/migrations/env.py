"""Alembic's entry: runs the migrations on the connection it was given, inside the transaction already begun."""

from __future__ import annotations

from alembic import context

from node.store.schema import load_all

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=load_all(),
    render_as_batch=True,
    transactional_ddl=True,
    compare_type=True,
    compare_server_default=True,
    user_module_prefix="sa.",
)
context.run_migrations()
