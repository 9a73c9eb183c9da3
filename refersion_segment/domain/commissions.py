"""What an offer pays: read from what a merchant types, and told in words.

Nothing here is a float: a percentage is whole basis points (1,050 is 10.5 %), money is whole
cents, that is the smallest unit of its currency.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from babel.numbers import format_currency, get_currency_precision

MAX_BASIS_POINTS = 100_00
MAX_FLAT_UNITS = 100_000
"""The highest flat rate, in whole units of the currency (dollars, not cents)."""

_AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")


class CommissionType(StrEnum):
    """What a commission is counted by."""

    PERCENT_OF_SALE = "percent_of_sale"
    FLAT_PER_ORDER = "flat_per_order"
    FLAT_PER_ITEM = "flat_per_item"

    @property
    def label(self) -> str:
        """What the offer form calls this type (PRODUCT, "Offer")."""
        return _LABELS[self]


_LABELS = {
    CommissionType.PERCENT_OF_SALE: "Percent of sale",
    CommissionType.FLAT_PER_ORDER: "Flat rate per order",
    CommissionType.FLAT_PER_ITEM: "Flat rate per item",
}


@dataclass(frozen=True, slots=True)
class Commission:
    """An offer's terms; `amount` is in basis points for a percentage, else in cents."""

    type: CommissionType
    amount: int
    currency: str = "USD"


class InvalidCommissionError(ValueError):
    """What was typed is no commission; `sentence` is for the field."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def parse_commission(type_: CommissionType, text: str, *, currency: str = "USD") -> Commission:
    """Read the amount that a merchant typed, such as `12.5`, `12.5 %` or `$5.00`.

    :raise InvalidCommissionError: if it is no amount, too fine or out of bounds
    """
    if type_ is CommissionType.PERCENT_OF_SALE:
        percent = _parse_amount(text.strip().removesuffix("%"), example="12.5")
        return Commission(type_, _in_units_of(percent, places=2, limit=100, name="%"), currency)
    flat = _parse_amount(text.strip().removeprefix("$"), example="5.00")
    places = get_currency_precision(currency)
    cents = _in_units_of(flat, places=places, limit=MAX_FLAT_UNITS, name=currency)
    return Commission(type_, cents, currency)


def describe(commission: Commission) -> str:
    """Tell a commission in words: `10 % of sale`, `$5.00 per order`, `€0.50 per item`."""
    match commission.type:
        case CommissionType.PERCENT_OF_SALE:
            return f"{amount_text(commission)} % of sale"
        case CommissionType.FLAT_PER_ORDER:
            return f"{_money(commission)} per order"
        case CommissionType.FLAT_PER_ITEM:
            return f"{_money(commission)} per item"


def amount_text(commission: Commission) -> str:
    """Write the amount alone as a form field shows it: `10`, `12.5`, `5.00`."""
    if commission.type is CommissionType.PERCENT_OF_SALE:
        percent = Decimal(commission.amount).scaleb(-2)
        return f"{percent:f}".rstrip("0").rstrip(".")
    return f"{_units(commission):f}"


def _parse_amount(text: str, *, example: str) -> Decimal:
    amount = text.strip().replace(",", "") if _has_thousands(text) else text.strip()
    if not _AMOUNT.fullmatch(amount):
        raise InvalidCommissionError(f"Write the commission as a number, like {example}.")
    return Decimal(amount)


def _has_thousands(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", text.strip()) is not None


def _in_units_of(amount: Decimal, *, places: int, limit: int, name: str) -> int:
    """Turn an amount into whole units of its last decimal place."""
    if amount > limit:
        raise InvalidCommissionError(f"The commission can be at most {limit:,} {name}.")
    scaled = amount.scaleb(places)
    if scaled != int(scaled):
        raise InvalidCommissionError(f"The commission can have {_decimals(places)}.")
    return int(scaled)


def _decimals(places: int) -> str:
    return f"at most {places} decimals" if places else "no decimals"


def _units(commission: Commission) -> Decimal:
    return Decimal(commission.amount).scaleb(-get_currency_precision(commission.currency))


def _money(commission: Commission) -> str:
    return format_currency(_units(commission), commission.currency, locale="en_US")
