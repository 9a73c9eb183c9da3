"""`POST /segment/destination`: where Segment delivers."""

from datetime import datetime
from typing import Final

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from refersion_segment.clock import utc_now
from refersion_segment.database import begin_reading
from refersion_segment.domain.api_keys import parse_basic_auth
from refersion_segment.extensions import csrf, db
from refersion_segment.models import ApiKey
from refersion_segment.services import api_keys, deliveries
from refersion_segment.services.calls import Call, read_call, unreadable_call
from refersion_segment.web.access import api_key
from refersion_segment.web.segment_destination.answers import answer_to
from refersion_segment.web.segment_destination.body import BodyError, read_body
from refersion_segment.web.segment_destination.rates import call_rates

blueprint = Blueprint("segment_destination", __name__)
csrf.exempt(blueprint)

UNKNOWN_KEY: Final = "API key not recognised. Copy it again from Account › Settings › API keys."
TOO_MANY: Final = "Too many calls. Segment will send this one again."


# Both spellings: a redirect from one to the other would lose the call.
@blueprint.post("/segment/destination/", provide_automatic_options=False)
@blueprint.post("/segment/destination", provide_automatic_options=False)
@api_key
def receive() -> ResponseReturnValue:
    now = utc_now()
    key = _authenticated_key(now)
    if key is None:
        return _unknown_key()
    merchant_id, public = key.merchant_id, key.public
    db.session.rollback()  # no transaction stays open while a slow body arrives
    if not call_rates().take_call(public) and not deliveries.is_refused(merchant_id):
        return _too_many(seconds=1)
    delivery = deliveries.receive(merchant_id, _read_call(now))
    return jsonify(answer_to(delivery)), delivery.status_code


def _authenticated_key(now: datetime) -> ApiKey | None:
    begin_reading()
    text = parse_basic_auth(request.headers.get("Authorization"))
    return api_keys.find(text, now=now) if text else None


def _read_call(now: datetime) -> Call:
    try:
        body = read_body(request)
    except BodyError as error:
        return unreadable_call(error.sentence, error.status, now=now)
    return read_call(body, now=now)


def _unknown_key() -> ResponseReturnValue:
    if not call_rates().take_bad_key(request.remote_addr or ""):
        return _too_many(seconds=60)
    response = jsonify(message=UNKNOWN_KEY)
    response.status_code = 401
    response.headers["WWW-Authenticate"] = 'Basic realm="Refersion"'
    return response


def _too_many(*, seconds: int) -> Response:
    response = jsonify(message=TOO_MANY)
    response.status_code = 429
    response.headers["Retry-After"] = str(seconds)
    return response
