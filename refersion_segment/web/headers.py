"""The headers that every answer carries."""

from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from flask_talisman import Talisman
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

# Nothing inline, nothing from another host.
POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


def send_security_headers(app: Flask) -> None:
    """Send a strict policy with every answer, and serve the static files."""
    production = app.config["APP_ENV"] == "production"

    # Before Talisman: of two such functions the later one runs first.
    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if not request.path.startswith("/static/"):
            response.headers["Cache-Control"] = "no-store"
        if origins := g.pop("form_targets", None):
            policy = response.headers["Content-Security-Policy"]
            response.headers["Content-Security-Policy"] = policy.replace(
                "form-action 'self'", f"form-action 'self' {origins}"
            )
        return response

    Talisman(
        app,
        force_https=False,  # the proxy in front does that; a redirect would lose Segment's calls
        strict_transport_security=production,
        strict_transport_security_max_age=63_072_000,
        content_security_policy=POLICY,
        referrer_policy="same-origin",
        session_cookie_secure=production,
        session_cookie_samesite="Lax",
        frame_options="DENY",
    )

    _serve_static_files(app)
    if hops := app.config["TRUSTED_PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]


def allow_forms_to_segment() -> None:
    """Let a form of this page end at Segment: browsers hold `form-action` against redirects too."""
    origin = urlsplit(current_app.config["SEGMENT_OAUTH_URL"])
    g.form_targets = f"{origin.scheme}://{origin.netloc} https://app.segment.com"


def _serve_static_files(app: Flask) -> None:
    versions: dict[str, str] = {}

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        """Name the content in the address, so that a browser may keep the file for a year."""
        if endpoint != "static":
            return
        name = values["filename"]
        if name not in versions:
            content = (Path(app.static_folder or "") / name).read_bytes()
            versions[name] = sha256(content).hexdigest()[:10]
        values["v"] = versions[name]

    static = WhiteNoise(
        app.wsgi_app,
        root=app.static_folder,
        prefix="static/",
        autorefresh=app.config["APP_ENV"] == "local",
        max_age=31_536_000 if app.config["APP_ENV"] == "production" else 0,
    )
    app.wsgi_app = static  # type: ignore[method-assign]
