"""The text of one kind of mail."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from refersion_segment.domain.mail_kinds import MailKind, UnknownTagError, fill_tags
from refersion_segment.services.letters import LONGEST_SUBJECT, Texts
from refersion_segment.web.typed import storable

MAX_BODY_LENGTH = 10_000


class SwitchesForm(FlaskForm):
    """One switch per kind of mail; the fields are named as the kinds are."""

    new_affiliate = BooleanField(MailKind.NEW_AFFILIATE.label)
    pending_affiliate = BooleanField(MailKind.PENDING_AFFILIATE.label)
    denied_affiliate = BooleanField(MailKind.DENIED_AFFILIATE.label)


class TextsForm(FlaskForm):
    """Subject and body, with tags."""

    subject = StringField(
        "Subject",
        filters=[storable],
        validators=[
            InputRequired("Write a subject."),
            Length(max=LONGEST_SUBJECT, message="Use at most 200 characters."),
        ],
    )
    body = TextAreaField(
        "Text",
        filters=[storable],
        validators=[
            InputRequired("Write a text."),
            Length(max=MAX_BODY_LENGTH, message="Use at most 10,000 characters."),
        ],
    )

    def validate_subject(self, field: Field) -> None:
        _check_tags(field)

    def validate_body(self, field: Field) -> None:
        _check_tags(field)

    def texts(self) -> Texts:
        """Return what was typed."""
        return Texts(self.subject.data or "", self.body.data or "")


def _check_tags(field: Field) -> None:
    try:
        fill_tags(field.data or "", {})
    except UnknownTagError as error:
        raise ValidationError(error.sentence) from error
