"""Who is in the workspace, and its sources."""

import hmac
import sqlite3

from refersion_segment.sandbox.database import DEMO_PASSWORD, Database, insert_source
from refersion_segment.sandbox.records import Source, User


def log_in(database: Database, email: str, password: str) -> User | None:
    """Find the user of an address and password; every demo user has the one demo password."""
    with database.read() as connection:
        row = connection.execute(
            "SELECT * FROM users WHERE email = ?", (email.strip().lower(),)
        ).fetchone()
    is_right = hmac.compare_digest(password.encode(), DEMO_PASSWORD.encode())
    return User.from_row(row) if row and is_right else None


def find_user(database: Database, user_id: int) -> User | None:
    """Find a user by the id in the session."""
    with database.read() as connection:
        row = connection.execute("SELECT * FROM users WHERE id = ?", (user_id,)).fetchone()
    return User.from_row(row) if row else None


def list_sources(database: Database) -> list[Source]:
    """List the workspace's sources, oldest first."""
    with database.read() as connection:
        rows = connection.execute("SELECT * FROM sources ORDER BY id").fetchall()
    return [Source.from_row(row) for row in rows]


def find_source(database: Database, slug: str) -> Source | None:
    """Find a source by its slug, exactly."""
    return _one_source(database, "SELECT * FROM sources WHERE slug = ?", slug)


def find_source_by_id(database: Database, source_id: int) -> Source | None:
    """Find a source by its row id."""
    return _one_source(database, "SELECT * FROM sources WHERE id = ?", source_id)


def find_source_by_write_key(database: Database, write_key: str) -> Source | None:
    """Find the source that a write key belongs to."""
    return _one_source(database, "SELECT * FROM sources WHERE write_key = ?", write_key)


def _one_source(database: Database, query: str, key: str | int) -> Source | None:
    with database.read() as connection:
        row = connection.execute(query, (key,)).fetchone()
    return Source.from_row(row) if row else None


def add_source(database: Database, slug: str, kind: str) -> bool:
    """Add a source with fresh keys; False when the slug is taken."""
    try:
        with database.write() as connection:
            insert_source(connection, slug, kind)
    except sqlite3.IntegrityError:
        return False
    return True


def turn_source(database: Database, source: Source, *, on: bool) -> None:
    """Let a source take events, or drop what it sends."""
    with database.write() as connection:
        connection.execute("UPDATE sources SET enabled = ? WHERE id = ?", (int(on), source.id))
