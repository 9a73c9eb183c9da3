"""A form with one field of each type, for the style guide."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, RadioField, SelectField, StringField, TextAreaField


class SampleForm(FlaskForm):
    """Never saved."""

    name = StringField("Name")
    email = StringField("Email")
    password = PasswordField("Password")
    offer = SelectField("Offer", choices=[("1", "Standard Affiliate Commission — 10 % of sale")])
    commission_type = RadioField(
        "Commission type",
        choices=[("percent", "Percent of sale"), ("order", "Flat rate per order")],
        default="percent",
    )
    terms = TextAreaField("Commission terms")
    auto_approve = BooleanField("Automatically approve affiliates")
    is_on = BooleanField("New Affiliate", default=True)
