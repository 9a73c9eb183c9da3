"""The handshake at the sandbox: what it takes, and everything that it refuses."""

import base64
import hashlib
from urllib.parse import quote

import pytest
import time_machine

from refersion_segment.sandbox.database import ANALYST_EMAIL
from refersion_segment.sandbox.switches import InstallRule
from tests.sandbox.conftest import CLIENT, REDIRECT_URI, STATE, query_of

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]


def test_allow_leads_back_with_a_two_part_code_and_the_same_state(person):
    answer = person.decide("allow")

    assert [len(part) for part in answer["code"].split(".")] == [43, 43]
    assert answer["state"] == STATE
    assert answer["scope"] == "destination/refersion"


def test_a_code_becomes_a_token_as_documented(person):
    response = person.token()

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    body = response.json
    assert len(body.pop("access_token")) == 87
    assert body == {
        "token_type": "bearer",
        "expires_in": 3599,
        "scope": "workspace",
        "app_name": "apps/2",
        "install_name": "installs/1",
        "workspace_names": ["workspaces/northwind"],
        "source_names": ["workspaces/northwind/sources/web-shop"],
    }


def test_the_consent_page_has_the_words_that_people_know(person):
    person.log_in()

    page = person.client.get(person.start().headers["Location"]).text

    for words in ("Authorize Refersion", "Workspace", "Source", "Allow", "Deny", "Log out"):
        assert words in page
    assert "owner@northwind.example" in page


def test_somebody_logged_out_logs_in_first(person):
    consent = person.start().headers["Location"]

    login = person.client.get(consent).headers["Location"]
    challenge = query_of(login)["consent_challenge"]
    response = person.post(
        login,
        "/login",
        consent_challenge=challenge,
        email="owner@northwind.example",
        password="northwind-demo",
    )

    assert response.headers["Location"] == consent


def test_a_wrong_password_is_told_at_the_form(person):
    response = person.log_in(password="guess")

    assert response.status_code == 400
    assert "Email or password is not right." in response.text


def test_deny_is_told_to_the_app(person):
    answer = person.decide("deny")

    assert answer["error"] == "access_denied"
    assert answer["error_description"]
    assert answer["error_hint"]
    assert answer["state"] == STATE


def test_a_state_that_was_not_sent_is_not_made_up(person):
    assert "state" not in person.decide("allow", state=None)


def test_somebody_who_is_not_an_owner_cannot_allow(person):
    person.log_in(ANALYST_EMAIL)
    page = person.start().headers["Location"]

    shown = person.client.get(page)
    forged = person.post(
        page,
        "/authorize",
        consent_challenge=query_of(page)["consent_challenge"],
        workspace="northwind",
        source="web-shop",
        decision="allow",
    )

    assert "Only an owner of the workspace can authorize an app." in shown.text
    assert "Allow</button>" not in shown.text
    assert forged.status_code == 403


def test_a_decision_counts_once(person):
    person.log_in()
    page = person.start().headers["Location"]
    token = person.token_on(page)
    form = {
        "form_token": token,
        "consent_challenge": query_of(page)["consent_challenge"],
        "workspace": "northwind",
        "source": "web-shop",
        "decision": "allow",
    }

    first = person.client.post("/authorize", data=form)
    second = person.client.post("/authorize", data=form)

    assert first.status_code == 302
    assert second.status_code == 400


def test_a_form_without_its_token_is_refused(person):
    person.log_in()

    assert person.client.post("/sources", data={"slug": "x", "kind": "iOS"}).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "somebody-else"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": REDIRECT_URI + "/"},
        {"redirect_uri": REDIRECT_URI + "?next=1"},
        {"redirect_uri": "https://evil.example/callback"},
    ],
)
def test_an_unknown_app_or_redirect_uri_is_never_redirected_to(person, changes):
    response = person.start(**changes)

    assert response.status_code == 400
    assert "Location" not in response.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "destinations/refersion"}, "invalid_scope"),
        ({"scope": "workspace"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"state": "123"}, "invalid_state"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
    ],
)
def test_other_faults_go_back_to_the_app(person, changes, error):
    location = person.start(**changes).headers["Location"]

    assert location.startswith(REDIRECT_URI + "?")
    answer = query_of(location)
    assert answer["error"] == error
    assert answer["error_description"]
    assert answer["error_hint"]
    assert answer["state"] == changes.get("state", STATE)


def test_a_code_counts_once(person):
    code = person.decide("allow")["code"]

    first, second = person.exchange(code), person.exchange(code)

    assert first.status_code == 200
    assert second.status_code == 400
    assert second.json["error"] == "invalid_grant"
    assert second.json["status_code"] == 400


def test_a_code_lasts_ten_minutes(person):
    with time_machine.travel("2026-03-04T09:00:00Z", tick=False) as clock:
        code = person.decide("allow")["code"]
        clock.shift(601)

        assert person.exchange(code).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "made.up"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"redirect_uri": REDIRECT_URI + "/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"client_secret": CLIENT[1]}, "invalid_request"),
        ({"code_verifier": VERIFIER}, "invalid_grant"),
    ],
)
def test_a_faulty_exchange_is_refused_and_the_code_stays_good(person, changes, error):
    code = person.decide("allow")["code"]

    refused = person.exchange(**{"code": code, **changes})

    assert refused.status_code == 400
    assert refused.json["error"] == error
    assert person.exchange(code).status_code == 200


def test_an_exchange_is_a_form_not_json(person):
    code = person.decide("allow")["code"]

    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    response = person.client.post("/oauth2/token", json=body, auth=CLIENT)

    assert response.json["error"] == "invalid_request"


@pytest.mark.parametrize("auth", [None, ("refersion-app", "wrong"), ("other", CLIENT[1])])
def test_an_exchange_without_the_right_client_is_refused(person, auth):
    response = person.exchange(person.decide("allow")["code"], auth=auth)

    assert response.status_code == 401
    assert response.json["error"] == "invalid_client"
    assert response.headers["WWW-Authenticate"].startswith("Basic")


def test_client_credentials_may_be_percent_encoded(person):
    encoded = (quote(CLIENT[0], safe=""), quote(CLIENT[1], safe=""))

    assert person.exchange(person.decide("allow")["code"], auth=encoded).status_code == 200


def test_a_challenge_asks_for_its_verifier(person):
    challenge = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    code = person.decide("allow", **challenge)["code"]

    missing = person.exchange(code)
    wrong = person.exchange(code, code_verifier="w" * 43)
    right = person.exchange(code, code_verifier=VERIFIER)

    assert missing.json["error"] == wrong.json["error"] == "invalid_grant"
    assert right.status_code == 200


def test_a_second_install_of_the_same_source_exists_already(person):
    person.token()

    same, other = person.decide("allow"), person.decide("allow", source="ios-app")

    assert same["error"] == "access_denied"
    assert same["error_description"] == "install already exists"
    assert same["state"] == STATE
    assert "code" in other


def test_a_strict_workspace_takes_one_install(person, switch):
    switch(install_rule=InstallRule.PER_WORKSPACE)
    person.token()

    answer = person.decide("allow", source="ios-app")

    assert answer["error_description"] == "install already exists"


def test_a_lenient_workspace_takes_the_same_source_again(person, switch):
    switch(install_rule=InstallRule.NEVER)
    person.token()

    assert person.token().json["install_name"] == "installs/2"


def test_two_codes_of_one_source_make_one_install(person):
    first, second = person.decide("allow")["code"], person.decide("allow")["code"]
    person.exchange(first)

    response = person.exchange(second)

    assert response.status_code == 400
    assert response.json["error_description"] == "install already exists"


def test_a_removed_install_can_be_made_anew(person):
    person.token()
    person.post("/", "/installs/1/remove")

    assert person.token().json["install_name"] == "installs/2"


def test_segments_sample_consumer_is_registered(person):
    answer = person.start(redirect_uri="http://localhost:8888/auth/segment/callback")

    assert "consent_challenge" in answer.headers["Location"]


def test_a_further_redirect_uri_can_be_registered(person, switch):
    switch(further_redirect_uris="http://localhost:3000/callback")

    answer = person.start(redirect_uri="http://localhost:3000/callback")

    assert "consent_challenge" in answer.headers["Location"]
