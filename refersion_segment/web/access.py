"""Who may call a route. Each view declares its rule; a view without one answers nobody."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from refersion_segment.database import begin_reading
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import Merchant, User
from refersion_segment.models.scope import Row, rows_of
from refersion_segment.services.actors import Actor
from refersion_segment.services.login_sessions import actor_of

P = ParamSpec("P")
R = TypeVar("R")

RULE = "access_rule"
WRITES = "writes_on_get"


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Let anybody call the view."""
    setattr(view, RULE, "public")
    return view


def api_key(view: Callable[P, R]) -> Callable[P, R]:
    """Let the view check the API key of the call itself."""
    setattr(view, RULE, "api_key")
    return view


def requires(role: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let users call the view whose role includes `role`."""

    def declare(view: Callable[P, R]) -> Callable[P, R]:
        setattr(view, RULE, role)
        return view

    return declare


def writes(view: Callable[P, R]) -> Callable[P, R]:
    """Let a GET change something: the end of a handshake, which comes back as one."""
    setattr(view, WRITES, True)
    return view


def rule_of(view: Callable[..., object] | None) -> Role | str | None:
    """Return what a view declared: a role, `public`, `api_key`, or None."""
    return getattr(view, RULE, None)


def enforce_access(app: Flask) -> None:
    """Check the rule of the view before every request."""
    public(app.view_functions["static"])  # Flask's own; it answers 404 for what is not there

    @app.before_request
    def check() -> ResponseReturnValue | None:
        if request.endpoint is None:
            return None  # no such page: the error page says so
        view = app.view_functions.get(request.endpoint)
        rule = rule_of(view)
        if rule in {"public", "api_key"}:
            return None
        if not isinstance(rule, Role):
            abort(403)
        if request.method in {"GET", "HEAD"} and not hasattr(view, WRITES):
            begin_reading()
        if not current_user.is_authenticated:
            return redirect(url_for("accounts.login", next=path_of_request()))
        if not current_user.role.includes(rule):
            abort(403)
        return None


def path_of_request() -> str:
    """Return where to come back to after the log-in: a page, never the target of a form."""
    return (
        request.full_path.rstrip("?")
        if request.method in {"GET", "HEAD"}
        else url_for("dashboard.show")
    )


def safe_next(target: str | None) -> str:
    """Return `target` if it is a path of this site, else the dashboard.

    Browsers read a backslash as a slash and drop control characters, so a target with either is
    refused, and so is everything that a parser could take for another host.
    """
    home = url_for("dashboard.show")
    if not target or not target.startswith("/") or target.startswith("//"):
        return home
    if "\\" in target or any(ord(letter) < 33 for letter in target):
        return home
    parts = urlsplit(target)
    return home if parts.scheme or parts.netloc else target


def signed_in_user() -> User:
    """Return the user who is logged in. Only for views with a role."""
    user: User = current_user._get_current_object()
    return user


def merchant_id() -> UUID:
    """Return whose pages these are."""
    return signed_in_user().merchant_id


def current_merchant() -> Merchant:
    """Return the merchant of the user who is logged in."""
    return db.session.get_one(Merchant, merchant_id())


def actor() -> Actor:
    """Return the user who is logged in as the actor of an audit entry."""
    return actor_of(signed_in_user(), request.remote_addr or "")


def row_or_404(model: type[Row], row_id: UUID) -> Row:
    """Return the merchant's row with this id; one of another merchant is as unknown as none."""
    query = rows_of(merchant_id(), model).where(model.__table__.c["id"] == row_id)
    row = db.session.scalar(query)
    if row is None:
        abort(404)
    return row


def id_of_query(name: str) -> UUID | None:
    """Read an id of the query string; None where there is none.

    :raise NotFound: if it is no id at all
    """
    text = request.args.get(name, "")
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        abort(404)
