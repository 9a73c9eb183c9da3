"""The form of an offer."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs know WTForms 3.2
    BooleanField,
    SelectChoice,
    SelectField,
    StringField,
    SubmitField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, ValidationError

from refersion_segment.domain.commissions import (
    Commission,
    CommissionType,
    InvalidCommissionError,
    amount_text,
    parse_commission,
)
from refersion_segment.domain.texts import one_line
from refersion_segment.models import Offer
from refersion_segment.services.offers import OfferTerms, commission_of
from refersion_segment.web.typed import storable

MAX_NAME_LENGTH = 120
MAX_TERMS_LENGTH = 5_000
CHOOSE = "Choose one of these."


def _on_one_line(text: str | None) -> str:
    return one_line(text or "")


class OfferForm(FlaskForm):
    """The terms of one offer; a fresh one does not approve automatically."""

    name = StringField(
        "Name",
        filters=[_on_one_line],
        validators=[
            DataRequired("Give the offer a name. Affiliates see it."),
            Length(max=MAX_NAME_LENGTH, message="Keep the name within %(max)d characters."),
        ],
    )
    commission_type = SelectField(  # type: ignore[call-arg]  # the stubs know WTForms 3.2
        "Commission type",
        choices=[SelectChoice(kind.value, kind.label) for kind in CommissionType],
        coerce=CommissionType,
        invalid_value_message=CHOOSE,
        invalid_choice_message=CHOOSE,
    )
    commission = StringField(
        "Commission",
        filters=[_on_one_line],
        validators=[DataRequired("Write the commission as a number, like 10.")],
    )
    terms = TextAreaField(
        "Commission terms",
        filters=[storable],
        validators=[
            Length(max=MAX_TERMS_LENGTH, message="Keep the terms within %(max)d characters.")
        ],
    )
    auto_approve = BooleanField("Automatically approve affiliates")
    save = SubmitField("Save Changes")

    def __init__(self, currency: str, offer: Offer | None = None, **more: Any) -> None:
        super().__init__(data=None if offer is None else _as_typed(offer, currency), **more)
        self.currency = currency

    def validate_commission(self, field: StringField) -> None:
        """Read the amount as the chosen type has it."""
        if not isinstance(self.commission_type.data, CommissionType):
            return
        try:
            self._read_commission()
        except InvalidCommissionError as error:
            raise ValidationError(error.sentence) from error

    def offer_terms(self) -> OfferTerms:
        """Return what was typed. Only for a form that is valid."""
        return OfferTerms(
            name=self.name.data or "",
            commission=self._read_commission(),
            terms=self.terms.data or "",
            auto_approve=bool(self.auto_approve.data),
        )

    def _read_commission(self) -> Commission:
        return parse_commission(
            self.commission_type.data, self.commission.data or "", currency=self.currency
        )


def _as_typed(offer: Offer, currency: str) -> dict[str, object]:
    return {
        "name": offer.name,
        "commission_type": offer.commission_type,
        "commission": amount_text(commission_of(offer, currency)),
        "terms": offer.terms,
        "auto_approve": offer.auto_approve,
    }
