"""The forms about one affiliate."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, StringField, TextAreaField
from wtforms.validators import Length, ValidationError

from refersion_segment.domain.affiliates import search_key
from refersion_segment.web.typed import storable

MAX_REASON_LENGTH = 1_000


class DenyForm(FlaskForm):
    """Why somebody is denied; private unless ticked."""

    reason = TextAreaField(
        "Reason",
        filters=[storable],
        validators=[Length(max=MAX_REASON_LENGTH, message="Use at most 1,000 characters.")],
    )
    is_shared = BooleanField("Include the reason in the e-mail")


class EraseForm(FlaskForm):
    """Asks for the address once more: an erasure cannot be undone."""

    address = StringField("E-mail address", filters=[storable])

    def __init__(self, email: str, **more: Any) -> None:
        super().__init__(prefix="erase", **more)
        self._email = email

    def validate_address(self, field: Field) -> None:
        if search_key(field.data or "") != search_key(self._email):
            raise ValidationError(f"Type {self._email} to erase this person.")
