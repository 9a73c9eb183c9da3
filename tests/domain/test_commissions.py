"""What an offer pays: typed, kept exactly, told in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refersion_segment.domain.commissions import (
    MAX_BASIS_POINTS,
    Commission,
    CommissionType,
    InvalidCommissionError,
    amount_text,
    describe,
    parse_commission,
)

PERCENT, PER_ORDER, PER_ITEM = CommissionType


@pytest.mark.parametrize(
    ("type_", "text", "amount"),
    [
        (PERCENT, "10", 1_000),
        (PERCENT, " 12.5 % ", 1_250),
        (PERCENT, "0.01", 1),
        (PERCENT, "12.500", 1_250),
        (PERCENT, "100", 10_000),
        (PER_ORDER, "5", 500),
        (PER_ORDER, "$5.00", 500),
        (PER_ORDER, "1,234.50", 123_450),
        (PER_ITEM, "0.29", 29),
        (PER_ITEM, "0", 0),
    ],
)
def test_an_amount_is_kept_as_whole_basis_points_or_cents(type_, text, amount):
    assert parse_commission(type_, text) == Commission(type_, amount, "USD")


@pytest.mark.parametrize(
    ("type_", "text", "sentence"),
    [
        (PERCENT, "", "Write the commission as a number, like 12.5."),
        (PERCENT, "ten", "Write the commission as a number, like 12.5."),
        (PERCENT, "-1", "Write the commission as a number, like 12.5."),
        (PERCENT, "1e3", "Write the commission as a number, like 12.5."),
        (PERCENT, "12,5", "Write the commission as a number, like 12.5."),
        (PERCENT, "\u0661\u0660", "Write the commission as a number, like 12.5."),
        (PERCENT, "9" * 5_000, "Write the commission as a number, like 12.5."),
        (PERCENT, "100.01", "The commission can be at most 100 %."),
        (PERCENT, "0.001", "The commission can have at most 2 decimals."),
        (PER_ORDER, "NaN", "Write the commission as a number, like 5.00."),
        (PER_ORDER, "5 %", "Write the commission as a number, like 5.00."),
        (PER_ORDER, "100000.01", "The commission can be at most 100,000 USD."),
        (PER_ITEM, "0.005", "The commission can have at most 2 decimals."),
    ],
)
def test_a_bad_amount_is_refused_with_its_mend(type_, text, sentence):
    with pytest.raises(InvalidCommissionError) as caught:
        parse_commission(type_, text)

    assert caught.value.sentence == sentence


def test_a_currency_without_cents_takes_no_decimals():
    with pytest.raises(InvalidCommissionError, match="no decimals"):
        parse_commission(PER_ORDER, "500.5", currency="JPY")


@pytest.mark.parametrize(
    ("commission", "words"),
    [
        (Commission(PERCENT, 1_000), "10 % of sale"),
        (Commission(PERCENT, 1_250), "12.5 % of sale"),
        (Commission(PERCENT, 10_000), "100 % of sale"),
        (Commission(PER_ORDER, 500, "USD"), "$5.00 per order"),
        (Commission(PER_ORDER, 123_450, "USD"), "$1,234.50 per order"),
        (Commission(PER_ITEM, 50, "EUR"), "€0.50 per item"),
        (Commission(PER_ITEM, 500, "JPY"), "¥500 per item"),
    ],
)
def test_a_commission_is_told_in_words(commission, words):
    assert describe(commission) == words


@given(
    st.sampled_from(CommissionType),
    st.integers(0, MAX_BASIS_POINTS),
    st.sampled_from(["USD", "JPY"]),
)
def test_what_a_form_shows_is_read_back_unchanged(type_, amount, currency):
    commission = Commission(type_, amount, currency)

    assert parse_commission(type_, amount_text(commission), currency=currency) == commission
