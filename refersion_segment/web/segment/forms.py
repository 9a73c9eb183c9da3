"""The form of the card "Segment Integration Settings"."""

from collections.abc import Sequence
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import SelectChoice, SelectField, SubmitField  # type: ignore[attr-defined]

from refersion_segment.domain.commissions import describe
from refersion_segment.models import Offer
from refersion_segment.services.offers import commission_of

CHOOSE = "Choose one of your offers that is not archived."


class OfferChoiceForm(FlaskForm):
    """Which offer new people from Segment join; archived ones cannot be chosen."""

    offer = SelectField(  # type: ignore[call-arg]  # the stubs know WTForms 3.2
        "Offer", invalid_value_message=CHOOSE, invalid_choice_message=CHOOSE
    )
    save = SubmitField("Save Changes")

    def __init__(self, offers: Sequence[Offer], current: Offer, currency: str) -> None:
        super().__init__(data={"offer": str(current.id)})
        self.offer.choices = [
            SelectChoice(
                str(offer.id), f"{offer.name} — {describe(commission_of(offer, currency))}"
            )
            for offer in offers
            if offer.archived_at is None
        ]

    def offer_id(self) -> UUID:
        """Return what was chosen. Only for a form that is valid."""
        return UUID(self.offer.data)
