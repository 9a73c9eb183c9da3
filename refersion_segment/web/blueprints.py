"""The list of all blueprints."""

from flask import Flask

from refersion_segment.web.accounts.views import blueprint as accounts
from refersion_segment.web.activity.views import blueprint as activity
from refersion_segment.web.affiliates.views import blueprint as affiliates
from refersion_segment.web.api_keys.views import blueprint as api_keys
from refersion_segment.web.channels.views import blueprint as channels
from refersion_segment.web.dashboard.views import blueprint as dashboard
from refersion_segment.web.deliveries.views import blueprint as deliveries
from refersion_segment.web.offers.views import blueprint as offers
from refersion_segment.web.operations.views import blueprint as operations
from refersion_segment.web.referrals.views import blueprint as referrals
from refersion_segment.web.segment.views import blueprint as segment
from refersion_segment.web.segment_destination import rates
from refersion_segment.web.segment_destination.views import blueprint as segment_destination
from refersion_segment.web.segment_oauth.views import blueprint as segment_oauth
from refersion_segment.web.settings.views import blueprint as settings
from refersion_segment.web.styleguide.views import blueprint as styleguide
from refersion_segment.web.welcome.views import blueprint as welcome

BLUEPRINTS = (
    accounts,
    activity,
    affiliates,
    api_keys,
    channels,
    dashboard,
    deliveries,
    offers,
    operations,
    referrals,
    segment,
    segment_destination,
    segment_oauth,
    settings,
    welcome,
)


def register(app: Flask) -> None:
    """Attach every blueprint."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if app.config["APP_ENV"] == "local":
        app.register_blueprint(styleguide)
    rates.register(app)
