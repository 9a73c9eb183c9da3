"""Destinations of the workspace's sources, however they came there: Config API or pasted key."""

import sqlite3

from refersion_segment.sandbox.clock import now_iso
from refersion_segment.sandbox.database import Database
from refersion_segment.sandbox.records import Destination, Source


def create_destination(
    database: Database, source: Source, name: str, *, api_key: str, enabled: bool
) -> Destination | None:
    """Attach a destination to a source; None when one of that name is there already."""
    now = now_iso()
    try:
        with database.write() as connection:
            row = connection.execute(
                "INSERT INTO destinations (name, source_id, api_key, enabled, created_at,"
                " updated_at) VALUES (?, ?, ?, ?, ?, ?) RETURNING *",
                (name, source.id, api_key, int(enabled), now, now),
            ).fetchone()
    except sqlite3.IntegrityError:
        return None
    return Destination.from_row(row)


def find_destination(database: Database, name: str) -> Destination | None:
    """Find a destination by its full resource name."""
    with database.read() as connection:
        row = connection.execute("SELECT * FROM destinations WHERE name = ?", (name,)).fetchone()
    return Destination.from_row(row) if row else None


def list_destinations(database: Database, source: Source) -> list[Destination]:
    """List the destinations of one source."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM destinations WHERE source_id = ? ORDER BY id", (source.id,)
        ).fetchall()
    return [Destination.from_row(row) for row in rows]


def update_destination(
    database: Database, name: str, *, api_key: str | None = None, enabled: bool | None = None
) -> Destination | None:
    """Change what is given, keep what is None; None when there is no such destination."""
    with database.write() as connection:
        row = connection.execute(
            "UPDATE destinations SET api_key = coalesce(?, api_key),"
            " enabled = coalesce(?, enabled), updated_at = ? WHERE name = ? RETURNING *",
            (api_key, enabled, now_iso(), name),
        ).fetchone()
    return Destination.from_row(row) if row else None


def delete_destination(database: Database, name: str) -> bool:
    """Detach a destination; False when it was not there."""
    with database.write() as connection:
        return connection.execute("DELETE FROM destinations WHERE name = ?", (name,)).rowcount == 1
