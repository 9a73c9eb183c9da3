"""Segment on this machine, for demos and tests: OAuth, Config API, tracking, deliveries, Inbox.

A stand-alone Flask app with a database of its own; it knows nothing of the product but its URLs,
and only wsgi.py knows it.
"""

from collections.abc import Sequence
from pathlib import Path

from flask import Flask

from refersion_segment.sandbox import (
    config_api,
    consent,
    delivery_pages,
    inbox,
    oauth,
    pages,
    tester,
    tracking,
    web,
)
from refersion_segment.sandbox.core import EXTENSION_KEY, Sandbox
from refersion_segment.sandbox.database import Database
from refersion_segment.sandbox.mail_catcher import MailCatcher

__all__ = ["MailCatcher", "create_sandbox"]


def create_sandbox(
    *,
    database_path: Path,
    destination_url: str,
    client_id: str,
    client_secret: str,
    redirect_uris: Sequence[str],
    destination_slug: str = "refersion",
    secret_key: str,
) -> Flask:
    """Build the sandbox; mount it under a prefix of its own, such as `/sandbox`."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY=secret_key, SESSION_COOKIE_NAME="segment_sandbox")
    app.extensions[EXTENSION_KEY] = Sandbox(
        database=Database(database_path),
        destination_url=destination_url,
        client_id=client_id,
        client_secret=client_secret,
        registered_redirect_uris=tuple(redirect_uris),
        destination_slug=destination_slug,
    )
    web.prepare(app)
    for part in (oauth, consent, config_api, tracking, pages, tester, delivery_pages, inbox):
        app.register_blueprint(part.blueprint)
    return app
