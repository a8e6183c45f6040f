"""What Alembic runs for each command; the connection comes from `clausal.enforcement.migrations`."""

from __future__ import annotations

from alembic import context

from clausal.enforcement.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    # All or nothing: the transaction is begun, and ended, by whoever asked for the upgrade.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
