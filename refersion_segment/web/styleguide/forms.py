"""A form with one field of each type, for the style guide."""

from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs know WTForms 3.2
    BooleanField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)


class SampleForm(FlaskForm):
    """Never saved."""

    name = StringField("Name")
    email = StringField("Email")
    password = PasswordField("Password")
    offer = SelectField(
        "Offer", choices=[SelectChoice("1", "Standard Affiliate Commission — 10 % of sale")]
    )
    commission_type = RadioField(
        "Commission type",
        choices=[
            SelectChoice("percent", "Percent of sale"),
            SelectChoice("order", "Flat rate per order"),
        ],
        default="percent",
    )
    terms = TextAreaField("Commission terms")
    auto_approve = BooleanField("Automatically approve affiliates")
    is_on = BooleanField("New Affiliate", default=True)
