"""How Alembic reaches the database: by the connection that `schema` hands it, in that connection's transaction."""

from alembic import context

from reconciler.store.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
context.run_migrations()
