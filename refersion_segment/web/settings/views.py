"""`/account/settings`: the menu of what can be set up."""

from typing import Final

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from refersion_segment.domain.roles import Role
from refersion_segment.web.access import requires

blueprint = Blueprint("settings", __name__)

MENU: Final = (
    ("Profile", "profile.show", "Your name, address and password."),
    ("Team", "team.show_list", "Who works here, and what each may do."),
    ("API keys", "api_keys.show_list", "What Segment sends with every call."),
    ("Segment", "segment.show", "Connect your sources, choose the offer, see what arrives."),
    ("Activity", "activity.show_list", "Who did what, when and from where."),
)


@blueprint.get("/account/settings")
@requires(Role.VIEWER)
def show() -> ResponseReturnValue:
    items = [item for item in MENU if item[1] in current_app.view_functions]
    return render_template("settings/show.html", items=items)
