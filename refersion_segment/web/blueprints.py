"""The list of all blueprints."""

from flask import Flask

from refersion_segment.web.dashboard.views import blueprint as dashboard
from refersion_segment.web.operations.views import blueprint as operations


def register(app: Flask) -> None:
    """Attach every blueprint."""
    for blueprint in (dashboard, operations):
        app.register_blueprint(blueprint)
