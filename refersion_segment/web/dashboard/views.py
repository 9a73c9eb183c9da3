"""The dashboard: what needs the team first, then what happened."""

from zoneinfo import ZoneInfo

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from refersion_segment.clock import utc_now
from refersion_segment.domain.roles import Role
from refersion_segment.services import daily_calls, dashboard
from refersion_segment.web.access import merchant_id, requires
from refersion_segment.web.navigation import time_zone
from refersion_segment.web.segment.views import CHART_DAYS, chart_of

blueprint = Blueprint("dashboard", __name__)

WORDS = ("Nothing needs you.", "One thing needs you.", "Two things need you.")


@blueprint.get("/")
@requires(Role.VIEWER)
def show() -> ResponseReturnValue:
    zone = ZoneInfo(time_zone())
    calls = daily_calls.count(merchant_id(), days=CHART_DAYS, zone=zone, now=utc_now())
    board = dashboard.read(merchant_id())
    needs = board.number_of_needs
    return render_template(
        "dashboard/show.html",
        board=board,
        calls=calls,
        calls_chart=chart_of(calls),
        greeting=greeting(utc_now().astimezone(zone).hour),
        needs=WORDS[needs] if needs < len(WORDS) else f"{needs} things need you.",
    )


def greeting(hour: int) -> str:
    """Greet by the hour of the day, 0 to 23."""
    if hour < 5 or hour >= 18:
        return "Good evening"
    return "Good morning" if hour < 12 else "Good afternoon"
