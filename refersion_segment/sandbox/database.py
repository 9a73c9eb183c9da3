"""The sandbox's own SQLite file: made and seeded on first use, open to several processes at once.

Nothing here is worth a migration: a file of another schema version is emptied and seeded anew.
"""

import secrets
import sqlite3
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from refersion_segment.sandbox.clock import now_iso

SCHEMA_VERSION = 1
BUSY_TIMEOUT_SECONDS = 10.0

DEMO_PASSWORD = "northwind-demo"  # noqa: S105  shown on the login page, opens nothing real
OWNER_EMAIL = "owner@northwind.example"
ANALYST_EMAIL = "analyst@northwind.example"
WORKSPACE = "northwind"
WRITE_KEY_LENGTH = 32

_SEED_USERS = ((OWNER_EMAIL, "Nora Wind", 1), (ANALYST_EMAIL, "Ann Alist", 0))
_SEED_SOURCES = (("web-shop", "JavaScript"), ("ios-app", "iOS"), ("newsletter", "HTTP API"))

_SCHEMA = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    is_owner INTEGER NOT NULL);
CREATE TABLE sources (
    id INTEGER PRIMARY KEY, workspace TEXT NOT NULL, slug TEXT NOT NULL, kind TEXT NOT NULL,
    write_key TEXT NOT NULL UNIQUE, project_id TEXT NOT NULL UNIQUE,
    enabled INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL, UNIQUE (workspace, slug));
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE consents (
    id TEXT PRIMARY KEY, redirect_uri TEXT NOT NULL, scope TEXT NOT NULL, state TEXT,
    code_challenge TEXT, expires_at TEXT NOT NULL);
CREATE TABLE codes (
    code_hash TEXT PRIMARY KEY, source_id INTEGER NOT NULL REFERENCES sources,
    redirect_uri TEXT NOT NULL, code_challenge TEXT, expires_at TEXT NOT NULL, used_at TEXT);
CREATE TABLE installs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source_id INTEGER NOT NULL REFERENCES sources,
    created_at TEXT NOT NULL);
CREATE TABLE tokens (
    token_hash TEXT PRIMARY KEY, install_id INTEGER NOT NULL REFERENCES installs ON DELETE CASCADE,
    expires_at TEXT NOT NULL);
CREATE TABLE api_calls (caller TEXT NOT NULL, called_at TEXT NOT NULL);
CREATE INDEX api_calls_by_caller ON api_calls (caller, called_at);
CREATE TABLE destinations (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    source_id INTEGER NOT NULL REFERENCES sources, api_key TEXT NOT NULL,
    enabled INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE seen_messages (
    source_id INTEGER NOT NULL, message_id TEXT NOT NULL, PRIMARY KEY (source_id, message_id));
CREATE TABLE suppressed_users (user_id TEXT PRIMARY KEY);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source_id INTEGER NOT NULL REFERENCES sources,
    received_at TEXT NOT NULL, event_type TEXT NOT NULL, message_id TEXT NOT NULL,
    who TEXT NOT NULL, verdict TEXT NOT NULL);
CREATE INDEX events_by_source ON events (source_id, id);
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source_id INTEGER NOT NULL REFERENCES sources,
    destination_name TEXT NOT NULL, kind TEXT NOT NULL, event_type TEXT NOT NULL,
    message_id TEXT NOT NULL, who TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
    code TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL,
    next_try_at TEXT NOT NULL, claim TEXT, claimed_until TEXT NOT NULL DEFAULT '');
CREATE INDEX deliveries_due ON deliveries (next_try_at, id) WHERE state = 'waiting';
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY, delivery_id INTEGER NOT NULL REFERENCES deliveries ON DELETE CASCADE,
    number INTEGER NOT NULL, started_at TEXT NOT NULL, duration_ms INTEGER NOT NULL,
    url TEXT NOT NULL, request_headers TEXT NOT NULL, status INTEGER,
    response_headers TEXT NOT NULL, response_body TEXT NOT NULL, code TEXT NOT NULL,
    UNIQUE (delivery_id, number));
CREATE TABLE mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL, recipients TEXT NOT NULL,
    subject TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL, message_id TEXT NOT NULL,
    raw BLOB NOT NULL, received_at TEXT NOT NULL)
"""


class Database:
    """Short-lived connections to one SQLite file; each write is one IMMEDIATE transaction."""

    def __init__(self, path: Path) -> None:
        """Remember where the file is; it is made when first used."""
        self.path = path

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Open a connection for queries."""
        connection = self._open()
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that holds the write lock from its first moment to its commit."""
        with self.read() as connection, _transaction(connection):
            yield connection

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        if _version(connection) != SCHEMA_VERSION:
            _make_schema(connection)
        return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _make_schema(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = OFF")  # else a table that is referred to stays
    with _transaction(connection):
        if _version(connection) == SCHEMA_VERSION:  # another process was quicker
            return
        _drop_everything(connection)
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        _seed(connection)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("PRAGMA foreign_keys = ON")


def _drop_everything(connection: sqlite3.Connection) -> None:
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    for table in tables:
        connection.execute(f'DROP TABLE "{table["name"]}"')


def _seed(connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO users (email, name, is_owner) VALUES (?, ?, ?)", list(_SEED_USERS)
    )
    for slug, kind in _SEED_SOURCES:
        insert_source(connection, slug, kind)


def insert_source(connection: sqlite3.Connection, slug: str, kind: str) -> None:
    """Add a source with fresh keys to the workspace.

    :raise sqlite3.IntegrityError: if the workspace has a source of that slug.
    """
    connection.execute(
        "INSERT INTO sources (workspace, slug, kind, write_key, project_id, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (WORKSPACE, slug, kind, _letters(WRITE_KEY_LENGTH), _letters(22), now_iso()),
    )


def _letters(count: int) -> str:
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(count))
