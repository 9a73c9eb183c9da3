"""The frame around every page: side bar, merchant, and what waits."""

from flask import g, request, url_for
from flask_login import current_user

from refersion_segment.services import affiliates
from refersion_segment.web.access import current_merchant

SECTIONS: tuple[tuple[str | None, tuple[tuple[str, str, str], ...]], ...] = (
    (
        None,
        (
            ("Dashboard", "dashboard.show", "dashboard"),
            ("Affiliates", "affiliates.show_list", "affiliates"),
            ("Offers", "offers.show_list", "offers"),
            ("Channels › Email", "channels.show_list", "email"),
        ),
    ),
    (
        "Account",
        (
            ("Segment", "segment.show", "segment"),
            ("API keys", "api_keys.show_list", "key"),
            ("Activity", "activity.show_list", "activity"),
        ),
    ),
)

# Pages that belong to a section of another name.
PARTS_OF = {"deliveries": "segment", "segment_oauth": "segment"}


def frame() -> dict[str, object]:
    """Return what `layouts/app.html` needs."""
    merchant = current_merchant()
    badge = affiliates.pending_badge(merchant.id)
    return {
        "merchant": merchant,
        "pending_badge": badge,
        "nav": [
            {"title": title, "items": [_item(*item, badge=badge) for item in items]}
            for title, items in SECTIONS
        ],
        "logout_url": url_for("accounts.logout"),
    }


def _item(label: str, endpoint: str, icon: str, *, badge: str) -> dict[str, object]:
    blueprint = endpoint.split(".")[0]
    return {
        "label": label,
        "endpoint": endpoint,
        "url": url_for(endpoint),
        "icon": icon,
        "badge": badge if blueprint == "affiliates" else "",
        "is_current": PARTS_OF.get(request.blueprint or "", request.blueprint) == blueprint,
    }


def time_zone() -> str:
    """Return the merchant's time zone, UTC where nobody is logged in."""
    if "time_zone" not in g:
        g.time_zone = current_merchant().time_zone if current_user.is_authenticated else "UTC"
    zone: str = g.time_zone
    return zone
