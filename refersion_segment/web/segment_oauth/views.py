"""`…/segment/enable` sends the browser to Segment's consent, `…/segment/callback` takes it back.

Every way back ends on the page of the integration, with a sentence; nothing half-connected stays.
"""

from typing import Final, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from refersion_segment.clients.segment import SegmentClient
from refersion_segment.clients.segment_answers import GrantRefusedError, SegmentError
from refersion_segment.clock import utc_now
from refersion_segment.domain.roles import Role
from refersion_segment.domain.texts import cut, one_line
from refersion_segment.extensions import db
from refersion_segment.models import Source
from refersion_segment.models.connection import ConnectionState
from refersion_segment.services import connections, handshakes, provisioning
from refersion_segment.services.actors import Actor
from refersion_segment.services.connections import RefusedConnectionError
from refersion_segment.web import sessions
from refersion_segment.web.access import actor, merchant_id, requires

blueprint = Blueprint("segment_oauth", __name__, url_prefix="/account/settings/segment")

# Code, token and destination together: a person waits for it, and a thread is held.
SECONDS: Final = 4.5
LONGEST_CODE: Final = 2_000
LONGEST_SAID: Final = 200
ALREADY: Final = "already exists"

TOOK_TOO_LONG: Final = "That sign-in took too long or was opened twice. Please start again."
NOT_ALLOWED: Final = "You did not allow access, so nothing was connected."
NO_CODE: Final = "Segment came back without a code, so nothing was connected. Please start again."


class Notice(NamedTuple):
    """What the page says when the browser is back."""

    category: str
    sentence: str


@blueprint.post("/enable")
@requires(Role.MANAGER)
def start() -> ResponseReturnValue:
    login = sessions.current_session()
    if login is None:  # ended while this request ran
        return redirect(url_for("accounts.login"))
    url = handshakes.begin(login, provisioning.segment_client(), utc_now())
    db.session.commit()
    return redirect(url, code=303)


@blueprint.get("/callback")
@requires(Role.MANAGER)
def callback() -> ResponseReturnValue:
    notice = come_back()
    flash(notice.sentence, notice.category)
    return redirect(url_for("segment.show"), code=303)


def come_back() -> Notice:
    merchant, by = merchant_id(), actor()
    login, said = sessions.current_session(), said_by_segment()
    state = request.args.get("state", "")
    if not state and is_refusal(said):
        return Notice("warning", NOT_ALLOWED)  # changes nothing, so it needs no state
    verifier = handshakes.use_up(login, state, utc_now()) if login and state else None
    db.session.commit()
    if verifier is None or not is_from_our_segment():
        return Notice("error", TOOK_TOO_LONG)
    if said:
        return after_error(merchant, by, said)
    code = request.args.get("code", "")
    if not 0 < len(code) <= LONGEST_CODE:
        return Notice("error", NO_CODE)
    return after_consent(merchant, by, code, verifier)


def said_by_segment() -> str:
    """Return the error that Segment came back with, as one short line; "" if there is none."""
    if "error" not in request.args:
        return ""
    words = (request.args.get(name, "") for name in ("error", "error_description", "error_hint"))
    return cut(one_line(" ".join(filter(None, words))), LONGEST_SAID) or "no reason"


def is_refusal(said: str) -> bool:
    """Tell whether somebody chose not to allow access."""
    return request.args.get("error") == "access_denied" and ALREADY not in said.lower()


def is_from_our_segment() -> bool:
    """Tell whether the answer names no other server than the one we asked (RFC 9207)."""
    issuer = request.args.get("iss")
    if issuer is None:
        return True
    ours, theirs = urlsplit(current_app.config["SEGMENT_OAUTH_URL"]), urlsplit(issuer)
    return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)


def after_error(merchant: UUID, by: Actor, said: str) -> Notice:
    """Tell a choice from a fault."""
    if ALREADY in said.lower():
        return after_existing_install(merchant, by)
    if is_refusal(said):
        return Notice("warning", NOT_ALLOWED)
    return Notice(
        "error", f"Segment did not go on: “{said}”. Nothing was connected. Please start again."
    )


def after_consent(merchant: UUID, by: Actor, code: str, verifier: str) -> Notice:
    client = provisioning.segment_client(SECONDS)
    try:
        grant = client.exchange_code(
            code, verifier=verifier, redirect_uri=handshakes.redirect_uri()
        )
    except SegmentError as error:
        if error.is_already_there:
            return after_existing_install(merchant, by)
        return Notice("error", sentence_after(error))
    try:
        chosen = connections.enable_managed(merchant, grant, by=by, now=utc_now())
    except RefusedConnectionError as error:
        db.session.rollback()
        return Notice("error", error.sentence)
    return switched_on(merchant, [source.id for source in chosen], client)


def after_existing_install(merchant: UUID, by: Actor) -> Notice:
    try:
        chosen = connections.enable_again(merchant, by=by, now=utc_now())
    except RefusedConnectionError as error:
        is_off = connections.get(merchant).state is ConnectionState.DISABLED
        db.session.rollback()
        first = " Choose “Connect with an API key instead” first." if is_off else ""
        return Notice("warning", error.sentence + first)
    ids = [source.id for source in chosen]
    return switched_on(merchant, ids, provisioning.segment_client(SECONDS))


def switched_on(merchant: UUID, source_ids: list[UUID], client: SegmentClient) -> Notice:
    """Commit the connection, try at once to switch the destination on, and tell how it went."""
    db.session.commit()
    provisioning.try_now(merchant, client)
    chosen = [db.session.get_one(Source, (merchant, source_id)) for source_id in source_ids]
    labels = Markup(", ").join(Markup("<strong>{}</strong>").format(one.label) for one in chosen)
    problem = next((one.problem for one in chosen if one.problem), "")
    if problem:
        sentence = Markup("Segment allowed access to {}, but Refersion is not on there yet. {}")
        return Notice("warning", sentence.format(labels, problem))
    word = "Source" if len(chosen) == 1 else "Sources"
    sentence = Markup("Segment is connected. {}: {}. Now choose an offer.")
    return Notice("success", sentence.format(word, labels))


def sentence_after(error: SegmentError) -> str:
    """Say what happened and what to do."""
    if isinstance(error, GrantRefusedError) and "invalid_grant" in error.said:
        return (
            "Segment no longer accepts that sign-in: its code was used or is too old. "
            "Nothing was connected. Please start again."
        )
    end = "Please try again in a moment." if error.retryable else "Please start again."
    return f"{error.sentence} Nothing was connected. {end}"
