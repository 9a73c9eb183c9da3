"""The list of all blueprints."""

from flask import Flask

from refersion_segment.web.dashboard.views import blueprint as dashboard
from refersion_segment.web.offers.views import blueprint as offers
from refersion_segment.web.operations.views import blueprint as operations


def register(app: Flask) -> None:
    """Attach every blueprint."""
    for blueprint in (dashboard, offers, operations):
        app.register_blueprint(blueprint)
