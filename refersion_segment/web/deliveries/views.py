"""`/account/settings/segment/deliveries`: the log, one delivery, and the test event."""

import json
import secrets
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from refersion_segment.clock import utc_now
from refersion_segment.domain.outcomes import DeliveryFilter
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, Delivery
from refersion_segment.services import deliveries, delivery_log, histories, sources
from refersion_segment.services.calls import read_call
from refersion_segment.services.delivery_log import Wanted
from refersion_segment.web.access import (
    id_of_query,
    merchant_id,
    requires,
    row_or_404,
    signed_in_user,
)
from refersion_segment.web.segment_destination.answers import answer_to

blueprint = Blueprint("deliveries", __name__, url_prefix="/account/settings/segment")


@blueprint.get("/deliveries")
@requires(Role.VIEWER)
def show_list() -> ResponseReturnValue:
    wanted = Wanted(
        filter=_choice(DeliveryFilter, request.args.get("show", "")),
        text=request.args.get("q", ""),
        source_id=id_of_query("source"),
    )
    page = delivery_log.page(
        merchant_id(),
        wanted,
        before=id_of_query("before"),
        after=id_of_query("after"),
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


def _page_url(**position: Any) -> str:
    """Return the address of another page under the same filters."""
    names = ("q", "show", "source")
    kept: dict[str, Any] = {one: text for one in names if (text := request.args.get(one))}
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
        messages=histories.messages_of(affiliate) if affiliate else (),
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


def _choice(choices: type[DeliveryFilter], text: str) -> DeliveryFilter | None:
    try:
        return choices(text)
    except ValueError:
        return None
