"""`flask demo`: a merchant to try the product with, in local runs only."""

import click
from flask import current_app
from flask.cli import with_appcontext

from refersion_segment.clock import utc_now
from refersion_segment.domain.commissions import Commission, CommissionType
from refersion_segment.extensions import db
from refersion_segment.services import accounts, offers
from refersion_segment.services.accounts import AddressTakenError
from refersion_segment.services.actors import COMMAND
from refersion_segment.services.offers import OfferTerms

EMAIL = "maya@northwind.example"
PASSWORD = "paper boats in june"  # noqa: S105 (printed on purpose: it opens nothing but the demo)


@click.command("demo")
@with_appcontext
def demo() -> None:
    """Make the demo merchant, unless it is there, and print how to log in."""
    if current_app.config["APP_ENV"] != "local":
        raise click.ClickException("The demo merchant is for local runs: set APP_ENV=local.")
    try:
        made = accounts.create_merchant(
            name="Northwind",
            owner_name="Maya Chen",
            email=EMAIL,
            password=PASSWORD,
            now=utc_now(),
            by=COMMAND,
        )
    except AddressTakenError:
        db.session.rollback()
    else:
        terms = OfferTerms(
            name="VIP creators",
            commission=Commission(CommissionType.PERCENT_OF_SALE, 15_00),
            auto_approve=True,
        )
        offers.add(COMMAND, made.merchant.id, terms, utc_now())
        db.session.commit()
    _print_welcome(str(current_app.config["BASE_URL"]))


def _print_welcome(home: str) -> None:
    click.echo(f"""
  Refersion for Segment   {home}
  Log in as               {EMAIL}
  Password                {PASSWORD}
  Segment sandbox         {home}/sandbox/
  Inbox (mails caught)    {home}/sandbox/inbox

  Then: Account › Segment › Enable Segment Integration.
""")
