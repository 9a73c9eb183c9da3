"""What a consent that was given leads to: further sources, faults, and enabling again."""

from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import AuditEntry, Job
from refersion_segment.models.connection import ConnectionMode, ConnectionState, DestinationState
from refersion_segment.models.scope import rows_of
from refersion_segment.services import connections
from refersion_segment.services.actors import COMMAND
from tests.factories import MadeMerchant, make_merchant, sign_in
from tests.pages import submit, text_of
from tests.segment_fake import FakeSegment
from tests.web.segment_oauth.conftest import (
    PAGE,
    TOOK_TOO_LONG,
    assert_nothing_is_connected,
    come_back,
    connect,
    connection_of,
    sources_of,
    start,
)


def test_when_only_the_destination_fails_the_worker_goes_on(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    segment.fail("POST /v1beta/.*", status=503)
    segment.fail("GET /v1beta/.*", status=503)

    page = connect(client, segment, "shop")

    [job] = db.session.scalars(rows_of(northwind.merchant.id, Job)).all()
    assert "Refersion is not on there yet. Segment answered 503: API down." in text_of(page)
    assert "Tried 1 time. Next try:" in text_of(page)
    assert "Try again" in text_of(page)
    assert connection_of(northwind).state is ConnectionState.CONNECTING
    assert job.due_at is not None
    assert job.due_at > utc_now()

    again = submit(client, PAGE, to=f"{PAGE}/try-again")

    assert again.status_code == 302
    assert connection_of(northwind).state is ConnectionState.CONNECTED
    assert segment.is_on("shop")


def test_another_source_keeps_the_first(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    connect(client, segment, "shop")
    generation = connection_of(northwind).generation

    page = connect(client, segment, "app")

    assert "Segment is connected. Source: app . Now choose an offer." in text_of(page)
    assert sources_of(northwind) == {"shop": DestinationState.ON, "app": DestinationState.ON}
    assert connection_of(northwind).generation == generation


def test_another_source_that_fails_leaves_the_first_as_it_is(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    connect(client, segment, "shop")
    segment.fail("POST .*/sources/app/destinations", status=403, json={"error": "no scope"})

    page = connect(client, segment, "app")

    assert "Segment answered 403: no scope" in text_of(page)
    assert connection_of(northwind).state is ConnectionState.CONNECTED
    assert sources_of(northwind) == {"shop": DestinationState.ON, "app": DestinationState.FAILED}
    assert "Needs attention" in text_of(page)


def test_another_workspace_is_not_taken_while_one_is_connected(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    connect(client, segment, "shop")
    segment.workspace = "elsewhere"

    page = connect(client, segment, "shop")

    assert "The Segment workspace northwind is connected." in text_of(page)
    assert connection_of(northwind).workspace == "northwind"


def test_enabling_again_goes_through_the_same_handshake(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    connect(client, segment, "shop")
    submit(client, PAGE, to=f"{PAGE}/disable")

    page = connect(client, segment, "shop")

    assert "Segment is connected. Source: shop" in text_of(page)
    assert connection_of(northwind).state is ConnectionState.CONNECTED
    assert segment.is_on("shop")
    jobs = db.session.scalars(rows_of(northwind.merchant.id, Job)).all()
    assert jobs == []


EXISTS = {"error": "access_denied", "error_description": "install already exists"}


def test_an_install_that_exists_is_used_again(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    connect(client, segment, "shop")
    submit(client, PAGE, to=f"{PAGE}/disable")
    segment.end_token()

    page = come_back(client, **EXISTS, state=start(client)["state"])

    assert "Segment is connected. Source: shop" in text_of(page)
    assert segment.renewals == 1
    assert segment.is_on("shop")


def test_without_a_state_an_install_that_exists_is_not_used(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    connect(client, segment, "shop")
    submit(client, PAGE, to=f"{PAGE}/disable")

    for query in (EXISTS, {**EXISTS, "state": "wrong"}):
        assert TOOK_TOO_LONG in text_of(come_back(client, **query))

    assert connection_of(northwind).state is ConnectionState.DISABLED


def test_an_install_that_exists_and_is_not_ours_asks_for_the_key(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    page = come_back(client, **EXISTS, state=start(client)["state"])

    assert "Add the source inside Segment, with your API key" in text_of(page)
    assert_nothing_is_connected(northwind)


def test_an_install_that_exists_is_told_by_the_token_answer_too(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    segment.fail("POST /oauth2/token", status=409, json={"error": "install already exists"})

    page = connect(client, segment, "shop")

    assert "Add the source inside Segment, with your API key" in text_of(page)
    assert_nothing_is_connected(northwind)


def test_an_install_that_is_in_use_asks_for_the_key_for_another_source(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    connect(client, segment, "shop")

    page = come_back(client, **EXISTS, state=start(client)["state"])

    assert "Add the source inside Segment, with your API key" in text_of(page)
    assert connection_of(northwind).state is ConnectionState.CONNECTED


def test_each_step_is_an_audit_entry(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    connect(client, segment, "shop")
    submit(client, PAGE, to=f"{PAGE}/disable")

    entries = db.session.scalars(
        rows_of(northwind.merchant.id, AuditEntry)
        .where(AuditEntry.action.startswith("segment."))
        .order_by(AuditEntry.id)
    ).all()

    assert [(entry.action, entry.detail) for entry in entries] == [
        ("segment.enabled", "northwind: shop"),
        ("segment.disabled", "northwind"),
    ]
    assert {entry.user_id for entry in entries} == {northwind.owner.id}


def test_a_connection_by_key_can_become_a_managed_one(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    connections.enable_by_key(northwind.merchant.id, by=COMMAND, now=utc_now())
    db.session.commit()

    connect(client, segment, "shop")

    connection = connection_of(northwind)
    assert (connection.state, connection.mode) == (
        ConnectionState.CONNECTED,
        ConnectionMode.MANAGED,
    )


def test_a_merchant_sees_nothing_of_another(
    app: Flask, client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    connect(client, segment, "shop")
    elsewhere, other = make_merchant("Elsewhere"), app.test_client()
    sign_in(other, elsewhere.owner)

    page = other.get(PAGE)

    assert "shop" not in text_of(page).replace("shop.example", "")
    assert isinstance(connection_of(elsewhere).merchant_id, UUID)
    assert connection_of(elsewhere).state is ConnectionState.DISABLED
