"""The tracking API of api.segment.io, for Segment's own SDKs (protocol reference, section 9)."""

import json
import threading
import time
import zlib
from dataclasses import dataclass

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from refersion_segment.sandbox import ingest
from refersion_segment.sandbox.client_auth import basic_pair
from refersion_segment.sandbox.clock import utc_now
from refersion_segment.sandbox.core import Sandbox, current_sandbox
from refersion_segment.sandbox.ingest import Routing
from refersion_segment.sandbox.pipeline import Arrival
from refersion_segment.sandbox.records import Source
from refersion_segment.sandbox.workspace import find_source_by_write_key

blueprint = Blueprint("tracking", __name__, url_prefix="/v1")

BIGGEST_EVENT_BYTES = 32 * 1024
BIGGEST_BATCH_BYTES = 500 * 1024
MOST_EVENTS_IN_A_BATCH = 2500
SHORTEST_WRITE_KEY = 8
REQUESTS_PER_SECOND = 1000
_LONG = ("identify", "track", "page", "screen", "group", "alias", "batch", "import")
_SHORT = {name[0]: name for name in _LONG[:5]} | {"a": "alias", "b": "batch"}


@dataclass
class TrackingError(Exception):
    """A request that the tracking API refuses; it refuses few."""

    message: str
    status: int = 400
    code: str = "invalid_request"


class _SecondCounter:
    """Counts the requests of the running second, in this process: the limit is a soft one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second, self._count = 0, 0

    def allows_one_more(self) -> bool:
        second = int(time.time())
        with self._lock:
            if second != self._second:
                self._second, self._count = second, 0
            self._count += 1
            return self._count <= REQUESTS_PER_SECOND


_requests = _SecondCounter()


@blueprint.errorhandler(TrackingError)
def tell(fault: TrackingError) -> ResponseReturnValue:
    """Write a refusal with both members that SDKs read, `code` and `message`."""
    response = jsonify(success=False, code=fault.code, message=fault.message)
    response.status_code = fault.status
    if fault.status == 429:
        response.headers["Retry-After"] = response.headers["X-RateLimit-Reset"] = "1"
    return response


@blueprint.after_request
def allow_browsers(response: Response) -> Response:
    """Let pages of any site call, as browser SDKs do."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = request.headers.get(
            "Access-Control-Request-Headers", "Authorization, Content-Type"
        )
        response.headers["Access-Control-Max-Age"] = "3600"
    return response


@blueprint.post("/m")
def metrics() -> ResponseReturnValue:
    """Take the browser SDK's metrics about itself and forget them."""
    return jsonify(success=True)


@blueprint.post("/<any(identify,track,page,screen,group,alias,batch,import,i,t,p,s,g,a,b):call>")
def receive(call: str) -> ResponseReturnValue:
    """Take one event or a batch. Whatever is wrong with an event itself, the answer is 200."""
    if not _requests.allows_one_more():
        raise TrackingError("too many requests", 429, "rate_limited")
    call_type = _SHORT.get(call, call)
    is_batch = call_type in ("batch", "import")
    document = _document(BIGGEST_BATCH_BYTES if is_batch else BIGGEST_EVENT_BYTES)
    write_key = _write_key(document)
    events: list[object] = [{**document, "type": call_type}]
    if is_batch:
        events = _batched(document)
    sandbox = current_sandbox()
    source = find_source_by_write_key(sandbox.database, write_key)
    if source is not None:  # an unknown key is answered like a good one
        _take(sandbox, source, document, events, is_browser=len(call) == 1)
    return jsonify(success=True)


def _take(
    sandbox: Sandbox,
    source: Source,
    document: dict[str, object],
    events: list[object],
    *,
    is_browser: bool,
) -> None:
    arrival = Arrival(
        project_id=source.project_id,
        received_at=utc_now(),
        sent_at=document.get("sentAt"),
        remote_address=request.remote_addr or "",
        is_browser=is_browser or "Origin" in request.headers,
    )
    if not events:
        ingest.note_drop(sandbox.database, source, arrival, "empty_batch")
    elif len(events) > MOST_EVENTS_IN_A_BATCH:
        ingest.note_drop(sandbox.database, source, arrival, "too_many_events")
    else:
        routing = Routing(sandbox.display_name, identify_only=sandbox.switches.identify_only)
        if ingest.take(sandbox.database, source, events, arrival, routing):
            sandbox.deliverer.wake()


def _document(limit: int) -> dict[str, object]:
    try:
        document = json.loads(_body(limit), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as fault:
        raise TrackingError("Invalid JSON") from fault
    if not isinstance(document, dict):
        raise TrackingError("Invalid JSON: send an object")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _body(limit: int) -> bytes:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", ""):
        raise TrackingError("Unsupported content encoding")
    raw = request.stream.read(BIGGEST_BATCH_BYTES + 1)
    if encoding == "gzip":
        raw = _unzipped(raw, limit)
    if len(raw) > limit:
        raise TrackingError("Exceed payload limit")
    return raw


def _unzipped(raw: bytes, limit: int) -> bytes:
    unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = unzip.decompress(raw, limit + 1)
    except zlib.error as fault:
        raise TrackingError("Invalid gzip") from fault
    if not unzip.eof and len(text) <= limit:
        raise TrackingError("Invalid gzip")
    return text


def _write_key(document: dict[str, object]) -> str:
    sent = document.get("writeKey")
    pair = basic_pair(request.headers.get("Authorization"))
    write_key = sent if isinstance(sent, str) and sent else pair[0] if pair else ""
    if len(write_key) < SHORTEST_WRITE_KEY:
        raise TrackingError("Invalid write key", code="invalid_write_key")
    return write_key


def _batched(document: dict[str, object]) -> list[object]:
    """Explode a batch; its own context and integrations are the items' defaults."""
    items = document.get("batch")
    if not isinstance(items, list):
        raise TrackingError("Invalid JSON: batch must be a list")
    shared = {
        name: value
        for name in ("context", "integrations")
        if isinstance(value := document.get(name), dict)
    }
    if any(_bytes_of(item) > BIGGEST_EVENT_BYTES for item in items):
        raise TrackingError("Exceed payload limit")
    return [_with_shared(item, shared) if isinstance(item, dict) else item for item in items]


def _bytes_of(item: object) -> int:
    text = json.dumps(item, separators=(",", ":"), ensure_ascii=False)
    return len(text.encode(errors="surrogatepass"))


def _with_shared(
    item: dict[str, object], shared: dict[str, dict[str, object]]
) -> dict[str, object]:
    merged = dict(item)
    for name, default in shared.items():
        own = item.get(name)
        if isinstance(own, dict):
            merged[name] = {**default, **own}
        elif not own:
            merged[name] = default
    return merged
