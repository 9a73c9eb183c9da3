"""Every error answer, once: a page for people, one sentence in JSON for machines."""

import logging
from typing import Final

from flask import Flask, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable

from refersion_segment.extensions import db
from refersion_segment.services.deliveries import LostRaceError
from refersion_segment.vault import SealError

log = logging.getLogger(__name__)

MACHINE_PATHS: Final = ("/segment/destination", "/healthz", "/readyz", "/metrics")
RETRY_AFTER_SECONDS: Final = 5

SENTENCES: Final = {
    400: (
        "That did not work",
        "The request was not complete. Reload the page and try again.",
    ),
    403: ("Not allowed", "Your role does not include this. Ask an owner of the account."),
    404: ("Nothing here", "There is no such page, or it belongs to another account."),
    405: ("That did not work", "This address cannot be used that way. Go back and try again."),
    413: ("Too large", "What was sent is larger than this page accepts."),
    429: ("Too many tries", "Wait a minute, then try again."),
    500: ("Something broke on our side", "It was recorded. Try again; nothing was half saved."),
    503: ("Back in a moment", "The database cannot be reached just now. Nothing was lost."),
}


def wants_json() -> bool:
    """Whether the path is one that machines call: they never get HTML."""
    return request.path.rstrip("/") in MACHINE_PATHS


def register(app: Flask) -> None:
    """Answer every failure that a view lets through."""

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        return answer(error)

    @app.errorhandler(CSRFError)
    def csrf_error(error: CSRFError) -> ResponseReturnValue:
        return answer(
            error, "This page was open for too long, or in two windows. Reload it and try again."
        )

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    @app.errorhandler(PoolTimeoutError)
    @app.errorhandler(LostRaceError)
    def database_error(error: Exception) -> ResponseReturnValue:
        log.error("the database is away or too busy: %s", type(error).__name__)
        return unavailable()

    @app.errorhandler(SealError)
    def sealed(error: SealError) -> ResponseReturnValue:
        log.error("a sealed value does not open: is a key missing in ENCRYPTION_KEYS?")
        return unavailable()

    @app.errorhandler(DBAPIError)
    def lost_connection(error: DBAPIError) -> ResponseReturnValue:
        if error.connection_invalidated:
            return unavailable()
        return unexpected(error)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        log.error("unexpected %s in %s", type(error).__name__, request.endpoint, exc_info=error)
        db.session.rollback()
        return answer(InternalServerError())


def unavailable() -> ResponseReturnValue:
    """Answer 503 with `Retry-After`: the same call will be accepted later."""
    db.session.rollback()
    return answer(ServiceUnavailable(retry_after=RETRY_AFTER_SECONDS))


def answer(error: HTTPException, sentence: str | None = None) -> ResponseReturnValue:
    """Turn an HTTP error into a page, or into `{"message": …}` where a machine called."""
    response = error.get_response()
    if error.response is not None or (error.code or 0) < 400:
        return response  # a redirect or an answer that was made on purpose
    title, default = SENTENCES.get(error.code or 500, SENTENCES[400])
    if wants_json():
        response.data = jsonify(message=sentence or default).data
        response.content_type = "application/json"
        return response
    response.data = render_template(
        "errors/page.html", title=title, sentence=sentence or default, code=error.code
    )
    response.content_type = "text/html; charset=utf-8"
    return response
