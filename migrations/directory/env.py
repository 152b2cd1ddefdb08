"""Alembic's entry: runs on the connection that `portal.kit.migrate` hands over."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    render_as_batch=False,
    transaction_per_migration=False,
)
context.run_migrations()
