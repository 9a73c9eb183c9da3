"""The OAuth endpoints of id.segmentapis.com: `/oauth2/auth` and `/oauth2/token`.

Faults that Segment does not document follow Ory Hydra, which its endpoints resemble
(protocol reference, section 2).
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from refersion_segment.sandbox import installs
from refersion_segment.sandbox.client_auth import is_client
from refersion_segment.sandbox.core import Sandbox, current_sandbox
from refersion_segment.sandbox.records import Install
from refersion_segment.sandbox.workspace import find_source_by_id

blueprint = Blueprint("oauth", __name__)

FEWEST_STATE_CHARACTERS = 8
CLOCK_ALLOWANCE_SECONDS = 1  # Segment answers 3599 for a token of an hour
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_INVALID_REQUEST = (
    "The request is missing a required parameter, includes an invalid parameter value,"
    " includes a parameter more than once, or is otherwise malformed"
)


@dataclass
class OAuthError(Exception):
    """A fault with its OAuth error code, told by a redirect or by the token endpoint's JSON."""

    error: str
    description: str
    hint: str
    status: int = 400


def with_query(uri: str, parameters: dict[str, str]) -> str:
    """Add parameters to a URI, behind a query that it may have already."""
    parts = urlsplit(uri)
    query = "&".join(filter(None, (parts.query, urlencode(parameters))))
    return urlunsplit(parts._replace(query=query))


def error_redirect(redirect_uri: str, fault: OAuthError, state: str | None) -> Response:
    """Send the browser back to the app with the fault."""
    parameters = {
        "error": fault.error,
        "error_description": fault.description,
        "error_hint": fault.hint,
    }
    if state:
        parameters["state"] = state
    return _to_app(with_query(redirect_uri, parameters))


def code_redirect(redirect_uri: str, *, code: str, scope: str, state: str | None) -> Response:
    """Send the browser back to the app with a one-time code."""
    parameters = {"code": code, "scope": scope}
    if state:
        parameters["state"] = state
    return _to_app(with_query(redirect_uri, parameters))


def _to_app(location: str) -> Response:
    response = Response(status=302)
    response.headers["Location"] = location
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/oauth2/auth")
def authorize() -> ResponseReturnValue:
    """Check an authorization request, then ask the person."""
    sandbox = current_sandbox()
    redirect_uri = request.args.get("redirect_uri", "")
    if request.args.get("client_id") != sandbox.client_id:
        return _refusal_page("Segment does not know this client_id.")
    if redirect_uri not in sandbox.redirect_uris:
        return _refusal_page("The redirect_uri is not one that the app has registered.")
    state = request.args.get("state") or None
    try:
        _check_authorization(sandbox, request.args)
    except OAuthError as fault:
        return error_redirect(redirect_uri, fault, state)
    consent_id = installs.open_consent(
        sandbox.database,
        redirect_uri=redirect_uri,
        scope=sandbox.scope,
        state=state,
        challenge=request.args.get("code_challenge"),
    )
    return redirect(url_for("consent.show", consent_challenge=consent_id))


def _refusal_page(reason: str) -> ResponseReturnValue:
    return render_template("refusal.html", title="This request cannot go on", reason=reason), 400


def _check_authorization(sandbox: Sandbox, arguments: MultiDict[str, str]) -> None:
    if any(len(values) > 1 for _, values in arguments.lists()):
        raise OAuthError("invalid_request", _INVALID_REQUEST, "A parameter was sent twice.")
    if arguments.get("response_type") != "code":
        raise OAuthError(
            "unsupported_response_type",
            "The authorization server does not support this response type",
            'The only response_type is "code".',
        )
    if arguments.get("scope") != sandbox.scope:
        raise OAuthError(
            "invalid_scope",
            "The requested scope is invalid, unknown, or malformed",
            f'The scope registered for this app is "{sandbox.scope}".',
        )
    if 0 < len(arguments.get("state", "")) < FEWEST_STATE_CHARACTERS:
        raise OAuthError(
            "invalid_state",
            "The state does not have enough characters and is therefore considered too weak",
            f"Send at least {FEWEST_STATE_CHARACTERS} characters.",
        )
    _check_challenge(arguments)


def _check_challenge(arguments: MultiDict[str, str]) -> None:
    challenge, method = arguments.get("code_challenge"), arguments.get("code_challenge_method")
    if challenge is None and method is None:
        return
    if method != "S256" or not _CHALLENGE.fullmatch(challenge or ""):
        raise OAuthError(
            "invalid_request",
            _INVALID_REQUEST,
            "A code_challenge has 43 characters and the code_challenge_method S256.",
        )


@blueprint.post("/oauth2/token")
def token() -> ResponseReturnValue:
    """Exchange a one-time code for the first token of a new install."""
    sandbox = current_sandbox()
    try:
        _check_client(sandbox)
        grant = _grant_of(sandbox, _form())
        switches = sandbox.switches
        install, secret = installs.redeem(
            sandbox.database,
            grant,
            rule=switches.install_rule,
            lifetime_seconds=switches.token_lifetime_seconds,
        )
    except OAuthError as fault:
        return _token_fault(fault)
    except installs.CodeRefusedError:
        return _token_fault(_invalid_grant("The code is unknown, used already or too old."))
    except installs.InstallExistsError:
        return _token_fault(
            OAuthError("access_denied", "install already exists", "Use the install you have.")
        )
    lifetime = switches.token_lifetime_seconds - CLOCK_ALLOWANCE_SECONDS
    body = token_body(sandbox, install, secret, lifetime)
    source = find_source_by_id(sandbox.database, install.source_id)
    return _uncached({**body, "source_names": [source.name] if source else []}, 200)


def token_body(sandbox: Sandbox, install: Install, secret: str, lifetime: int) -> dict[str, object]:
    """Describe a token as both the exchange and the refresh do (`scope` reads `workspace`)."""
    source = find_source_by_id(sandbox.database, install.source_id)
    return {
        "access_token": secret,
        "token_type": "bearer",
        "expires_in": lifetime,
        "scope": "workspace",
        "app_name": installs.APP_NAME,
        "install_name": install.name,
        "workspace_names": [f"workspaces/{source.workspace}"] if source else [],
    }


def _check_client(sandbox: Sandbox) -> None:
    header = request.headers.get("Authorization")
    if not is_client(header, sandbox.client_id, sandbox.client_secret):
        raise OAuthError(
            "invalid_client",
            "Client authentication failed",
            "Send the client id and secret as HTTP Basic credentials.",
            status=401,
        )


def _form() -> MultiDict[str, str]:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", _INVALID_REQUEST, "Send the parameters as a form.")
    if any(len(values) > 1 for _, values in request.form.lists()):
        raise OAuthError("invalid_request", _INVALID_REQUEST, "A parameter was sent twice.")
    if "client_secret" in request.form:
        raise OAuthError(
            "invalid_request", _INVALID_REQUEST, "Send the client secret as Basic only."
        )
    return request.form


def _grant_of(sandbox: Sandbox, form: MultiDict[str, str]) -> installs.Grant:
    if not form.get("grant_type"):
        raise OAuthError("invalid_request", _INVALID_REQUEST, "grant_type is missing.")
    if form["grant_type"] != "authorization_code":
        raise OAuthError(
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server",
            'The only grant_type is "authorization_code".',
        )
    if not form.get("code"):
        raise OAuthError("invalid_request", _INVALID_REQUEST, "code is missing.")
    grant = installs.find_grant(sandbox.database, form["code"])
    if form.get("redirect_uri") != grant.redirect_uri:
        raise OAuthError(
            "invalid_request",
            _INVALID_REQUEST,
            "redirect_uri must be the one of the authorization request.",
        )
    _check_verifier(grant.code_challenge, form.get("code_verifier"))
    return grant


def _check_verifier(challenge: str | None, verifier: str | None) -> None:
    if challenge is None:
        if verifier:
            raise _invalid_grant("A code_verifier was sent, but no code_challenge before it.")
        return
    if not _VERIFIER.fullmatch(verifier or ""):
        raise _invalid_grant("The code_verifier is missing or malformed.")
    digest = hashlib.sha256((verifier or "").encode()).digest()
    computed = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if not hmac.compare_digest(computed, challenge):
        raise _invalid_grant("The code_verifier does not match the code_challenge.")


def _invalid_grant(hint: str) -> OAuthError:
    return OAuthError(
        "invalid_grant",
        "The provided authorization grant is invalid, expired, revoked, or was issued to"
        " another client",
        hint,
    )


def _token_fault(fault: OAuthError) -> Response:
    response = _uncached(
        {
            "error": fault.error,
            "error_description": fault.description,
            "error_hint": fault.hint,
            "status_code": fault.status,
        },
        fault.status,
    )
    if fault.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Segment"'
    return response


def _uncached(body: dict[str, object], status: int) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
