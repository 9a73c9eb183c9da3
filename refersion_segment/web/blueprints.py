"""The list of all blueprints."""

from flask import Flask

from refersion_segment.web.accounts.views import blueprint as accounts
from refersion_segment.web.affiliates.views import blueprint as affiliates
from refersion_segment.web.dashboard.views import blueprint as dashboard
from refersion_segment.web.deliveries.views import blueprint as deliveries
from refersion_segment.web.offers.views import blueprint as offers
from refersion_segment.web.operations.views import blueprint as operations
from refersion_segment.web.referrals.views import blueprint as referrals
from refersion_segment.web.segment.views import blueprint as segment
from refersion_segment.web.segment_destination import rates
from refersion_segment.web.segment_destination.views import blueprint as segment_destination
from refersion_segment.web.segment_oauth.views import blueprint as segment_oauth

BLUEPRINTS = (
    affiliates,
    referrals,
    accounts,
    dashboard,
    deliveries,
    offers,
    operations,
    segment,
    segment_destination,
    segment_oauth,
)


def register(app: Flask) -> None:
    """Attach every blueprint."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    rates.register(app)
