"""What is typed before a key is shown or rotated."""

from flask_wtf import FlaskForm
from wtforms import PasswordField


class PasswordAgainForm(FlaskForm):
    """The password of the person who is logged in: a browser left open must not be enough."""

    password = PasswordField("Password")
