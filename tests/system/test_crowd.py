"""Many calls at once for the same person, against two gunicorn processes on PostgreSQL."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
import requests

from tests.conftest import settings_for
from tests.system.processes import flask, gunicorn, json_lines
from tests.web.segment_destination.events import delete, identify

CALLERS = 40
CALLS = 200


@pytest.fixture
def settings(empty_postgres_url: str) -> dict[str, str]:
    """Settings of a migrated product on PostgreSQL."""
    settings = settings_for(empty_postgres_url)
    flask("db", "upgrade", settings=settings)
    return settings


@pytest.fixture
def merchant(settings: dict[str, str]) -> dict[str, str]:
    """A merchant made by the command, with the integration on."""
    made = json.loads(
        flask(
            *("merchants", "create", "Crowd", "--json"),
            *("--owner-email", f"{uuid4().hex}@shop.example"),
            *("--password", "a lantern over the quiet harbour"),
            settings=settings,
        )
    )
    flask("merchants", "enable-segment", made["merchant"], settings=settings)
    return made


def test_two_hundred_identifies_of_one_person_make_one_affiliate_and_one_message(
    settings: dict[str, str], merchant: dict[str, str]
) -> None:
    events = [
        identify(
            email=("ada@shop.example", "ADA@Shop.Example", " Ada@shop.example ")[n % 3],
            userId="u-1",
            messageId=f"m-{n}",
        )
        for n in range(CALLS)
    ]

    answers = send_all(events, settings, merchant)

    assert [status for status, _ in answers] == [200] * CALLS
    outcomes = [body["outcome"] for _, body in answers]
    assert sorted(set(outcomes)) == ["already_affiliate", "created"]
    assert outcomes.count("created") == 1
    assert len({body["affiliate"] for _, body in answers}) == 1
    listed = json_lines(
        flask("affiliates", "list", merchant["merchant"], "--json", settings=settings)
    )
    messages = json_lines(
        flask("messages", "list", merchant["merchant"], "--json", settings=settings)
    )
    assert len(listed) == len(messages) == 1


def test_one_message_id_sent_by_everybody_at_once_is_done_once(
    settings: dict[str, str], merchant: dict[str, str]
) -> None:
    answers = send_all([identify(messageId="m-1")] * CALLS, settings, merchant)

    assert [status for status, _ in answers] == [200] * CALLS
    first = [body for _, body in answers if "replayed" not in body]
    assert len(first) == 1
    assert all({**first[0], "replayed": True} == body for _, body in answers if body not in first)


def test_identify_calls_that_race_a_newer_delete_leave_nobody_behind(
    settings: dict[str, str], merchant: dict[str, str]
) -> None:
    old, new = "2026-04-01T10:00:00Z", "2026-04-01T10:00:01Z"
    events = [
        delete(userId="u-1", email="ada@shop.example", receivedAt=new)
        if n % 20 == 10
        else identify(userId="u-1", receivedAt=old)
        for n in range(CALLS)
    ]

    answers = send_all(events, settings, merchant)

    assert [status for status, _ in answers] == [200] * CALLS
    listed = flask("affiliates", "list", merchant["merchant"], "--json", settings=settings)
    assert listed == ""


def send_all(
    events: list[dict[str, object]], settings: dict[str, str], merchant: dict[str, str]
) -> list[tuple[int, dict[str, str]]]:
    """Send every event, many at once, and return the answers in the order of the events."""
    start = Barrier(CALLERS)

    with gunicorn(settings) as server:

        def send(part: list[dict[str, object]]) -> list[tuple[int, dict[str, str]]]:
            with requests.Session() as session:
                start.wait()
                answers = [
                    session.post(
                        f"{server.url}/segment/destination",
                        json=event,
                        auth=(merchant["api_key"], ""),
                        timeout=20,
                    )
                    for event in part
                ]
            return [(answer.status_code, answer.json()) for answer in answers]

        with ThreadPoolExecutor(CALLERS) as pool:
            parts = list(pool.map(send, [events[n::CALLERS] for n in range(CALLERS)]))
    return [parts[n % CALLERS][n // CALLERS] for n in range(len(events))]
