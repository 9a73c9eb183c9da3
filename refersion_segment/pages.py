"""What every page may use: the frame's navigation, and how dates, numbers and money are written."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Flask
from flask_login import current_user

from refersion_segment.clock import utc_now
from refersion_segment.web import navigation


def register(app: Flask) -> None:
    """Give the templates their filters and the frame its values."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.add_template_filter(timeago)
    app.add_template_filter(moment)
    app.add_template_filter(count)

    @app.context_processor
    def frame() -> dict[str, object]:
        if not current_user.is_authenticated:
            return {}
        return navigation.frame()


def timeago(when: datetime | None) -> str:
    """Write how long ago a moment was: "just now", "3 min ago", "2 h ago", "yesterday", "4 Nov"."""
    if when is None:
        return "never"
    seconds = (utc_now() - when).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    here, now = when.astimezone(_zone()), utc_now().astimezone(_zone())
    days = (now.date() - here.date()).days
    if days == 0:
        return f"{int(seconds // 3600)} h ago"
    if days == 1:
        return "yesterday"
    if days < 7:
        return f"{days} days ago"
    return f"{here.day} {here:%b}" if here.year == now.year else f"{here.day} {here:%b %Y}"


def moment(when: datetime | None) -> str:
    """Write a moment in full, in the merchant's time zone: "22 Nov 2026, 14:03:11"."""
    if when is None:
        return ""
    here = when.astimezone(_zone())
    return f"{here.day} {here:%b %Y, %H:%M:%S}"


def count(number: int) -> str:
    """Write a number with thousands separators."""
    return f"{number:,}"


def _zone() -> ZoneInfo:
    return ZoneInfo(navigation.time_zone())
