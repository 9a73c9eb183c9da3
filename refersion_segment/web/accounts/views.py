"""`/login`, `/logout`, `/signup`."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from refersion_segment.clock import utc_now
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.services import accounts, login_sessions
from refersion_segment.services.accounts import RefusedAccountError
from refersion_segment.web import sessions
from refersion_segment.web.access import actor, public, requires, safe_next
from refersion_segment.web.accounts.forms import LoginForm, SignupForm

blueprint = Blueprint("accounts", __name__)

DO_NOT_FIT = "Email and password do not fit together. Check both and try again."


@blueprint.route("/login", methods=["GET", "POST"])
@public
def login() -> ResponseReturnValue:
    target = safe_next(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(target)
    form = LoginForm()
    if not form.validate_on_submit():
        return render_template("accounts/login.html", form=form)
    ticket = login_sessions.log_in(
        form.email.data or "", form.password.data or "", now=utc_now(), **where_from()
    )
    db.session.commit()
    if ticket is None:
        form.password.errors = [DO_NOT_FIT]
        return render_template("accounts/login.html", form=form), 422
    sessions.start(ticket)
    return redirect(target)


@blueprint.post("/logout")
@requires(Role.VIEWER)
def logout() -> ResponseReturnValue:
    if session := sessions.current_session():
        login_sessions.close_session(session, by=actor())
        db.session.commit()
    sessions.end()
    flash("You are logged out.", "success")
    return redirect(url_for("accounts.login"))


@blueprint.route("/signup", methods=["GET", "POST"])
@public
def signup() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(url_for("dashboard.show"))
    form = SignupForm()
    if not form.validate_on_submit():
        return render_template("accounts/signup.html", form=form)
    now = utc_now()
    try:
        made = accounts.create_merchant(
            name=form.name.data or "",
            owner_name=form.owner_name.data or "",
            email=form.email.data or "",
            password=form.password.data or "",
            ip=where_from()["ip"],
            now=now,
        )
    except RefusedAccountError as error:
        form.refuse(error.problems)
        return render_template("accounts/signup.html", form=form), 422
    ticket = login_sessions.open_session(made.owner, now=now, **where_from())
    db.session.commit()
    sessions.start(ticket)
    flash("Your account is ready. Connect Segment next.", "success")
    return redirect(url_for("dashboard.show"))


def where_from() -> dict[str, str]:
    """Return what a session remembers of the browser."""
    return {"ip": request.remote_addr or "", "user_agent": request.user_agent.string}
