"""`/account/settings/segment`: see the integration, choose its offer, disable it."""

from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from refersion_segment.clock import utc_now
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models.connection import ConnectionState
from refersion_segment.services import (
    api_keys,
    connection_overview,
    connections,
    daily_calls,
    offers,
    provisioning,
)
from refersion_segment.services.connections import RefusedConnectionError
from refersion_segment.web.access import actor, current_merchant, merchant_id, requires
from refersion_segment.web.headers import allow_forms_to_segment
from refersion_segment.web.navigation import time_zone
from refersion_segment.web.segment.forms import OfferChoiceForm

blueprint = Blueprint("segment", __name__, url_prefix="/account/settings/segment")

CHART_DAYS = 28
# The answer comes within Segment's own patience; what is not done by then, the worker does.
TRY_NOW_SECONDS = 4
TONES = dict(zip(daily_calls.SHOWN, ("green", "mint", "amber", "rust", "grey"), strict=True))


@blueprint.get("")
@requires(Role.VIEWER)
def show() -> ResponseReturnValue:
    return page_of(offer_form())


@blueprint.post("")
@requires(Role.MANAGER)
def save() -> ResponseReturnValue:
    form = offer_form()
    if not form.validate_on_submit():
        return page_of(form), 422
    try:
        offer = connections.choose_offer(merchant_id(), form.offer_id(), by=actor(), now=utc_now())
    except RefusedConnectionError as error:
        db.session.rollback()
        form.offer.errors = [error.sentence]
        return page_of(form), 422
    sentence = Markup("Saved. New people from Segment will join <strong>{}</strong>.")
    flash(sentence.format(offer.name), "success")
    db.session.commit()
    return redirect(url_for("segment.show"))


@blueprint.post("/connect-with-key")
@requires(Role.MANAGER)
def connect_with_key() -> ResponseReturnValue:
    is_new = connections.enable_by_key(merchant_id(), by=actor(), now=utc_now())
    db.session.commit()
    if is_new:
        flash("Segment integration is on. Now add Refersion to your source in Segment.", "success")
    else:
        flash("Segment integration is on already.", "info")
    return redirect(url_for("segment.show"))


@blueprint.post("/try-again")
@requires(Role.MANAGER)
def try_again() -> ResponseReturnValue:
    merchant = merchant_id()
    connections.try_again(merchant, by=actor(), now=utc_now())
    db.session.commit()
    provisioning.try_now(merchant, provisioning.segment_client(TRY_NOW_SECONDS))
    return redirect(url_for("segment.show"))


@blueprint.get("/disable")
@requires(Role.MANAGER)
def show_disable() -> ResponseReturnValue:
    if connections.get(merchant_id()).state is ConnectionState.DISABLED:
        return redirect(url_for("segment.show"))
    return render_template(
        "segment/disable.html", stays=connection_overview.affiliates_that_stay(merchant_id())
    )


@blueprint.post("/disable")
@requires(Role.MANAGER)
def disable() -> ResponseReturnValue:
    connections.disable(merchant_id(), by=actor(), now=utc_now())
    db.session.commit()
    flash("Segment integration is off.", "success")
    return redirect(url_for("segment.show"))


def offer_form() -> OfferChoiceForm:
    current = offers.for_new_people(connections.get(merchant_id()))
    every = offers.list_offers(merchant_id())
    return OfferChoiceForm(every, current, current_merchant().currency)


def page_of(form: OfferChoiceForm) -> str:
    allow_forms_to_segment()
    overview = connection_overview.read(merchant_id())
    if overview.connection.state is ConnectionState.DISABLED:
        return render_template("segment/disabled.html", overview=overview)
    now, zone = utc_now(), ZoneInfo(time_zone())
    since = overview.connection.connected_at
    calls = daily_calls.count(merchant_id(), days=CHART_DAYS, zone=zone, now=now)
    return render_template(
        "segment/connected.html",
        overview=overview,
        form=form,
        offer=offers.for_new_people(overview.connection),
        key=api_keys.current_key(merchant_id()),
        since=f"{since.astimezone(zone):%-d %b %Y}" if since else "",
        calls=calls,
        calls_chart=chart_of(calls),
        stays=connection_overview.affiliates_that_stay(merchant_id()),
    )


def chart_of(calls: daily_calls.DailyCalls) -> dict[str, object]:
    """Return points and series for the chart; erased ones are a series only if there are any."""
    shown = [
        one
        for one in daily_calls.SHOWN
        if one is not daily_calls.SHOWN[-1] or any(one in day.numbers for day in calls.days)
    ]
    return {
        "points": [{"label": f"{day.date:%-d %b}", "values": day.numbers} for day in calls.days],
        "series": [{"key": one, "label": one.label, "tone": TONES[one]} for one in shown],
    }
