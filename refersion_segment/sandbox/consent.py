"""The screens between the app and its code: log in, choose workspace and source, Allow or Deny."""

from flask import Blueprint, abort, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from refersion_segment.sandbox import installs
from refersion_segment.sandbox.core import current_sandbox
from refersion_segment.sandbox.database import (
    ANALYST_EMAIL,
    DEMO_PASSWORD,
    OWNER_EMAIL,
    WORKSPACE,
)
from refersion_segment.sandbox.oauth import OAuthError, code_redirect, error_redirect
from refersion_segment.sandbox.records import Consent, User
from refersion_segment.sandbox.workspace import find_source, find_user, list_sources, log_in

blueprint = Blueprint("consent", __name__)

_DENIED = OAuthError(
    "access_denied",
    "The resource owner or authorization server denied the request",
    "The person chose Deny.",
)
_INSTALLED = OAuthError(
    "access_denied", "install already exists", "This app is installed there already."
)


def current_user() -> User | None:
    """Return who is logged in to the sandbox, if anybody."""
    user_id = session.get("user_id")
    return find_user(current_sandbox().database, user_id) if isinstance(user_id, int) else None


def _waiting_consent(consent_id: str) -> Consent:
    consent = installs.find_consent(current_sandbox().database, consent_id)
    if consent is None:
        abort(400, "This sign-in took too long or was decided already. Start again in the app.")
    g.form_targets = consent.redirect_uri
    return consent


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """Show the log-in form."""
    return _login_page()


def _login_page(error: str = "", email: str = OWNER_EMAIL) -> str:
    return render_template(
        "login.html",
        error=error,
        email=email,
        owner=OWNER_EMAIL,
        analyst=ANALYST_EMAIL,
        password=DEMO_PASSWORD,
        consent_challenge=request.values.get("consent_challenge", ""),
    )


@blueprint.post("/login")
def log_in_person() -> ResponseReturnValue:
    """Log in, then go on with the consent that waits, if one does."""
    email = request.form.get("email", "")
    user = log_in(current_sandbox().database, email, request.form.get("password", ""))
    if user is None:
        return _login_page("Email or password is not right.", email), 400
    session.clear()
    session["user_id"] = user.id
    challenge = request.form.get("consent_challenge")
    if challenge:
        return redirect(url_for("consent.show", consent_challenge=challenge))
    return redirect(url_for("pages.overview"))


@blueprint.post("/logout")
def log_out() -> ResponseReturnValue:
    """Log out; a consent that waits asks for the next person."""
    session.clear()
    return redirect(
        url_for("consent.login", consent_challenge=request.form.get("consent_challenge") or None)
    )


@blueprint.get("/authorize")
def show() -> ResponseReturnValue:
    """Ask the person to allow the app one source, or to deny it."""
    consent = _waiting_consent(request.args.get("consent_challenge", ""))
    user = current_user()
    if user is None:
        return redirect(url_for("consent.login", consent_challenge=consent.id))
    return _consent_page(consent, user)


def _consent_page(consent: Consent, user: User, error: str = "") -> str:
    sandbox = current_sandbox()
    sources = list_sources(sandbox.database) if user.is_owner else []
    return render_template(
        "authorize.html",
        consent=consent,
        user=user,
        error=error,
        workspace=WORKSPACE,
        sources=sources,
        slug=sandbox.destination_slug,
    )


@blueprint.post("/authorize")
def decide() -> ResponseReturnValue:
    """Take the decision and go back to the app."""
    consent = _waiting_consent(request.form.get("consent_challenge", ""))
    user = current_user()
    if user is None:
        return redirect(url_for("consent.login", consent_challenge=consent.id))
    if request.form.get("decision") != "allow":
        return _deny(consent)
    return _allow(consent, user)


def _deny(consent: Consent) -> ResponseReturnValue:
    if not installs.close_consent(current_sandbox().database, consent):
        abort(400, "This sign-in was decided already. Start again in the app.")
    return error_redirect(consent.redirect_uri, _DENIED, consent.state)


def _allow(consent: Consent, user: User) -> ResponseReturnValue:
    sandbox = current_sandbox()
    if not user.is_owner:
        abort(403, "Only an owner of the workspace can authorize an app.")
    source = find_source(sandbox.database, request.form.get("source", ""))
    if source is None or request.form.get("workspace") != WORKSPACE:
        return _consent_page(consent, user, "Choose a workspace and a source."), 400
    if not installs.close_consent(sandbox.database, consent):
        abort(400, "This sign-in was decided already. Start again in the app.")
    if installs.is_installed(sandbox.database, source, sandbox.switches.install_rule):
        return error_redirect(consent.redirect_uri, _INSTALLED, consent.state)
    code = installs.issue_code(sandbox.database, consent, source)
    return code_redirect(consent.redirect_uri, code=code, scope=consent.scope, state=consent.state)
