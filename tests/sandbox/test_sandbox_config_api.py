"""The sandbox's Config API: exact names, masks, scopes, tokens that end, documented errors."""

import pytest
import time_machine

from refersion_segment.sandbox.switches import DuplicateAnswer
from tests.sandbox.conftest import CLIENT

SOURCE = "workspaces/northwind/sources/web-shop"
NAME = f"{SOURCE}/destinations/refersion"
KEY = "pub_7f3c91.sec_b2d04e"


def config(value=KEY):
    return [{"name": f"{NAME}/config/apiKey", "type": "string", "value": value}]


def body(**changes):
    destination = {
        "name": NAME,
        "connection_mode": "CLOUD",
        "enabled": True,
        "config": config(),
        **changes,
    }
    return {"destination": {k: v for k, v in destination.items() if v is not None}}


@pytest.fixture
def api(client, token):
    """Call the Config API with the install token: api("GET", NAME)."""

    def call(method, path, document=None, *, bearer=token):
        return client.open(
            f"/v1beta/{path}",
            method=method,
            json=document,
            headers={"Authorization": f"Bearer {bearer}"},
        )

    return call


@pytest.fixture
def created(api):
    response = api("POST", f"{SOURCE}/destinations", body())
    assert response.status_code == 200
    return response.json


def test_a_created_destination_is_told_as_get_tells_it(api, created):
    assert api("GET", NAME).json == created
    assert {k: v for k, v in created.items() if not k.endswith("_time")} == {
        "name": NAME,
        "parent": SOURCE,
        "display_name": "Refersion",
        "enabled": True,
        "connection_mode": "UNSPECIFIED",
        "config": [
            {
                "name": f"{NAME}/config/apiKey",
                "display_name": "API Key",
                "value": KEY,
                "type": "string",
            }
        ],
    }


def test_without_enabled_a_destination_is_created_off(api):
    response = api("POST", f"{SOURCE}/destinations", body(enabled=None))

    assert response.json["enabled"] is False


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"destination": "refersion"},
        body(name=None),
        body(name="refersion"),
        body(name="workspaces/northwind/sources/ios-app/destinations/refersion"),
        body(connection_mode="DEVICE"),
        body(enabled="true"),
        body(config=None),
        body(config=[]),
        body(config={}),
        body(config=config("")),
        body(config=config(7)),
        body(config=[{"name": "apiKey", "value": KEY}]),
        body(config=[{"name": f"{NAME}/config/secret", "value": KEY}]),
        body(config=[{"name": f"{NAME}/config/apiKey", "type": "number", "value": KEY}]),
    ],
)
def test_a_faulty_create_is_refused(api, document):
    response = api("POST", f"{SOURCE}/destinations", document)

    assert response.status_code == 400
    assert response.json["code"] == 3
    assert response.json["error"]
    assert api("GET", NAME).status_code == 404


def test_a_second_create_is_refused_as_observed(api, created):
    response = api("POST", f"{SOURCE}/destinations", body())

    assert response.status_code == 500
    assert response.json == {
        "error": "destination already exists or other internal error",
        "code": 13,
    }


def test_a_second_create_can_be_refused_as_documented(api, created, switch):
    switch(duplicate_answer=DuplicateAnswer.DOCUMENTED)

    response = api("POST", f"{SOURCE}/destinations", body())

    assert response.status_code == 409
    assert response.json["code"] == 6


def patch(*paths, **fields):
    return {"destination": fields, "update_mask": {"paths": [f"destination.{p}" for p in paths]}}


def test_a_masked_field_changes_and_the_rest_stays(api, created):
    response = api("PATCH", NAME, patch("enabled", enabled=False, config=config("new.key")))

    assert response.status_code == 200
    assert response.json["enabled"] is False
    assert response.json["config"][0]["value"] == KEY


def test_a_mask_without_its_field_zeroes_it(api, created):
    assert api("PATCH", NAME, patch("enabled")).json["enabled"] is False


def test_fields_without_a_mask_change_nothing(api, created):
    response = api("PATCH", NAME, {"destination": {"enabled": False, "config": config("x.y")}})

    assert response.status_code == 200
    assert response.json["enabled"] is True
    assert response.json["config"][0]["value"] == KEY


def test_a_mask_inside_the_destination_is_no_mask(api, created):
    document = patch("enabled", enabled=False)
    document["destination"]["update_mask"] = document.pop("update_mask")

    assert api("PATCH", NAME, document).json["enabled"] is True


def test_config_is_merged_by_name(api, created):
    untouched = api("PATCH", NAME, patch("config", config=[]))
    changed = api("PATCH", NAME, patch("config", config=config("new.key")))

    assert untouched.json["config"][0]["value"] == KEY
    assert changed.json["config"][0]["value"] == "new.key"


@pytest.mark.parametrize(
    "document",
    [
        patch("enabled", enabled="no"),
        patch("secrets"),
        {"destination": {"enabled": False}, "update_mask": "destination.enabled"},
        {"destination": {"enabled": False}, "update_mask": {"paths": "destination.enabled"}},
        patch("enabled", enabled=False, name=f"{SOURCE}/destinations/webhooks"),
    ],
)
def test_a_faulty_update_is_refused_and_changes_nothing(api, created, document):
    response = api("PATCH", NAME, document)

    assert response.status_code == 400
    assert response.json["code"] == 3
    assert api("GET", NAME).json == created


def test_a_deleted_destination_is_gone(api, created):
    first, second = api("DELETE", NAME), api("DELETE", NAME)

    assert (first.status_code, first.json) == (200, {})
    assert (second.status_code, second.json["code"]) == (404, 5)
    assert api("GET", NAME).status_code == 404
    assert api("PATCH", NAME, patch("enabled", enabled=True)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{SOURCE}/destinations"),
        ("GET", SOURCE),
        ("GET", "workspaces/northwind"),
        ("GET", "workspaces/northwind/sources"),
        ("GET", "catalog/destinations/refersion"),
        ("GET", f"{SOURCE}/destinations/webhooks"),
        ("GET", "workspaces/northwind/sources/ios-app/destinations/refersion"),
        ("DELETE", "workspaces/northwind/sources/none/destinations/refersion"),
        ("GET", "workspaces/southwind/sources/web-shop/destinations/refersion"),
        ("POST", "workspaces/northwind/sources/ios-app/destinations"),
    ],
)
def test_the_destination_scope_reaches_no_further(api, method, path):
    response = api(method, path, body() if method == "POST" else None)

    assert response.status_code == 403
    assert response.json == {"error": "insufficient scope", "code": 7}


def test_another_destination_cannot_be_created_on_the_same_source(api):
    response = api("POST", f"{SOURCE}/destinations", body(name=f"{SOURCE}/destinations/webhooks"))

    assert response.status_code == 403


@pytest.mark.parametrize("path", [f"{NAME}/", "destinations", f"{SOURCE}/destination/refersion"])
def test_an_inexact_path_is_not_found(api, path):
    response = api("GET", path)

    assert (response.status_code, response.json["code"]) == (404, 5)


@pytest.mark.parametrize(("method", "path"), [("PUT", NAME), ("PUT", f"{SOURCE}/destinations")])
def test_another_method_is_not_supported(api, method, path):
    response = api(method, path, body())

    assert (response.status_code, response.json["code"]) == (501, 12)


@pytest.mark.parametrize("header", [None, "Bearer made.up", "Basic eDp5", "Bearer"])
def test_a_call_without_a_good_token_is_refused(client, header):
    headers = {"Authorization": header} if header else {}

    response = client.get(f"/v1beta/{NAME}", headers=headers)

    assert response.status_code == 401
    assert response.json == {"error": "malformed token", "code": 16}


def test_a_token_ends_after_an_hour(person, client):
    with time_machine.travel("2026-03-04T09:00:00Z", tick=False) as clock:
        headers = {"Authorization": f"Bearer {person.token().json['access_token']}"}
        clock.shift(3599)
        still_good = client.get(f"/v1beta/{NAME}", headers=headers)
        clock.shift(2)
        ended = client.get(f"/v1beta/{NAME}", headers=headers)

    assert still_good.status_code == 404
    assert ended.json == {"error": "malformed token", "code": 16}


def test_a_refresh_gives_a_new_token_and_ends_the_old_one(api, client, created):
    response = client.get("/v1beta/installs/1/token", auth=CLIENT)

    assert response.status_code == 200
    assert response.json["expires_in"] == 3600
    assert response.json["token_type"] == "bearer"
    assert "source_names" not in response.json
    assert api("GET", NAME).status_code == 401
    assert api("GET", NAME, bearer=response.json["access_token"]).json == created


def test_the_lifetime_of_a_token_can_be_shortened(client, token, switch):
    switch(token_lifetime_seconds=5)

    assert client.get("/v1beta/installs/1/token", auth=CLIENT).json["expires_in"] == 5


@pytest.mark.parametrize(
    ("path", "auth", "status", "code"),
    [
        ("installs/1/token", ("refersion-app", "wrong"), 401, 16),
        ("installs/1/token", None, 401, 16),
        ("installs/2/token", CLIENT, 404, 5),
        ("install/1/token", CLIENT, 401, 16),
    ],
)
def test_a_faulty_refresh_is_refused(client, token, path, auth, status, code):
    response = client.get(f"/v1beta/{path}", auth=auth)

    assert (response.status_code, response.json["code"]) == (status, code)


def test_an_install_that_the_customer_removed_is_gone(person, api, client):
    person.post("/", "/installs/1/remove")

    assert api("GET", NAME).status_code == 401
    assert client.get("/v1beta/installs/1/token", auth=CLIENT).status_code == 404


def test_the_201st_call_of_a_minute_is_refused(api, client):
    with time_machine.travel("2026-03-04T09:00:00Z", tick=False) as clock:
        token = client.get("/v1beta/installs/1/token", auth=CLIENT).json["access_token"]
        answers = [api("GET", NAME, bearer=token) for _ in range(201)]
        clock.shift(61)
        later = api("GET", NAME, bearer=token)

    assert {answer.status_code for answer in answers[:200]} == {404}
    assert answers[200].status_code == 429
    assert answers[200].json["code"] == 8
    assert later.status_code == 404
