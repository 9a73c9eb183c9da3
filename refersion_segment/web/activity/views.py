"""`/account/settings/activity`: who did what, when, from where."""

from typing import Any, Final

from flask import Blueprint, current_app, render_template, url_for
from flask.typing import ResponseReturnValue

from refersion_segment.domain.roles import Role
from refersion_segment.models import AuditEntry
from refersion_segment.services import activity
from refersion_segment.web.access import id_of_query, merchant_id, requires
from refersion_segment.web.activity.words import in_words

blueprint = Blueprint("activity", __name__)

# What an entry is about, where that has a page.
PAGES: Final = {
    "affiliate": ("affiliates.show", "affiliate_id"),
    "offer": ("offers.show", "offer_id"),
    "api_key": ("api_keys.show_list", None),
    "channel": ("channels.show_list", None),
    "segment": ("segment.show", None),
}


@blueprint.get("/account/settings/activity")
@requires(Role.VIEWER)
def show_list() -> ResponseReturnValue:
    page = activity.read_page(
        merchant_id(), before=id_of_query("before"), after=id_of_query("after")
    )
    return render_template("activity/list.html", page=page, words=in_words, url_of=url_of)


def url_of(entry: AuditEntry) -> str | None:
    """Return the page of what an entry is about; None if there is none, or none any more."""
    endpoint, argument = PAGES.get(entry.action.partition(".")[0], ("", None))
    if endpoint not in current_app.view_functions or entry.action == "affiliate.erased":
        return None
    if argument is None:
        return url_for(endpoint)
    if entry.subject_id is None:
        return None
    subject: dict[str, Any] = {argument: entry.subject_id}
    return url_for(endpoint, **subject)
