"""`/account/settings/segment/deliveries`: the log, one delivery, and the test event."""

import json
import secrets
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from refersion_segment.clock import utc_now
from refersion_segment.domain.outcomes import DeliveryFilter
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, Delivery
from refersion_segment.services import deliveries, delivery_log, messages, sources
from refersion_segment.services.calls import read_call
from refersion_segment.services.delivery_log import Wanted
from refersion_segment.web.access import merchant_id, requires, row_or_404, signed_in_user
from refersion_segment.web.segment_destination.answers import answer_to

blueprint = Blueprint("deliveries", __name__, url_prefix="/account/settings/segment")


@blueprint.get("/deliveries")
@requires(Role.VIEWER)
def show_list() -> ResponseReturnValue:
    wanted = Wanted(
        filter=_choice(DeliveryFilter, request.args.get("show", "")),
        text=request.args.get("q", ""),
        source_id=_id(request.args.get("source", "")),
    )
    page = delivery_log.page(
        merchant_id(),
        wanted,
        before=_id(request.args.get("before", "")),
        after=_id(request.args.get("after", "")),
    )
    labels = sources.labels_of(merchant_id())
    return render_template(
        "deliveries/list.html",
        page=page,
        wanted=wanted,
        labels=labels,
        choices=[("", "Any outcome"), *((one.value, one.label) for one in DeliveryFilter)],
        source_choices=[("", "Any source"), *labels.items()],
        older_url=_page_url(before=page.older) if page.older else None,
        newer_url=_page_url(after=page.newer) if page.newer else None,
    )


def _page_url(**position: UUID) -> str:
    """Return the address of another page under the same filters."""
    kept = {name: value for name in ("q", "show", "source") if (value := request.args.get(name))}
    return url_for("deliveries.show_list", **kept, **position)


@blueprint.get("/deliveries/<uuid:delivery_id>")
@requires(Role.VIEWER)
def show(delivery_id: UUID) -> ResponseReturnValue:
    delivery = row_or_404(Delivery, delivery_id)
    affiliate = None
    if delivery.affiliate_id is not None:
        affiliate = db.session.get(Affiliate, (delivery.merchant_id, delivery.affiliate_id))
    return render_template(
        "deliveries/show.html",
        delivery=delivery,
        affiliate=affiliate,
        messages=messages.of_affiliate(merchant_id(), affiliate.id) if affiliate else (),
        payload=delivery.payload or {},
        labels=sources.labels_of(merchant_id()),
        answer=json.dumps(answer_to(delivery)),
    )


@blueprint.post("/test-event")
@requires(Role.MANAGER)
def send_test_event() -> ResponseReturnValue:
    """Make an identify of a test person and take it through the door that Segment's calls take."""
    number = secrets.token_hex(4)
    event = {
        "type": "identify",
        "messageId": f"test-message-{number}",
        "userId": f"test-user-{number}",
        "traits": {
            "firstName": "Test",
            "lastName": "Person",
            "email": tagged(signed_in_user().email, number),
        },
    }
    tenant = merchant_id()
    db.session.rollback()  # the call is a transaction of its own
    taken = deliveries.receive(tenant, read_call(json.dumps(event).encode(), now=utc_now()))
    if taken.status_code != deliveries.OK:
        flash(taken.reason, "error")
        return redirect(url_for("segment.show"))
    page = url_for("deliveries.show", delivery_id=taken.id)
    sentence = Markup('A test person was created. <a href="{}">See what happened</a>.')
    flash(sentence.format(page), "success")
    return redirect(url_for("segment.show"))


def tagged(address: str, tag: str) -> str:
    """Write an address that still reaches its owner and is a new one each time (RFC 5233)."""
    local, _, domain = address.partition("@")
    return f"{local.partition('+')[0][:40]}+test-{tag}@{domain}"


def _id(text: str) -> UUID | None:
    """Read an id of the query string.

    :raise NotFound: if it is no id at all
    """
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        abort(404)


def _choice(choices: type[DeliveryFilter], text: str) -> DeliveryFilter | None:
    try:
        return choices(text)
    except ValueError:
        return None
