"""The way to Segment's consent and back, and everything that can go wrong on it."""

import re
from datetime import timedelta

import pytest
import requests
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from refersion_segment.clock import utc_now
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import Install, Job, LoginSession
from refersion_segment.models.connection import ConnectionMode, ConnectionState, DestinationState
from refersion_segment.models.scope import rows_of
from tests.factories import MadeMerchant, make_merchant, make_user, sign_in
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


def test_the_button_leads_to_the_consent(client: FlaskClient, northwind: MadeMerchant) -> None:
    asked = start(client)

    assert re.fullmatch("[0-9a-f]{64}", asked.pop("state"))
    assert re.fullmatch(r"[\w-]{43}", asked.pop("code_challenge"))
    assert asked == {
        "response_type": "code",
        "client_id": "refersion-local",
        "scope": "destination/refersion",
        "redirect_uri": "http://localhost/account/settings/segment/callback",
        "code_challenge_method": "S256",
    }


def test_the_redirect_uri_is_never_taken_from_the_host(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    page = client.get(PAGE)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]

    response = client.post(
        f"{PAGE}/enable", data={"csrf_token": token}, headers={"X-Forwarded-Host": "evil.example"}
    )

    assert "evil.example" not in response.headers["Location"]


def test_the_page_lets_its_form_end_at_segment(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    policy = client.get(PAGE).headers["Content-Security-Policy"]

    assert "form-action 'self' https://id.segment.test https://app.segment.com" in policy


def test_neither_state_nor_verifier_is_in_the_cookie(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    asked = start(client)

    with client.session_transaction() as cookie:
        kept = str(dict(cookie))
    [login] = db.session.scalars(rows_of(northwind.merchant.id, LoginSession)).all()
    assert asked["state"] not in kept
    assert "verifier" not in kept
    assert asked["state"] not in f"{login.oauth_state_digest} {login.oauth_verifier_sealed}"


def test_allowing_a_source_connects_it(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    page = connect(client, segment, "shop")

    connection = connection_of(northwind)
    assert "Segment is connected. Source: shop . Now choose an offer." in text_of(page)
    assert (connection.state, connection.mode) == (
        ConnectionState.CONNECTED,
        ConnectionMode.MANAGED,
    )
    [install] = db.session.scalars(rows_of(northwind.merchant.id, Install)).all()
    assert (install.workspace, install.name) == ("northwind", "installs/7")
    assert connection.connected_by == northwind.owner.id
    assert "token" not in install.token_sealed
    assert sources_of(northwind) == {"shop": DestinationState.ON}
    assert segment.is_on("shop")
    assert segment.key_of("shop") == northwind.api_key
    assert db.session.scalars(rows_of(northwind.merchant.id, Job)).all() == []


def test_the_verifier_goes_to_segment_with_the_code(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    connect(client, segment, "shop")

    assert segment.requests == [
        "POST /oauth2/token",
        "POST /v1beta/workspaces/northwind/sources/shop/destinations",
        "GET /v1beta/workspaces/northwind/sources/shop/destinations/refersion",
    ]


def test_the_first_event_needs_no_save(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    connect(client, segment, "shop")

    response = client.post(
        "/segment/destination",
        json={"type": "identify", "userId": "1", "traits": {"email": "a@b.example", "name": "A"}},
        auth=(northwind.api_key, ""),
    )

    assert response.json["outcome"] == "created"


def test_a_consent_that_is_refused_connects_nothing(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    state = start(client)["state"]

    page = come_back(client, error="access_denied", error_description="No.", state=state)

    assert "You did not allow access, so nothing was connected." in text_of(page)
    assert "Enable Segment Integration" in text_of(page)
    assert_nothing_is_connected(northwind)
    assert TOOK_TOO_LONG in text_of(come_back(client, code=segment.consent("shop"), state=state))


def test_an_error_without_a_state_is_told_too(client: FlaskClient, northwind: MadeMerchant) -> None:
    page = come_back(client, error="access_denied")

    assert "You did not allow access, so nothing was connected." in text_of(page)


def test_an_error_of_segment_is_told_as_plain_text(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    state = start(client)["state"]

    page = come_back(
        client,
        error="server_error",
        error_description="<img src=x onerror=alert(1)>" + "y" * 1000,
        state=state,
    )

    assert "Segment did not go on: “server_error <img src=x" in text_of(page)
    assert "<img" not in page.text
    assert "y" * 200 not in page.text


@pytest.mark.parametrize("state", [None, "", "wrong", "0" * 64, "x" * 100_000])
def test_a_state_that_is_not_ours_is_refused(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment, state: str | None
) -> None:
    start(client)
    query = {} if state is None else {"state": state}

    page = come_back(client, code=segment.consent("shop"), **query)

    assert TOOK_TOO_LONG in text_of(page)
    assert segment.requests == []
    assert_nothing_is_connected(northwind)


def test_a_state_works_once(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    state = start(client)["state"]
    come_back(client, code=segment.consent("shop"), state=state)

    page = come_back(client, code=segment.consent("other"), state=state)

    assert TOOK_TOO_LONG in text_of(page)
    assert sources_of(northwind) == {"shop": DestinationState.ON}


def test_a_second_start_ends_the_first(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    first = start(client)["state"]
    second = start(client)["state"]

    refused = come_back(client, code=segment.consent("shop"), state=first)
    taken = come_back(client, code=segment.consent("shop"), state=second)

    assert TOOK_TOO_LONG in text_of(refused)
    assert "Segment is connected." in text_of(taken)


def test_a_state_ends_after_ten_minutes(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    state = start(client)["state"]

    with time_machine.travel(utc_now() + timedelta(minutes=10, seconds=1)):
        page = come_back(client, code=segment.consent("shop"), state=state)

    assert TOOK_TOO_LONG in text_of(page)
    assert_nothing_is_connected(northwind)


def test_a_state_of_another_session_is_refused(
    app: Flask, client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    state = start(client)["state"]
    others = {
        "a colleague": make_user(northwind.merchant, Role.MANAGER),
        "the same person elsewhere": northwind.owner,
        "another merchant": make_merchant("Elsewhere").owner,
    }

    for user in others.values():
        other = app.test_client()
        sign_in(other, user)
        page = come_back(other, code=segment.consent("shop"), state=state)
        assert TOOK_TOO_LONG in text_of(page)

    assert segment.requests == []
    assert_nothing_is_connected(northwind)


def test_after_a_logout_the_way_leads_to_the_login_and_the_state_is_dead(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    state = start(client)["state"]
    submit(client, PAGE, to="/logout")

    response = client.get(f"{PAGE}/callback", query_string={"code": "c", "state": state})

    assert response.headers["Location"].startswith("/login?next=")
    sign_in(client, northwind.owner)
    page = come_back(client, code=segment.consent("shop"), state=state)
    assert TOOK_TOO_LONG in text_of(page)
    assert_nothing_is_connected(northwind)


def test_an_answer_of_another_server_is_refused(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    state = start(client)["state"]

    page = come_back(client, code=segment.consent("shop"), state=state, iss="https://evil.example/")

    assert TOOK_TOO_LONG in text_of(page)
    assert segment.requests == []


def test_an_answer_that_names_our_server_is_taken(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    state = start(client)["state"]

    page = come_back(
        client, code=segment.consent("shop"), state=state, iss="https://id.segment.test/"
    )

    assert "Segment is connected." in text_of(page)


def test_a_viewer_can_neither_start_nor_come_back(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    sign_in(client, make_user(northwind.merchant, Role.VIEWER))

    page = client.get(PAGE)

    assert page.status_code == 200
    assert "Enable Segment Integration" not in text_of(page)
    assert client.get(f"{PAGE}/callback").status_code == 403
    assert submit(client, PAGE, to=f"{PAGE}/enable").status_code == 403


@pytest.mark.parametrize("code", ["", "used.before", "x" * 3000])
def test_a_code_that_is_none_connects_nothing(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment, code: str
) -> None:
    page = come_back(client, code=code, state=start(client)["state"])

    assert "Please start again." in text_of(page)
    assert_nothing_is_connected(northwind)


FAULTS = [
    ({"status": 503}, "Segment answered 503: API down. Nothing was connected."),
    ({"status": 500, "body": "<h1>Oops</h1>"}, "Segment answered 500. Nothing was connected."),
    ({"status": 200, "body": "<h1>Hi</h1>"}, "Segment answered 200, but not in JSON."),
    ({"status": 200, "body": "x" * 2_000_000}, "too large"),
    ({"status": 200, "json": {"access_token": "t.t"}}, "Segment's answer names no install."),
    (
        {"status": 302, "headers": {"Location": "http://127.0.0.1/"}},
        "Segment answered 302: API down. Nothing was connected.",
    ),
    ({"exception": requests.ConnectionError("no")}, "Segment could not be reached."),
    ({"exception": requests.ReadTimeout("slow")}, "Segment did not answer within"),
    ({"status": 401, "json": {"error": "invalid_client"}}, "refused the sign-in: invalid_client"),
]


@pytest.mark.parametrize(("fault", "sentence"), FAULTS)
def test_a_segment_that_is_down_connects_nothing(
    client: FlaskClient,
    northwind: MadeMerchant,
    segment: FakeSegment,
    fault: dict[str, object],
    sentence: str,
) -> None:
    segment.fail("POST /oauth2/token", **fault)

    page = connect(client, segment, "shop")

    assert sentence in text_of(page)
    assert "again" in text_of(page)
    assert page.status_code == 200
    assert_nothing_is_connected(northwind)
    assert "Segment is connected." in text_of(connect(client, segment, "shop"))


def test_names_that_are_none_never_become_a_url(
    client: FlaskClient, northwind: MadeMerchant, segment: FakeSegment
) -> None:
    state = start(client)["state"]
    code = segment.consent("shop", workspace_names=["workspaces/a/../../installs"])

    page = come_back(client, code=code, state=state)

    assert "names no workspace that we understand" in text_of(page)
    assert segment.requests == ["POST /oauth2/token"]
    assert_nothing_is_connected(northwind)
