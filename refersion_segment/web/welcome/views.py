"""`/welcome/<token>`: status, referral link, terms, and "I did not ask for this"."""

from uuid import UUID

from flask import Blueprint, Response, abort, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from refersion_segment.clock import utc_now
from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, Merchant, Offer
from refersion_segment.services import affiliates, letters, links, referrals
from refersion_segment.web.access import public

blueprint = Blueprint("welcome", __name__, url_prefix="/welcome")


@blueprint.after_request
def keep_the_link_private(response: Response) -> Response:
    """Whoever has the link can act for the person: no search engine may list it.

    No other site is told either: `Referrer-Policy` is same-origin everywhere.
    """
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@blueprint.get("/<token>")
@public
def show(token: str) -> ResponseReturnValue:
    affiliate = affiliate_or_404(token)
    merchant = db.session.get_one(Merchant, affiliate.merchant_id)
    offer = db.session.get_one(Offer, (affiliate.merchant_id, affiliate.offer_id))
    return render_template(
        "welcome/show.html",
        affiliate=affiliate,
        shop=merchant.name,
        offer=offer,
        commission=letters.commission_of(merchant, offer),
        referral_link=referrals.referral_link(merchant, affiliate),
        is_denied=affiliate.status is AffiliateStatus.DENIED,
        token=token,
    )


@blueprint.get("/<token>/decline")
@public
def ask(token: str) -> ResponseReturnValue:
    affiliate = affiliate_or_404(token)
    merchant = db.session.get_one(Merchant, affiliate.merchant_id)
    return render_template("welcome/decline.html", shop=merchant.name, token=token)


@blueprint.post("/<token>/decline")
@public
def decline(token: str) -> ResponseReturnValue:
    affiliate = affiliate_or_404(token)
    affiliates.decline(affiliate, now=utc_now())
    db.session.commit()
    return redirect(url_for("welcome.show", token=token))


def affiliate_or_404(token: str) -> Affiliate:
    """Return the affiliate that a link was made for.

    :raise NotFound: if the link is not ours or too old, or the person was erased
    """
    ids: tuple[UUID, UUID] | None = links.read_welcome_token(token)
    affiliate = None if ids is None else db.session.get(Affiliate, ids)
    if affiliate is None:
        page = render_template("welcome/unknown.html")
        abort(make_response(page, 404))
    return affiliate
