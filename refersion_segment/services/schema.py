"""Whether the database has the schema that this code was written for."""

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app

from refersion_segment.extensions import db


def missing_migrations() -> bool:
    """Tell whether the database lacks a migration.

    :raise sqlalchemy.exc.SQLAlchemyError: if the database cannot be asked.
    """
    config: Config = current_app.extensions["migrate"].migrate.get_config()
    head = ScriptDirectory.from_config(config).get_current_head()
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() != head
