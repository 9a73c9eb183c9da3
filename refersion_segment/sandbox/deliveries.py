"""Deliveries as rows: put, claimed for a while by one thread of one process, closed by it alone."""

import json
import sqlite3
import uuid
from dataclasses import dataclass

from refersion_segment.sandbox.clock import now_iso
from refersion_segment.sandbox.database import Database
from refersion_segment.sandbox.pipeline import Event, as_body, clean, who_of
from refersion_segment.sandbox.records import Attempt, Delivery, Source
from refersion_segment.sandbox.schedule import WAITING, Outcome
from refersion_segment.sandbox.sender import Answer

CLAIM_SECONDS = 30  # longer than the slowest try


@dataclass(frozen=True)
class Claim:
    """A delivery that belongs to its holder until the claim runs out."""

    delivery: Delivery
    key: str


def put(
    connection: sqlite3.Connection,
    source: Source,
    destination_name: str,
    event: Event,
    *,
    kind: str,
) -> int:
    """Queue an event for a destination; return the delivery's id."""
    now = now_iso()
    row = connection.execute(
        "INSERT INTO deliveries (source_id, destination_name, kind, event_type, message_id, who,"
        " body, state, code, created_at, next_try_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?) RETURNING id",
        (
            source.id,
            destination_name,
            kind,
            clean(str(event.get("type", ""))),
            clean(str(event.get("messageId", ""))),
            who_of(event),
            as_body(event),
            WAITING,
            now,
            now,
        ),
    ).fetchone()
    return int(row["id"])


def claim_due(database: Database) -> Claim | None:
    """Claim the delivery that is due first, if one is due and nobody else has it."""
    now = now_iso()
    with database.read() as connection:  # most looks find nothing: take no lock for those
        if not _due_id(connection, now):
            return None
    with database.write() as connection:
        due_id = _due_id(connection, now)
        return _claim(connection, due_id) if due_id else None


def _due_id(connection: sqlite3.Connection, now: str) -> int | None:
    row = connection.execute(
        "SELECT id FROM deliveries WHERE state = 'waiting' AND next_try_at <= ?"
        " AND claimed_until < ? ORDER BY next_try_at, id LIMIT 1",
        (now, now),
    ).fetchone()
    return int(row["id"]) if row else None


def claim_now(database: Database, delivery_id: int) -> Claim | None:
    """Claim one waiting delivery whether due or not; None when it is done or somebody has it."""
    with database.write() as connection:
        row = connection.execute(
            "SELECT id FROM deliveries WHERE id = ? AND state = 'waiting' AND claimed_until < ?",
            (delivery_id, now_iso()),
        ).fetchone()
        return _claim(connection, delivery_id) if row else None


def put_claimed(
    database: Database, source: Source, destination_name: str, event: Event, *, kind: str
) -> Claim:
    """Queue an event that the caller sends by itself at once."""
    with database.write() as connection:
        return _claim(connection, put(connection, source, destination_name, event, kind=kind))


def _claim(connection: sqlite3.Connection, delivery_id: int) -> Claim:
    key = uuid.uuid4().hex
    row = connection.execute(
        "UPDATE deliveries SET claim = ?, claimed_until = ? WHERE id = ? RETURNING *",
        (key, now_iso(plus_seconds=CLAIM_SECONDS), delivery_id),
    ).fetchone()
    return Claim(Delivery.from_row(row), key)


def close(database: Database, claim: Claim, answer: Answer | None, outcome: Outcome) -> None:
    """Store the outcome of a claimed delivery, and its try if there was one.

    A holder whose claim ran out and went to somebody else changes nothing.
    """
    with database.write() as connection:
        updated = connection.execute(
            "UPDATE deliveries SET state = ?, code = ?, next_try_at = ?, tries = tries + ?,"
            " claim = NULL, claimed_until = '' WHERE id = ? AND claim = ? RETURNING tries",
            (
                outcome.state,
                outcome.code,
                now_iso(plus_seconds=outcome.delay_seconds),
                int(answer is not None),
                claim.delivery.id,
                claim.key,
            ),
        ).fetchone()
        if updated is not None and answer is not None:
            _keep_attempt(connection, claim.delivery, answer, outcome.code, updated["tries"])


def _keep_attempt(
    connection: sqlite3.Connection, delivery: Delivery, answer: Answer, code: str, number: int
) -> None:
    connection.execute(
        "INSERT INTO attempts (delivery_id, number, started_at, duration_ms, url,"
        " request_headers, status, response_headers, response_body, code)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            delivery.id,
            number,
            answer.started_at,
            answer.duration_ms,
            answer.url,
            json.dumps(answer.request_headers),
            answer.status,
            json.dumps(answer.headers),
            answer.body,
            code,
        ),
    )


def list_deliveries(database: Database, *, limit: int, before: int | None = None) -> list[Delivery]:
    """List deliveries newest first, older than the given id if there is one."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM deliveries WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?",
            (before, before, limit),
        ).fetchall()
    return [Delivery.from_row(row) for row in rows]


def find_delivery(database: Database, delivery_id: int) -> Delivery | None:
    """Find one delivery."""
    with database.read() as connection:
        row = connection.execute("SELECT * FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    return Delivery.from_row(row) if row else None


def list_attempts(database: Database, first_id: int, last_id: int) -> list[Attempt]:
    """List the tries of all deliveries in a range of ids, oldest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM attempts WHERE delivery_id BETWEEN ? AND ? ORDER BY delivery_id, number",
            (first_id, last_id),
        ).fetchall()
    return [Attempt.from_row(row) for row in rows]


def empty(database: Database) -> None:
    """Forget every delivery, event and mail; keep sources, destinations and installs."""
    with database.write() as connection:
        for table in ("attempts", "deliveries", "events", "mails"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608  names written right here
