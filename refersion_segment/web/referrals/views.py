"""`/r/<handle>/<code>`: a referral link."""

from flask import Blueprint, abort, redirect, render_template
from flask.typing import ResponseReturnValue

from refersion_segment.services import referrals
from refersion_segment.web.access import public

blueprint = Blueprint("referrals", __name__)


@blueprint.get("/r/<handle>/<code>")
@public
def follow(handle: str, code: str) -> ResponseReturnValue:
    found = referrals.find_referral(handle, code)
    if found is None:
        abort(404)
    merchant, affiliate = found
    target = referrals.target_of(merchant, affiliate)
    if target is not None:
        return redirect(target)
    return render_template("referrals/arrived.html", shop=merchant.name)
