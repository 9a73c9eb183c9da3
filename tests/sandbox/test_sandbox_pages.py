"""The sandbox's pages: sources and keys, the Event Tester, the buttons of the deliveries."""

import json
import re

import pytest

from refersion_segment.sandbox.destinations import find_destination
from refersion_segment.sandbox.switches import Switches
from refersion_segment.sandbox.workspace import list_sources

TESTED = {"messageId": "test-message-abc", "type": "identify", "userId": "test-user-1"}
PAGES = [
    "/",
    "/login",
    "/sources/web-shop",
    "/tester",
    "/deliveries",
    "/deliveries/1",
    "/inbox",
    "/settings",
]


@pytest.fixture
def press(person):
    """Send a form of a page and return the page after it."""
    return lambda page, action, **fields: person.client.get(
        person.post(page, action, **fields).headers["Location"]
    )


def test_the_workspace_begins_with_three_sources(sandbox, client):
    sources = list_sources(sandbox.database)

    assert [(one.slug, one.kind) for one in sources] == [
        ("web-shop", "JavaScript"),
        ("ios-app", "iOS"),
        ("newsletter", "HTTP API"),
    ]
    assert {len(one.write_key) for one in sources} == {32}
    assert len({one.project_id for one in sources}) == 3
    assert [one["write_key"] for one in client.get("/sources.json").json] == [
        one.write_key for one in sources
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_leads_back_and_runs_nothing_inline(
    destination, identify, deliver, client, page
):
    identify()
    deliver()

    response = client.get(page)

    assert response.status_code == 200
    assert 'href="http://127.0.0.1:9/"' in response.text
    assert response.headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert not re.search(r"<style|<script(?! src=)|\sstyle=|\son\w+=|javascript:", response.text)
    assert "no-store" in response.headers["Cache-Control"]


def test_a_page_that_is_not_there_says_so(client):
    assert client.get("/nowhere").status_code == 404
    assert client.get("/sources/nothing").status_code == 404
    assert client.get("/deliveries/99").status_code == 404


def test_a_pasted_key_attaches_the_destination(person, press, sandbox, web_shop):
    page = press("/sources/web-shop", "/sources/web-shop/destination", api_key=" pub.secret ")

    found = find_destination(sandbox.database, f"{web_shop.name}/destinations/refersion")
    assert (found.api_key, found.enabled) == ("pub.secret", 1)
    assert "secret" not in page.text
    assert "pub." in page.text


def test_an_empty_key_is_refused(press, sandbox, web_shop):
    page = press("/sources/web-shop", "/sources/web-shop/destination", api_key=" ")

    assert "API Key is required." in page.text
    assert find_destination(sandbox.database, f"{web_shop.name}/destinations/refersion") is None


def test_a_destination_can_be_removed(destination, press, sandbox, web_shop):
    press("/sources/web-shop", "/sources/web-shop/destination/remove")

    assert find_destination(sandbox.database, f"{web_shop.name}/destinations/refersion") is None


def test_a_source_can_be_added_once(press, sandbox):
    added = press("/", "/sources", slug="web-shop-2", kind="Python")
    again = press("/", "/sources", slug="web-shop-2", kind="Python")
    faulty = press("/", "/sources", slug="Web Shop", kind="Python")

    assert "Source web-shop-2 added." in added.text
    assert "There is a source web-shop-2 already." in again.text
    assert "small letters" in faulty.text
    assert len(list_sources(sandbox.database)) == 4


def test_settings_are_kept(press, sandbox):
    press(
        "/settings",
        "/settings",
        install_rule="never",
        duplicate_answer="409 code 6",
        network="down",
        token_lifetime_seconds="60",
        time_scale="3600",
        hold_deliveries="1",
        further_redirect_uris="http://localhost:8888/auth/segment/callback",
    )

    switches = Switches.load(sandbox.database)
    assert switches.install_rule == "never"
    assert switches.token_lifetime_seconds == 60
    assert switches.hold_deliveries is True
    assert switches.identify_only is False


@pytest.mark.parametrize(
    "changes",
    [
        {"time_scale": "0"},
        {"token_lifetime_seconds": "soon"},
        {"network": "fast"},
        {"further_redirect_uris": "javascript:alert(1)"},
        {"further_redirect_uris": " ".join(f"http://localhost:{n}/" for n in range(5))},
    ],
)
def test_faulty_settings_are_refused(person, sandbox, changes):
    form = {
        "install_rule": "never",
        "duplicate_answer": "409 code 6",
        "network": "down",
        "token_lifetime_seconds": "60",
        "time_scale": "1",
        **changes,
    }

    response = person.post("/settings", "/settings", **form)

    assert response.status_code == 400
    assert 'role="alert"' in response.text
    assert Switches.load(sandbox.database) == Switches()


@pytest.mark.parametrize("call_type", ["identify", "track", "page", "screen", "group"])
def test_the_tester_starts_from_a_sample(client, call_type):
    page = client.get(f"/tester?type={call_type}").text

    assert f"&#34;type&#34;: &#34;{call_type}&#34;" in page
    assert "test-message-" in page


def test_the_tester_sends_just_what_it_shows_and_tells_the_answer(destination, person):
    destination.answer((400, {}, '{"message": "Missing e-mail address."}'))

    page = person.post("/tester", "/tester", source="web-shop", document=json.dumps(TESTED))

    assert destination.calls[0].body == TESTED
    assert "Missing e-mail address." in page.text
    assert "400" in page.text
    assert "test-message-abc" not in page.text, "the next click is no duplicate"


def test_a_test_is_never_tried_again(destination, person, client, deliver):
    destination.answer(503)
    person.post("/tester", "/tester", source="web-shop", document=json.dumps(TESTED))

    assert deliver() == 0
    assert client.get("/deliveries.json").json[0]["code"] == "errors.discarded.503"


def test_a_test_event_always_has_the_tests_message_id(destination, person):
    document = json.dumps({**TESTED, "messageId": "mine"})

    person.post("/tester", "/tester", source="web-shop", document=document)

    assert destination.calls[0].body["messageId"].startswith("test-message-")


@pytest.mark.parametrize(
    ("source", "document", "words"),
    [
        ("web-shop", "{", "not valid JSON"),
        ("web-shop", "[]", "must be an object"),
        ("web-shop", '{"type": "delete"}', "must be an object with a type"),
        ("ios-app", json.dumps(TESTED), "not added to ios-app"),
        ("nothing", json.dumps(TESTED), "Choose a source."),
    ],
)
def test_what_cannot_be_tested_says_why(destination, person, source, document, words):
    response = person.post("/tester", "/tester", source=source, document=document)

    assert response.status_code == 400
    assert words in response.text
    assert destination.calls == []


def test_send_again_repeats_the_same_message(destination, identify, deliver, press, client):
    identify()
    deliver()

    press("/deliveries", "/deliveries/again", delivery="1", order="same")

    first, second = destination.calls
    assert first.body == second.body
    assert [one["kind"] for one in client.get("/deliveries.json").json] == ["again", "event"]


def test_held_events_can_be_delivered_in_reverse(destination, identify, deliver, person, switch):
    switch(hold_deliveries=True)
    identify(messageId="first")
    identify(messageId="second")
    held = deliver()

    person.client.post(
        "/deliveries/again",
        data={
            "form_token": person.token_on("/deliveries"),
            "delivery": ["1", "2"],
            "order": "reverse",
        },
    )

    assert held == 0
    assert [call.body["messageId"] for call in destination.calls] == ["second", "first"]


def test_delivered_events_in_reverse_get_message_ids_of_their_own(
    destination, identify, deliver, person
):
    identify(messageId="first", userId="u-1")
    identify(messageId="second", userId="u-2")
    deliver()

    person.client.post(
        "/deliveries/again",
        data={
            "form_token": person.token_on("/deliveries"),
            "delivery": ["1", "2"],
            "order": "reverse",
        },
    )

    again = [call.body for call in destination.calls[2:]]
    assert [event["userId"] for event in again] == ["u-2", "u-1"]
    assert {event["messageId"] for event in again}.isdisjoint({"first", "second"})


@pytest.mark.parametrize("order", ["same", "reverse"])
def test_nothing_chosen_sends_nothing(destination, press, order):
    assert "Choose" in press("/deliveries", "/deliveries/again", order=order).text


def test_a_delete_of_the_first_shape(destination, press):
    press(
        "/deliveries",
        "/deliveries/delete",
        user_id="cust-1042",
        email="ada@example.com",
        source="all sources",
        shape="1: with context and e-mail, as Refersion's catalog page prints it",
    )

    (call,) = destination.calls
    assert call.body["type"] == "delete"
    assert call.body["email"] == "ada@example.com"
    assert call.body["context"] == call.body["integrations"] == []
    assert "traits" not in call.body


def test_a_delete_of_the_second_shape_can_suppress(destination, press, identify, deliver):
    press(
        "/deliveries",
        "/deliveries/delete",
        user_id="cust-1042",
        source="web-shop",
        suppress="1",
        shape="2: with nulls and Go's clock, as the partner spec prints it",
    )
    identify()

    (call,) = destination.calls
    assert call.body["context"] is None
    assert call.body["originalTimestamp"].endswith("m=+70366.29")
    assert call.body["messageId"].startswith("delete-reg-")
    assert deliver() == 0


def test_a_delete_needs_a_user_and_a_shape(destination, person):
    shape = "3: userId and timestamp only, as destination functions see it"
    person.post("/deliveries", "/deliveries/delete", user_id=" ", shape=shape)
    odd = person.post("/deliveries", "/deliveries/delete", user_id="u", shape="4")

    assert odd.status_code == 400
    assert destination.calls == []


def test_everything_sent_can_be_forgotten(destination, identify, deliver, press, client):
    identify()
    deliver()

    press("/settings", "/deliveries/empty")

    assert client.get("/deliveries.json").json == []
    assert client.get("/sources.json").json[0]["destinations"]


def test_under_a_prefix_links_and_cookie_keep_to_it(client):
    response = client.get("/login", base_url="http://127.0.0.1:5000/sandbox")

    assert "Path=/sandbox" in response.headers["Set-Cookie"]
    assert 'href="/sandbox/static/sandbox.css"' in response.text
