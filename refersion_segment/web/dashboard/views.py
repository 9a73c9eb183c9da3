"""The dashboard."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from refersion_segment.domain.roles import Role
from refersion_segment.web.access import requires

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/")
@requires(Role.VIEWER)
def show() -> ResponseReturnValue:
    return render_template("dashboard/show.html")
