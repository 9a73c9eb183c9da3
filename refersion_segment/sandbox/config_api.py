"""Config API v1beta of platform.segmentapis.com: install tokens and destinations.

Under the destination scope an app may create, read, change and delete that one destination on
the consented source, and nothing else (protocol reference, section 3).
"""

import json
import re
from dataclasses import dataclass
from typing import NoReturn

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from refersion_segment.sandbox import destinations, installs
from refersion_segment.sandbox.client_auth import basic_pair, is_client, scheme_and_credentials
from refersion_segment.sandbox.core import Sandbox, current_sandbox
from refersion_segment.sandbox.destination_body import (
    BadBodyError,
    DestinationBody,
    read_body,
    read_mask,
    resource,
)
from refersion_segment.sandbox.oauth import token_body
from refersion_segment.sandbox.switches import DuplicateAnswer

blueprint = Blueprint("config_api", __name__, url_prefix="/v1beta")

ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
BIGGEST_BODY_BYTES = 1_048_576
_SLUG = r"[^/]+"
_TOKEN_PATH = re.compile(r"installs/([1-9][0-9]{0,9})/token")
_COLLECTION = re.compile(rf"(workspaces/{_SLUG}/sources/{_SLUG})/destinations")
_RESOURCE = re.compile(rf"(workspaces/{_SLUG}/sources/{_SLUG})/destinations/({_SLUG})")
_OTHER_SCOPES = re.compile(
    rf"workspaces(/{_SLUG}(/sources(/{_SLUG})?)?)?|catalog/(destinations|sources)(/{_SLUG})?"
    rf"|workspaces/{_SLUG}/sources/{_SLUG}/destinations/{_SLUG}/config(/{_SLUG})?"
)


@dataclass
class ApiError(Exception):
    """A refusal with its HTTP status and gRPC code."""

    status: int
    code: int
    text: str


@blueprint.errorhandler(ApiError)
def tell(fault: ApiError) -> Response:
    """Write a refusal as the Config API does: `{"error", "code"}`."""
    response = jsonify(error=fault.text, code=fault.code)
    response.status_code = fault.status
    if fault.status == 429:
        response.headers["Retry-After"] = "60"
    return response


@blueprint.route("/<path:name>", methods=ALL_METHODS, provide_automatic_options=False)
def call(name: str) -> ResponseReturnValue:
    """Answer one call: who calls, how often, which resource, allowed, what to do."""
    sandbox = current_sandbox()
    if match := _TOKEN_PATH.fullmatch(name):
        return _renew(sandbox, int(match[1]))
    bearer = _authenticate(sandbox)
    _count(sandbox, bearer.install.name)
    if match := _COLLECTION.fullmatch(name):
        return _collection(sandbox, bearer, match[1])
    if match := _RESOURCE.fullmatch(name):
        return _one(sandbox, bearer, match[1], match[2])
    if _OTHER_SCOPES.fullmatch(name):
        _out_of_scope()
    raise ApiError(404, 5, "not found")


def _out_of_scope() -> NoReturn:
    raise ApiError(403, 7, "insufficient scope")


def _renew(sandbox: Sandbox, install_id: int) -> ResponseReturnValue:
    header = request.headers.get("Authorization")
    if not is_client(header, sandbox.client_id, sandbox.client_secret):
        is_basic = basic_pair(header) is not None
        raise ApiError(401, 16, "invalid client credentials" if is_basic else "malformed token")
    _count(sandbox, installs.APP_NAME)
    if request.method != "GET":
        raise ApiError(501, 12, "unsupported method")
    install = installs.find_install(sandbox.database, install_id)
    if install is None:
        raise ApiError(404, 5, "install not found")
    lifetime = sandbox.switches.token_lifetime_seconds
    secret = installs.renew_token(sandbox.database, install, lifetime_seconds=lifetime)
    body = token_body(sandbox, install, secret, lifetime)
    # Segment's sample answer spells the name so and leaves the sources out: an app that takes
    # its names from here loses them.
    return jsonify({**body, "install_name": f"install/{install.id}"})


def _authenticate(sandbox: Sandbox) -> installs.Bearer:
    scheme, secret = scheme_and_credentials(request.headers.get("Authorization"))
    bearer = installs.find_bearer(sandbox.database, secret) if scheme == "bearer" else None
    if bearer is None:
        raise ApiError(401, 16, "malformed token")
    return bearer


def _count(sandbox: Sandbox, caller: str) -> None:
    if not installs.count_call(sandbox.database, caller):
        raise ApiError(429, 8, "rate limit exceeded")


def _collection(sandbox: Sandbox, bearer: installs.Bearer, parent: str) -> ResponseReturnValue:
    if request.method not in ("GET", "POST"):
        raise ApiError(501, 12, "unsupported method")
    if request.method == "GET" or parent != bearer.source.name:
        _out_of_scope()  # listing takes a workspace scope
    document = _json_object()
    name = f"{parent}/destinations/{sandbox.destination_slug}"
    _check_slug(document, parent, name)
    body = _checked_body(document, name)
    if body.name is None:
        raise ApiError(400, 3, "destination.name is missing")
    if not body.api_key:
        raise ApiError(400, 3, "destination.config apiKey is required")
    destination = destinations.create_destination(
        sandbox.database, bearer.source, name, api_key=body.api_key, enabled=bool(body.enabled)
    )
    if destination is None:
        _refuse_duplicate(sandbox)
    return jsonify(resource(destination, sandbox.display_name))


def _check_slug(document: dict[str, object], parent: str, name: str) -> None:
    sent = document.get("destination")
    wanted = sent.get("name") if isinstance(sent, dict) else None
    match = _RESOURCE.fullmatch(wanted) if isinstance(wanted, str) else None
    if match and match[1] == parent and wanted != name:
        _out_of_scope()


def _refuse_duplicate(sandbox: Sandbox) -> NoReturn:
    if sandbox.switches.duplicate_answer is DuplicateAnswer.DOCUMENTED:
        raise ApiError(409, 6, "destination already exists")
    raise ApiError(500, 13, "destination already exists or other internal error")


def _one(sandbox: Sandbox, bearer: installs.Bearer, parent: str, slug: str) -> ResponseReturnValue:
    if request.method not in ("GET", "PATCH", "DELETE"):
        raise ApiError(501, 12, "unsupported method")
    if parent != bearer.source.name or slug != sandbox.destination_slug:
        _out_of_scope()
    name = f"{parent}/destinations/{slug}"
    if request.method == "PATCH":
        return _update(sandbox, name)
    if request.method == "DELETE":
        if not destinations.delete_destination(sandbox.database, name):
            _no_destination()
        return jsonify({})
    destination = destinations.find_destination(sandbox.database, name)
    if destination is None:
        _no_destination()
    return jsonify(resource(destination, sandbox.display_name))


def _no_destination() -> NoReturn:
    raise ApiError(404, 5, "destination not found")


def _update(sandbox: Sandbox, name: str) -> ResponseReturnValue:
    document = _json_object()
    if destinations.find_destination(sandbox.database, name) is None:
        _no_destination()
    body = _checked_body(document, name)
    try:
        paths = read_mask(document)
    except BadBodyError as fault:
        raise ApiError(400, 3, str(fault)) from fault
    api_key, enabled = None, None
    if "destination.config" in paths:  # merged by name: only an absent config is zeroed
        api_key = body.api_key if body.has_config else ""
    if "destination.enabled" in paths:
        enabled = bool(body.enabled)
    destination = destinations.update_destination(
        sandbox.database, name, api_key=api_key, enabled=enabled
    )
    if destination is None:  # deleted in between
        _no_destination()
    return jsonify(resource(destination, sandbox.display_name))


def _checked_body(document: dict[str, object], name: str) -> DestinationBody:
    try:
        return read_body(document, name)
    except BadBodyError as fault:
        raise ApiError(400, 3, str(fault)) from fault


def _json_object() -> dict[str, object]:
    if (request.content_length or 0) > BIGGEST_BODY_BYTES:
        raise ApiError(400, 3, "body is too large")
    try:
        document = json.loads(request.get_data())
    except (ValueError, RecursionError) as fault:
        raise ApiError(400, 3, "body is not valid JSON") from fault
    if not isinstance(document, dict):
        raise ApiError(400, 3, "body must be a JSON object")
    return document
