"""One HTTP call to a destination, with Segment's headers and patience."""

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import requests

from refersion_segment.sandbox.clock import now_iso
from refersion_segment.sandbox.switches import Network

TIMEOUT_SECONDS = 5.0
BIGGEST_ANSWER_BYTES = 65_536
_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "Segment.io/1.0",
    "Accept": "*/*",
    "Cache-Control": "no-cache",
    "Connection": "Keep-Alive",
}


@dataclass(frozen=True)
class Answer:
    """What a try brought: a status with headers and body, or the fault that stood in its way."""

    url: str
    started_at: str
    request_headers: dict[str, str]
    duration_ms: int = 0
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    fault: str = ""


def send(url: str, api_key: str, body: str, network: Network) -> Answer:
    """Post a body to the destination, once, following no redirect."""
    token = base64.b64encode(f"{api_key}:".encode()).decode()
    raw = body.encode()
    shown = {**_HEADERS, "Authorization": "Basic ••••••••", "Content-Length": str(len(raw))}
    started_at, started = now_iso(), time.monotonic()
    if network is Network.DOWN:
        return Answer(url, started_at, shown, fault="connection")
    status, headers, text, fault = _exchange(
        url, raw, {**_HEADERS, "Authorization": f"Basic {token}"}
    )
    if network is Network.ANSWERS_LOST:
        status, headers, text, fault = None, {}, "", "timeout"
    elapsed = round((time.monotonic() - started) * 1000)
    return Answer(url, started_at, shown, elapsed, status, headers, text, fault)


def _exchange(
    url: str, raw: bytes, headers: dict[str, str]
) -> tuple[int | None, Mapping[str, str], str, str]:
    with requests.Session() as session:
        session.trust_env = False  # no proxy, and no .netrc in place of the API key
        try:
            with session.post(
                url,
                data=raw,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as response:
                text = _read(response)
                return response.status_code, dict(response.headers), text, ""
        except requests.Timeout:
            return None, {}, "", "timeout"
        except requests.RequestException:
            return None, {}, "", "connection"


def _read(response: requests.Response) -> str:
    """Read the answer, at most so much of it and for so long; what drips slower is a timeout."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    body = b""
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) >= BIGGEST_ANSWER_BYTES:
            break
        if time.monotonic() > deadline:
            raise requests.Timeout
    return body[:BIGGEST_ANSWER_BYTES].decode(errors="replace")
