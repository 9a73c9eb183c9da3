"""How connections to SQLite and PostgreSQL are opened: durable, bounded in time, never stale."""

import logging
import sqlite3
from typing import Any, Final

from flask import Flask
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from refersion_segment.extensions import db

log = logging.getLogger(__name__)

# A call must be answered within Segment's 5 seconds, also when the database stalls.
WAIT_SECONDS: Final = 3

# Up to 3.51.2, two connections that checkpoint and commit at the wrong moment can lose committed
# pages in WAL mode (sqlite.org/wal.html#walresetbug).
FIRST_SAFE_WAL: Final = (3, 51, 3)

# An error of the database is logged without the values of its statement: they may name people.
SILENT: Final = {"hide_parameters": True}


def engine_options(url: str) -> dict[str, Any]:
    """Return the SQLAlchemy engine options for a database address."""
    if make_url(url).get_backend_name() == "sqlite":
        if make_url(url).database in {None, "", ":memory:"}:
            return {**SILENT, "poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        return {**SILENT, "connect_args": {"timeout": WAIT_SECONDS}}
    milliseconds = WAIT_SECONDS * 1000
    return {
        **SILENT,
        "pool_pre_ping": True,
        "pool_size": 8,
        "max_overflow": 8,
        "pool_timeout": 1,
        "connect_args": {
            "connect_timeout": WAIT_SECONDS,
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
            " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
        },
    }


def begin_reading() -> None:
    """Begin the request's transaction as one that only reads: on SQLite it blocks no writer."""
    db.session.connection(execution_options={"sqlite_begin": "DEFERRED"})


def let_go_of_broken_connection(_error: BaseException | None) -> None:
    """End the request's transaction, before Flask-SQLAlchemy does, also when its server is gone.

    The answer is written by then: a rollback that fails must not replace it.
    """
    try:
        db.session.rollback()
    except DBAPIError:
        db.session().invalidate()


def prepare_engine(app: Flask) -> None:
    """Give SQLite its pragmas and real transactions, and log the mode that was chosen."""
    app.teardown_appcontext(let_go_of_broken_connection)
    with app.app_context():
        engine = db.engine
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)


def _prepare_sqlite(engine: Engine) -> None:
    journal = "wal" if sqlite3.sqlite_version_info >= FIRST_SAFE_WAL else "delete"
    log.info("SQLite %s, journal %s, synchronous full", sqlite3.sqlite_version, journal)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own transaction handling begins too late and never for reads.
        connection.isolation_level = None
        connection.execute(f"PRAGMA journal_mode={journal}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that would have to wait waits here, where the busy timeout
        # counts, and never fails half-way. Pages that only read ask for DEFERRED.
        mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
        connection.exec_driver_sql(f"BEGIN {mode}")
