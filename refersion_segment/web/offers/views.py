"""`/offers`: the offers, one offer, and what can be done with it."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from refersion_segment.clock import utc_now
from refersion_segment.domain.commissions import describe
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import Offer
from refersion_segment.services import offers
from refersion_segment.services.offers import InUse
from refersion_segment.web.access import actor, current_merchant, merchant_id, requires, row_or_404
from refersion_segment.web.offers.forms import OfferForm

blueprint = Blueprint("offers", __name__, url_prefix="/offers")


@blueprint.app_template_filter()
def commission(offer: Offer) -> str:
    """Tell what an offer pays: "10 % of sale"."""
    return describe(offers.commission_of(offer, current_merchant().currency))


@blueprint.get("")
@requires(Role.VIEWER)
def show_list() -> ResponseReturnValue:
    every = offers.list_offers(merchant_id())
    return render_template(
        "offers/list.html",
        offers=[offer for offer in every if offer.archived_at is None],
        archived=[offer for offer in every if offer.archived_at is not None],
        segment_offer_id=offers.segment_offer_id(merchant_id()),
    )


@blueprint.get("/new")
@requires(Role.MANAGER)
def show_new() -> ResponseReturnValue:
    return render_template("offers/new.html", form=OfferForm(current_merchant().currency))


@blueprint.post("/new")
@requires(Role.MANAGER)
def add() -> ResponseReturnValue:
    form = OfferForm(current_merchant().currency)
    if not form.validate_on_submit():
        return render_template("offers/new.html", form=form), 422
    offer = offers.add(actor(), merchant_id(), form.offer_terms(), utc_now())
    db.session.commit()
    flash(f"Saved. {offer.name} is ready to be chosen.", "success")
    return redirect(url_for("offers.show_list"))


@blueprint.get("/<uuid:offer_id>")
@requires(Role.VIEWER)
def show(offer_id: UUID) -> ResponseReturnValue:
    offer = row_or_404(Offer, offer_id)
    return page_of(offer, OfferForm(current_merchant().currency, offer))


@blueprint.post("/<uuid:offer_id>")
@requires(Role.MANAGER)
def save(offer_id: UUID) -> ResponseReturnValue:
    offer = row_or_404(Offer, offer_id)
    form = OfferForm(current_merchant().currency)
    if not form.validate_on_submit():
        return page_of(offer, form), 422
    offers.change(actor(), offer, form.offer_terms())
    db.session.commit()
    flash("Saved.", "success")
    return redirect(url_for("offers.show", offer_id=offer_id))


@blueprint.post("/<uuid:offer_id>/default")
@requires(Role.MANAGER)
def make_default(offer_id: UUID) -> ResponseReturnValue:
    offer = row_or_404(Offer, offer_id)
    if offers.make_default(actor(), offer):
        flash(f"{offer.name} is the default offer now.", "success")
    elif offer.archived_at is not None:
        flash("An archived offer cannot be the default one. Bring it back first.", "error")
    db.session.commit()
    return redirect(url_for("offers.show", offer_id=offer_id))


@blueprint.post("/<uuid:offer_id>/archive")
@requires(Role.MANAGER)
def archive(offer_id: UUID) -> ResponseReturnValue:
    offer = row_or_404(Offer, offer_id)
    in_use = offers.archive(actor(), offer, utc_now())
    db.session.commit()
    if in_use is not None:
        flash(sentence_for(in_use), "error")
        return redirect(url_for("offers.show", offer_id=offer_id))
    flash(f"{offer.name} is archived. Those who joined it stay.", "success")
    return redirect(url_for("offers.show_list"))


@blueprint.post("/<uuid:offer_id>/bring-back")
@requires(Role.MANAGER)
def bring_back(offer_id: UUID) -> ResponseReturnValue:
    offer = row_or_404(Offer, offer_id)
    offers.bring_back(actor(), offer)
    db.session.commit()
    flash(f"{offer.name} can be chosen again.", "success")
    return redirect(url_for("offers.show", offer_id=offer_id))


def page_of(offer: Offer, form: OfferForm) -> str:
    in_use = offers.what_keeps(offer)
    return render_template(
        "offers/show.html",
        offer=offer,
        form=form,
        what_keeps=None if in_use is None else sentence_for(in_use),
        is_for_segment=offers.segment_offer_id(merchant_id()) == offer.id,
    )


def sentence_for(in_use: InUse) -> str:
    match in_use:
        case InUse.IS_DEFAULT:
            return "This is the default offer. Make another offer the default one first."
        case InUse.IS_CHOSEN_FOR_SEGMENT:
            return (
                "New people from Segment join this offer. "
                "Choose another one at Account › Settings › Segment first."
            )
