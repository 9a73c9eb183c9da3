"""`INSERT … ON CONFLICT DO NOTHING` on both databases: the insert itself settles uniqueness."""

from typing import Any

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql, sqlite

from refersion_segment.extensions import db
from refersion_segment.models import Base


def insert_if_new(model: type[Base], **values: Any) -> bool:
    """Insert a row unless one of its unique keys is taken; tell whether it was inserted.

    On PostgreSQL it waits for a transaction that is inserting the same key, and then knows.
    """
    dialect = db.session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    # RETURNING and not the row count: psycopg's is -1 here, whether the row was inserted or not.
    first_key = inspect(model).primary_key[0]
    statement = insert(model).values(**values).on_conflict_do_nothing().returning(first_key)
    return db.session.connection().execute(statement).first() is not None
