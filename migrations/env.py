"""How Alembic reaches the application's database."""

import sqlalchemy as sa
from alembic import context
from flask import current_app

from refersion_segment.models.base import Base, UtcDateTime


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Write our column types as the plain types they are: a migration imports no model."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, sa.Enum):
        return f"sa.String(length={item.length})"
    return False


engine = current_app.extensions["migrate"].db.engine

if context.is_offline_mode():
    raise SystemExit("Run the migrations against a database: --sql is not supported.")

# Another process that migrates at the same moment waits for this lock, then finds nothing to do.
MIGRATION_LOCK = 4_021_963_377

with engine.connect() as connection:
    if engine.dialect.name == "sqlite":
        # A batch operation rebuilds a table; references to it must hold still meanwhile.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.rollback()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_item,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = '30s'")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
        context.run_migrations()
