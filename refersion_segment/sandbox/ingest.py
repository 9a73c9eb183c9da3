"""Take the events of one request into the workspace: check, deduplicate, queue for destinations."""

import sqlite3
from dataclasses import dataclass

from refersion_segment.sandbox import deliveries, pipeline
from refersion_segment.sandbox.clock import iso
from refersion_segment.sandbox.database import Database
from refersion_segment.sandbox.pipeline import Arrival, DroppedError, Event
from refersion_segment.sandbox.records import IngestedEvent, Source

ACCEPTED = "accepted"


@dataclass(frozen=True)
class Routing:
    """What decides to which destinations an accepted event goes."""

    display_name: str
    identify_only: bool


def take(
    database: Database, source: Source, events: list[object], arrival: Arrival, routing: Routing
) -> int:
    """Store what became of each event and queue its deliveries; return how many were queued."""
    with database.write() as connection:
        return sum(
            _take_one(connection, source, event, arrival, routing)
            if isinstance(event, dict)
            else _note(connection, source, {}, arrival, "event_not_object")
            for event in events
        )


def note_drop(database: Database, source: Source, arrival: Arrival, reason: str) -> None:
    """Store that a request as a whole was dropped."""
    with database.write() as connection:
        _note(connection, source, {}, arrival, reason)


def _take_one(
    connection: sqlite3.Connection,
    source: Source,
    event: Event,
    arrival: Arrival,
    routing: Routing,
) -> int:
    message_id = pipeline.message_id_of(event)
    try:
        _refuse_disabled(source)
        pipeline.check(event)
        forwarded = pipeline.as_forwarded(event, arrival, message_id)
        _refuse_suppressed(connection, event)
        _refuse_duplicate(connection, source, message_id)
    except DroppedError as drop:
        return _note(connection, source, event, arrival, str(drop))
    _note(connection, source, forwarded, arrival, ACCEPTED)
    return _queue_for_all(connection, source, forwarded, routing)


def _refuse_disabled(source: Source) -> None:
    if not source.enabled:
        raise DroppedError("source_disabled")


def _refuse_suppressed(connection: sqlite3.Connection, event: Event) -> None:
    user_id = pipeline.clean(str(event.get("userId")))
    if connection.execute(
        "SELECT 1 FROM suppressed_users WHERE user_id = ?", (user_id,)
    ).fetchone():
        raise DroppedError("suppressed_user")


def _refuse_duplicate(connection: sqlite3.Connection, source: Source, message_id: str) -> None:
    added = connection.execute(
        "INSERT OR IGNORE INTO seen_messages VALUES (?, ?)", (source.id, message_id)
    )
    if added.rowcount == 0:
        raise DroppedError("duplicate_message_id")


def _note(
    connection: sqlite3.Connection, source: Source, event: Event, arrival: Arrival, verdict: str
) -> int:
    connection.execute(
        "INSERT INTO events (source_id, received_at, event_type, message_id, who, verdict)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            source.id,
            iso(arrival.received_at),
            pipeline.clean(str(event.get("type", "")))[:20],
            pipeline.clean(str(event.get("messageId", "")))[: pipeline.LONGEST_MESSAGE_ID],
            pipeline.who_of(event),
            verdict,
        ),
    )
    return 0


def _queue_for_all(
    connection: sqlite3.Connection, source: Source, event: Event, routing: Routing
) -> int:
    if routing.identify_only and event["type"] != "identify":
        return 0
    if not pipeline.is_meant_for(event, routing.display_name):
        return 0
    names = connection.execute(
        "SELECT name FROM destinations WHERE source_id = ? AND enabled", (source.id,)
    ).fetchall()
    for row in names:
        deliveries.put(connection, source, row["name"], event, kind="event")
    return len(names)


def list_events(database: Database, source: Source, *, limit: int) -> list[IngestedEvent]:
    """List what a source sent last, newest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM events WHERE source_id = ? ORDER BY id DESC LIMIT ?",
            (source.id, limit),
        ).fetchall()
    return [IngestedEvent.from_row(row) for row in rows]


def suppress(database: Database, user_id: str) -> None:
    """Block a userId at the tracking API from now on."""
    with database.write() as connection:
        connection.execute("INSERT OR IGNORE INTO suppressed_users VALUES (?)", (user_id,))
