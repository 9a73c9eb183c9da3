"""What servers load: `gunicorn wsgi:app`, `flask --app wsgi run`.

In local runs Segment itself comes along: the sandbox is mounted here, and nowhere else does the
product know of it.
"""

import logging
import os
import sys

import click
from flask import Flask
from flask.helpers import get_debug_flag
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from config import SettingError
from refersion_segment import create_app
from refersion_segment.sandbox import MailCatcher, create_sandbox
from refersion_segment.worker import start_worker_thread

log = logging.getLogger(__name__)


def write_log() -> None:
    """Log to stderr in the processes that serve or work; other commands stay quiet."""
    context = click.get_current_context(silent=True)
    if context is None or context.info_name in {"run", "worker"}:
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # the catcher's: names addresses


def mount_sandbox(app: Flask) -> Flask:
    """Serve the sandbox beside the product, under `/sandbox`, with a database of its own."""
    settings = app.config
    sandbox = create_sandbox(
        database_path=settings["SANDBOX_DATABASE"],
        destination_url=f"{settings['BASE_URL']}/segment/destination",
        client_id=settings["SEGMENT_CLIENT_ID"],
        client_secret=settings["SEGMENT_CLIENT_SECRET"],
        redirect_uris=[f"{settings['BASE_URL']}/account/settings/segment/callback"],
        destination_slug=settings["SEGMENT_DESTINATION_SLUG"],
        secret_key=f"sandbox {settings['SECRET_KEY']}",
    )
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/sandbox": sandbox})  # type: ignore[method-assign]
    return sandbox


def is_served_by_flask_run() -> bool:
    """Whether this process answers for `flask run`, and not for its reloader or another command."""
    context = click.get_current_context(silent=True)
    if context is None or context.info_name != "run":
        return False
    return not get_debug_flag() or os.environ.get("WERKZEUG_RUN_MAIN") == "true"


def start_companions(app: Flask) -> None:
    """Start what makes one command the whole product: a worker, and a mail server that catches."""
    if app.config["MAIL_CATCHER"]:
        catch_mails(app)
    start_worker_thread(app)


def catch_mails(app: Flask) -> None:
    """Catch every mail for the sandbox's Inbox; on another port if the usual one is taken."""
    path, host = app.config["SANDBOX_DATABASE"], app.config["MAIL_SERVER"]
    first = int(app.config["MAIL_PORT"])
    for port in range(first, first + 20):
        try:
            MailCatcher(path, host, port).start()
        except OSError:
            continue
        # Flask-Mail took the settings when the application was made; other processes read the file.
        app.config["MAIL_PORT"] = port
        app.config["CATCHER_PORT_FILE"].write_text(str(port))
        app.extensions["mail"].port = port
        log.info("mails are caught on port %s", port)
        return
    log.error("no free port for the mail catcher from %s on: set MAIL_SERVER and MAIL_PORT", first)


write_log()
try:
    app = create_app()
except SettingError as error:
    sys.exit(f"Cannot start: {error}")

if app.config["SEGMENT_SANDBOX"]:
    mount_sandbox(app)
if app.config["APP_ENV"] == "local" and is_served_by_flask_run():
    start_companions(app)
