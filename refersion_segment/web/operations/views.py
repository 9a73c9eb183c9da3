"""`/healthz`: the process is up. `/readyz`: the database answers and has the current schema."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from refersion_segment.services import schema
from refersion_segment.web.access import public

blueprint = Blueprint("operations", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    try:
        missing = schema.missing_migrations()
    except SQLAlchemyError:
        return not_ready("The database cannot be reached.")
    if missing:
        return not_ready("Migrations are missing: run `flask --app wsgi db upgrade`.")
    return jsonify(status="ready")


def not_ready(sentence: str) -> ResponseReturnValue:
    return jsonify(message=sentence), 503, {"Retry-After": "5"}
