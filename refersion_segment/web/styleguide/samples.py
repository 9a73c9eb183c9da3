"""Fixed values for the style guide: ordinary ones, and the ones that break layouts."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Final

from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.domain.outcomes import Outcome
from refersion_segment.domain.roles import Role

AT: Final = datetime(2026, 11, 22, 13, 3, 11, tzinfo=UTC)
MERCHANT: Final = SimpleNamespace(name="Northwind")
USER: Final = SimpleNamespace(name="Maya Chen", role=Role.OWNER, is_authenticated=True)
UNBROKEN: Final = "unbroken" * 38  # 304 characters without a blank
RIGHT_TO_LEFT: Final = "نادية حداد"

SERIES: Final = (
    {"key": "created", "label": "Created", "tone": "green"},
    {"key": "already", "label": "Already here", "tone": "mint"},
    {"key": "fixing", "label": "Needs fixing", "tone": "amber"},
    {"key": "ignored", "label": "Ignored", "tone": "rust"},
)


def points() -> list[dict[str, object]]:
    """Return 28 days of made-up counts, in the shape that `stacked_bar_chart` takes."""
    first = date(2026, 10, 26)
    return [
        {
            "label": f"{first + timedelta(days=n):%d %b}".lstrip("0"),
            "values": {
                "created": 18 + n * 37 % 53,
                "already": 25 + n * 29 % 26,
                "fixing": n * 7 % 4,
                "ignored": n * 5 % 3,
            },
        }
        for n in range(28)
    ]


def nav() -> list[dict[str, object]]:
    """Return the side bar's sections, in the shape that `layouts/app.html` takes."""

    def item(label: str, icon: str, badge: str = "") -> dict[str, object]:
        return {
            "label": label,
            "url": "#content",
            "icon": icon,
            "badge": badge,
            "is_current": label == "Segment",
        }

    program = (
        item("Dashboard", "dashboard"),
        item("Affiliates", "affiliates", "12"),
        item("Offers", "offers"),
        item("Channels › Email", "email"),
    )
    account = (
        item("Segment", "segment"),
        item("API keys", "key"),
        item("Team", "team"),
        item("Activity", "activity"),
    )
    return [{"title": None, "items": program}, {"title": "Account", "items": account}]


def all_values() -> dict[str, object]:
    """Return everything that `styleguide.html` shows."""
    return {
        "at": AT,
        "current_user": USER,
        "logout_url": "#content",
        "merchant": MERCHANT,
        "nav": nav(),
        "outcomes": tuple(Outcome),
        "points": points(),
        "right_to_left": RIGHT_TO_LEFT,
        "series": SERIES,
        "statuses": tuple(AffiliateStatus),
        "unbroken": UNBROKEN,
    }
