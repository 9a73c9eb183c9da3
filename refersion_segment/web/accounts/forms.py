"""What is typed to log in and to sign up. The rules are the services'."""

from collections.abc import Mapping

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField


class LoginForm(FlaskForm):
    """Address and password."""

    email = StringField("Email")
    password = PasswordField("Password")


class SignupForm(FlaskForm):
    """A shop and its owner."""

    name = StringField("Shop name")
    owner_name = StringField("Your name")
    email = StringField("Email")
    password = PasswordField("Password")

    def refuse(self, problems: Mapping[str, str]) -> None:
        """Put each sentence at its field."""
        for name, sentence in problems.items():
            self[name].errors = [sentence]
