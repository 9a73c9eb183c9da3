"""Segment's own Python SDK, through the sandbox, to a mail that was received."""

import json
import re
from typing import Any

import pytest
import requests
from segment.analytics import Client

from tests.system.processes import Server, flask, json_lines, wait_until


@pytest.fixture
def merchant(settings: dict[str, str], server: Server) -> dict[str, str]:
    """A merchant who pasted the API key into Segment: the second way to connect."""
    made: dict[str, str] = json.loads(
        flask(
            *("merchants", "create", "Northwind", "--owner-email", "maya@northwind.example"),
            *("--password", "a lantern over the quiet harbour", "--json"),
            settings=settings,
        )
    )
    flask("merchants", "enable-segment", made["merchant"], settings=settings)
    page = f"{server.url}/sandbox/sources/web-shop"
    with requests.Session() as browser:
        hidden = dict(
            re.findall(
                r'type="hidden" name="([^"]+)" value="([^"]*)"', browser.get(page, timeout=5).text
            )
        )
        fields = {**hidden, "api_key": made["api_key"]}
        browser.post(f"{page}/destination", data=fields, timeout=5).raise_for_status()
    return made


@pytest.mark.parametrize("more", [{"sync_mode": True}, {"gzip": True}])
def test_an_identify_of_the_sdk_becomes_an_affiliate_and_a_mail(
    settings: dict[str, str], server: Server, merchant: dict[str, str], more: dict[str, Any]
) -> None:
    sources = requests.get(f"{server.url}/sandbox/sources.json", timeout=5).json()
    write_key = next(one["write_key"] for one in sources if one["slug"] == "web-shop")
    client = Client(write_key, host=f"{server.url}/sandbox", **more)

    client.identify("cust-1", {"email": "ada@shop.example", "firstName": "Ada", "last_name": "M"})
    client.track("cust-1", "Signed In")
    if "sync_mode" not in more:
        client.shutdown()

    inbox = f"{server.url}/sandbox/inbox.json"
    wait_until(lambda: len(requests.get(inbox, timeout=5).json()) == 1)
    mail = requests.get(inbox, timeout=5).json()[0]
    listed = flask("affiliates", "list", merchant["merchant"], "--json", settings=settings)
    affiliate = json_lines(listed)[0]
    logged = flask("deliveries", "list", merchant["merchant"], "--json", settings=settings)
    assert "ada@shop.example" in str(mail["to"])
    assert (affiliate["email"], affiliate["first_name"]) == ("ada@shop.example", "Ada")
    assert sorted(call["outcome"] for call in json_lines(logged)) == ["created", "ignored"]
