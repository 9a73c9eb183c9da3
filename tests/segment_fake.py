"""Segment as far as the product sees it, inside the test's process: other people's server."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import requests
import responses

OAUTH = "https://id.segment.test"
API = "https://platform.segment.test"

Answer = tuple[int, dict[str, str], str]


class FakeSegment:
    """One install on one workspace; follows the protocol unless a fault is planned."""

    def __init__(self) -> None:
        self.destinations: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.tokens_made = 0
        self.renewals = 0
        self.requests: list[str] = []
        self.workspace = "northwind"
        self.install = "installs/7"
        self._faults: list[tuple[re.Pattern[str], Any]] = []
        self._lock = threading.Lock()

    @property
    def token(self) -> str:
        """The one token that is valid: the newest."""
        return f"token.{self.tokens_made}"

    def end_token(self) -> None:
        """Let the token that was handed out be valid no more."""
        self.tokens_made += 1

    def fail(self, request: str, *, status: int = 503, times: int = 1, **answer: Any) -> None:
        """Plan a fault for requests like `POST .*/destinations`: a body, JSON or an exception.

        `before=function` runs ahead of the answer; without `status` or a body the request then
        goes on as usual.
        """
        self._faults += [(re.compile(request), {"status": status, **answer})] * times

    def consent(self, *sources: str, **changes: Any) -> str:
        """Make the code of a consent for sources such as `shop`."""
        code = f"code.{len(self.codes) + 1}"
        names = [f"workspaces/{self.workspace}/sources/{source}" for source in sources]
        self.codes[code] = {"source_names": names, **changes}
        return code

    def is_on(self, source: str) -> bool | None:
        """Whether the destination of a source is on; None if it has none."""
        found = self.destinations.get(
            f"workspaces/{self.workspace}/sources/{source}/destinations/refersion"
        )
        return None if found is None else bool(found["enabled"])

    def key_of(self, source: str) -> str:
        """The API key that a source's destination has."""
        name = f"workspaces/{self.workspace}/sources/{source}/destinations/refersion"
        value: str = self.destinations[name]["config"][0]["value"]
        return value

    @contextmanager
    def running(self) -> Iterator["FakeSegment"]:
        """Answer every request of this process."""
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            for method in ("GET", "POST", "PATCH"):
                mock.add_callback(method, re.compile(r"https://.*\.segment\.test/.*"), self._answer)
            yield self

    def _answer(self, request: requests.PreparedRequest) -> Answer:
        line = f"{request.method} {re.sub('https://[^/]+', '', str(request.url))}"
        with self._lock:
            self.requests.append(line)
            number = next((n for n, (r, _) in enumerate(self._faults) if r.fullmatch(line)), None)
            fault = None if number is None else self._faults.pop(number)[1]
        if fault is not None:
            if before := fault.get("before"):
                before()
            if "exception" in fault:
                raise fault["exception"]
            if not fault.get("goes_on"):
                body = fault.get("body") or json.dumps(fault.get("json", {"error": "API down"}))
                return fault["status"], fault.get("headers", {}), body
        with self._lock:
            status, body = self._do(request, line)
        return status, {"Content-Type": "application/json"}, json.dumps(body)

    def _do(self, request: requests.PreparedRequest, line: str) -> tuple[int, dict[str, Any]]:
        if line == "POST /oauth2/token":
            sent = parse_qs(str(request.body))
            grant = self.codes.pop(sent["code"][0], None)
            if grant is None:
                return 400, {"error": "invalid_grant", "error_description": "Code is used."}
            return 200, {**self._token_answer(), **grant}
        if line == f"GET /v1beta/{self.install}/token":
            self.renewals += 1
            return 200, {**self._token_answer(), "install_name": "install/10"}
        if request.headers["Authorization"] != f"Bearer {self.token}":
            return 401, {"error": "malformed token", "code": 16}
        return self._destination(line, json.loads(request.body or "{}"))

    def _token_answer(self) -> dict[str, Any]:
        self.tokens_made += 1
        return {
            "access_token": self.token,
            "token_type": "bearer",
            "expires_in": 3599,
            "scope": "workspace",
            "install_name": self.install,
            "workspace_names": [f"workspaces/{self.workspace}"],
        }

    def _destination(self, line: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        method, _, name = line.replace("/v1beta/", "").partition(" ")
        if method == "POST":
            name = body["destination"]["name"]
            if name in self.destinations:
                error = "destination already exists or other internal error"
                return 500, {"error": error, "code": 13}
            self.destinations[name] = body["destination"]
            return 200, self.destinations[name]
        found = self.destinations.get(name)
        if found is None:
            return 404, {"error": "no such destination", "code": 5}
        if method == "PATCH":
            for path in body["update_mask"]["paths"]:
                field = path.removeprefix("destination.")
                found[field] = body["destination"].get(field)
        return 200, found
