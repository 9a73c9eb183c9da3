"""Deliveries as people see them, and the buttons that make Segment's harder moments happen."""

import json
import uuid
from itertools import groupby

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from refersion_segment.sandbox import deliveries, ingest, samples
from refersion_segment.sandbox.core import Sandbox, current_sandbox
from refersion_segment.sandbox.deliverer import TEST
from refersion_segment.sandbox.destinations import list_destinations
from refersion_segment.sandbox.records import Attempt, Delivery
from refersion_segment.sandbox.samples import DeleteShape
from refersion_segment.sandbox.schedule import WAITING
from refersion_segment.sandbox.workspace import find_source_by_id, list_sources

blueprint = Blueprint("deliveries", __name__)

DELIVERIES_PER_PAGE = 50
MOST_DELIVERIES_AS_JSON = 1000
ALL_SOURCES = "all sources"


@blueprint.get("/deliveries")
def index() -> ResponseReturnValue:
    """List the deliveries, newest first."""
    database = current_sandbox().database
    before = request.args.get("before", type=int)
    found = deliveries.list_deliveries(database, limit=DELIVERIES_PER_PAGE + 1, before=before)
    sources = list_sources(database)
    return render_template(
        "deliveries.html",
        deliveries=found[:DELIVERIES_PER_PAGE],
        has_more=len(found) > DELIVERIES_PER_PAGE,
        source_names={source.id: source.slug for source in sources},
        source_choices=[ALL_SOURCES, *(source.slug for source in sources)],
        shapes=list(DeleteShape),
        is_held=current_sandbox().switches.hold_deliveries,
    )


@blueprint.get("/deliveries.json")
def as_json() -> ResponseReturnValue:
    """List the deliveries with their tries for scripts, newest first."""
    database = current_sandbox().database
    found = deliveries.list_deliveries(database, limit=MOST_DELIVERIES_AS_JSON)
    sources = {source.id: source.slug for source in list_sources(database)}
    attempts: dict[int, list[Attempt]] = {}
    if found:
        tried = deliveries.list_attempts(database, found[-1].id, found[0].id)
        attempts = {key: list(group) for key, group in groupby(tried, lambda a: a.delivery_id)}
    return jsonify(
        [_described(one, sources[one.source_id], attempts.get(one.id, [])) for one in found]
    )


def _described(delivery: Delivery, source: str, attempts: list[Attempt]) -> dict[str, object]:
    return {
        "id": delivery.id,
        "source": source,
        "destination": delivery.destination_name,
        "kind": delivery.kind,
        "type": delivery.event_type,
        "message_id": delivery.message_id,
        "who": delivery.who,
        "state": delivery.state,
        "code": delivery.code,
        "created_at": delivery.created_at,
        "next_try_at": delivery.next_try_at if delivery.state == WAITING else None,
        "body": json.loads(delivery.body),
        "attempts": [
            {
                "number": one.number,
                "started_at": one.started_at,
                "duration_ms": one.duration_ms,
                "url": one.url,
                "request_headers": json.loads(one.request_headers),
                "status": one.status,
                "response_headers": json.loads(one.response_headers),
                "response_body": one.response_body,
                "code": one.code,
            }
            for one in attempts
        ],
    }


@blueprint.get("/deliveries/<int:delivery_id>")
def show(delivery_id: int) -> ResponseReturnValue:
    """Show one delivery with request and response of every try."""
    database = current_sandbox().database
    delivery = deliveries.find_delivery(database, delivery_id)
    if delivery is None:
        abort(404, "There is no such delivery.")
    return render_template(
        "delivery.html",
        delivery=delivery,
        source=find_source_by_id(database, delivery.source_id),
        body=json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False),
        attempts=[
            (one, json.loads(one.request_headers), json.loads(one.response_headers))
            for one in deliveries.list_attempts(database, delivery_id, delivery_id)
        ],
    )


@blueprint.post("/deliveries/again")
def send_again() -> ResponseReturnValue:
    """Send the chosen deliveries again, oldest first, or newest first when so asked."""
    sandbox = current_sandbox()
    ids = sorted({int(one) for one in request.form.getlist("delivery") if one.isdecimal()})
    chosen = [found for one in ids if (found := deliveries.find_delivery(sandbox.database, one))]
    is_reverse = request.form.get("order") == "reverse"
    if not chosen or (is_reverse and len(chosen) < 2):
        flash("Choose at least two deliveries." if is_reverse else "Choose a delivery.")
        return redirect(url_for("deliveries.index"))
    for delivery in reversed(chosen) if is_reverse else chosen:
        _send_once_more(sandbox, delivery, with_new_id=is_reverse)
    flash(f"Sent {len(chosen)} in reverse order." if is_reverse else f"Sent {len(chosen)} again.")
    if len(chosen) == 1:
        newest = deliveries.list_deliveries(sandbox.database, limit=1)[0]
        return redirect(url_for("deliveries.show", delivery_id=newest.id))
    return redirect(url_for("deliveries.index"))


def _send_once_more(sandbox: Sandbox, delivery: Delivery, *, with_new_id: bool) -> None:
    """Send a delivery now: one that waits as it is, one that is done as a copy.

    A copy in reverse order gets a messageId of its own, else the destination would answer it
    from memory and the order would not matter.
    """
    claim = deliveries.claim_now(sandbox.database, delivery.id)
    if claim is None:
        source = find_source_by_id(sandbox.database, delivery.source_id)
        if source is None:
            return
        event = json.loads(delivery.body)
        if with_new_id:
            prefix = samples.TEST_PREFIXES[0] if delivery.kind == TEST else "reordered-"
            event["messageId"] = f"{prefix}{uuid.uuid4()}"
        claim = deliveries.put_claimed(
            sandbox.database, source, delivery.destination_name, event, kind="again"
        )
    sandbox.deliverer.deliver(claim)


@blueprint.post("/deliveries/delete")
def send_delete() -> ResponseReturnValue:
    """File a deletion: one delete for every source in question that has the destination on."""
    sandbox = current_sandbox()
    user_id = request.form.get("user_id", "").strip()
    try:
        shape = DeleteShape(request.form.get("shape", ""))
    except ValueError:
        abort(400, "Choose one of the shapes.")
    if not user_id:
        flash("A deletion needs a userId.")
        return redirect(url_for("deliveries.index"))
    if "suppress" in request.form:
        ingest.suppress(sandbox.database, user_id)
    sent = _deliver_delete(sandbox, shape, user_id)
    flash(f"Delete of {user_id} sent to {sent} destination{'' if sent == 1 else 's'}.")
    return redirect(url_for("deliveries.index"))


def _deliver_delete(sandbox: Sandbox, shape: DeleteShape, user_id: str) -> int:
    wanted = request.form.get("source", ALL_SOURCES)
    sent = 0
    for source in list_sources(sandbox.database):
        if wanted not in (ALL_SOURCES, source.slug):
            continue
        for destination in list_destinations(sandbox.database, source):
            if not destination.enabled:
                continue
            event = samples.delete_event(
                shape,
                project_id=source.project_id,
                user_id=user_id,
                email=request.form.get("email", "").strip(),
            )
            claim = deliveries.put_claimed(
                sandbox.database, source, destination.name, event, kind="delete"
            )
            sandbox.deliverer.deliver(claim)
            sent += 1
    return sent


@blueprint.post("/deliveries/empty")
def empty() -> ResponseReturnValue:
    """Forget every delivery, event and mail."""
    deliveries.empty(current_sandbox().database)
    flash("Deliveries, events and mails are gone. Sources, destinations and installs stay.")
    return redirect(url_for("pages.settings"))
