"""What all the sandbox's answers have in common: cookie, form token, headers, error pages."""

import hmac
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, jsonify, render_template, request, session
from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from refersion_segment.sandbox.core import current_sandbox

_API_BLUEPRINTS = {"oauth", "config_api", "tracking"}
_SECTIONS = {"tester": "tester.show", "deliveries": "deliveries.index", "inbox": "inbox.index"}
_API_PATHS = ("/v1beta/", "/oauth2/token", "/v1/")
_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none';"
    " form-action 'self'"
)


class _MountedSession(SecureCookieSessionInterface):
    """A cookie for the sandbox's own prefix, signed so that no other app takes it for its own."""

    salt = "segment-sandbox-session"

    def get_cookie_path(self, _app: Flask) -> str:
        return request.script_root or "/"


def prepare(app: Flask) -> None:
    """Set the app up; call before its blueprints are registered."""
    app.session_interface = _MountedSession()
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    if isinstance(app.json, DefaultJSONProvider):
        app.json.sort_keys = False  # as documented, the order too
    app.url_map.merge_slashes = False  # exact names: Segment redirects nobody to a better path
    app.before_request(_check_form_token)
    app.after_request(_set_headers)
    app.context_processor(_template_names)
    app.register_error_handler(HTTPException, _tell)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def form_token() -> str:
    """Return the token that every form of this session carries."""
    if "form_token" not in session:
        session["form_token"] = secrets.token_urlsafe(24)
    return str(session["form_token"])


def _check_form_token() -> None:
    if request.method != "POST" or request.blueprint in {None, *_API_BLUEPRINTS}:
        return
    sent = request.form.get("form_token", "")
    if not hmac.compare_digest(sent.encode(), str(session.get("form_token", "")).encode()):
        abort(400, "This form is too old or came from elsewhere. Go back, reload and try again.")
    if not sent:
        abort(400, "This form came without its token. Go back, reload and try again.")


def _set_headers(response: Response) -> Response:
    policy = _POLICY
    if "form_targets" in g:  # the consent form's answer redirects to the app
        target = urlsplit(g.form_targets)
        policy += f" {target.scheme}://{target.netloc}"
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _template_names() -> dict[str, object]:
    sandbox = current_sandbox()
    return {
        "form_token": form_token,
        "product_url": sandbox.product_url,
        "display_name": sandbox.display_name,
        "here": _SECTIONS.get(request.blueprint or "", request.endpoint),
    }


def _tell(fault: HTTPException) -> ResponseReturnValue:
    status = fault.code or 500
    if request.path.startswith(_API_PATHS):
        code = {404: 5, 405: 12}.get(status, 13 if status >= 500 else 3)
        return jsonify(error=fault.name.lower(), code=code, message=fault.name), status
    page = render_template("refusal.html", title=fault.name, reason=fault.description)
    return page, status
