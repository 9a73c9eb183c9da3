"""`/account/settings/api`: list, **Show**, **Rotate**, **Revoke**."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from refersion_segment.clock import utc_now
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import ApiKey
from refersion_segment.pages import moment
from refersion_segment.services import api_keys, login_sessions
from refersion_segment.web.access import (
    actor,
    merchant_id,
    requires,
    row_or_404,
    signed_in_user,
)
from refersion_segment.web.api_keys.forms import PasswordAgainForm

blueprint = Blueprint("api_keys", __name__, url_prefix="/account/settings/api")


@blueprint.get("")
@requires(Role.VIEWER)
def show_list() -> ResponseReturnValue:
    keys = api_keys.list_keys(merchant_id())
    return render_template("api_keys/list.html", keys=keys, now=utc_now())


@blueprint.route("/<uuid:key_id>/show", methods=["GET", "POST"])
@requires(Role.MANAGER)
def show(key_id: UUID) -> ResponseReturnValue:
    key = usable_or_404(key_id)
    form = PasswordAgainForm()
    if not form.validate_on_submit():
        return render_template("api_keys/show.html", key=key, form=form)
    if not has_typed_own_password(form):
        return render_template("api_keys/show.html", key=key, form=form), 422
    text = api_keys.show(key, by=actor())
    db.session.commit()
    return render_template("api_keys/shown.html", key=key, text=text)


@blueprint.route("/rotate", methods=["GET", "POST"])
@requires(Role.OWNER)
def rotate() -> ResponseReturnValue:
    form = PasswordAgainForm()
    if not form.validate_on_submit():
        return render_template("api_keys/rotate.html", form=form)
    if not has_typed_own_password(form):
        return render_template("api_keys/rotate.html", form=form), 422
    ends_at = api_keys.rotate(merchant_id(), by=actor(), now=utc_now())
    db.session.commit()
    flash(f"A new key is ready. The old one works until {moment(ends_at)}.", "success")
    return redirect(url_for("api_keys.show_list"))


@blueprint.get("/<uuid:key_id>/revoke")
@requires(Role.OWNER)
def ask_revoke(key_id: UUID) -> ResponseReturnValue:
    key = usable_or_404(key_id)
    if key.is_current:
        abort(404)
    return render_template("api_keys/revoke.html", key=key)


@blueprint.post("/<uuid:key_id>/revoke")
@requires(Role.OWNER)
def revoke(key_id: UUID) -> ResponseReturnValue:
    key = row_or_404(ApiKey, key_id)
    if api_keys.revoke(key, by=actor(), now=utc_now()):
        db.session.commit()
        flash("Revoked. Calls with that key are refused from now on.", "success")
    else:
        flash("This key is the one in use. Rotate it first, then revoke the old one.", "warning")
    return redirect(url_for("api_keys.show_list"))


def usable_or_404(key_id: UUID) -> ApiKey:
    """Return a key of this merchant that still works."""
    key = row_or_404(ApiKey, key_id)
    if not key.is_usable(utc_now()):
        abort(404)
    return key


def has_typed_own_password(form: PasswordAgainForm) -> bool:
    """Check the password that was typed again, and say at the field if it is wrong."""
    if login_sessions.is_own_password(signed_in_user(), form.password.data or ""):
        return True
    form.password.errors = ["This is not your password. Check it and try again."]
    return False
