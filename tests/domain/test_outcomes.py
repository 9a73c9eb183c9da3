"""The outcomes of a call and how the log shows them."""

import pytest

from refersion_segment.domain.outcomes import DeliveryFilter, Outcome


@pytest.mark.parametrize(
    ("outcome", "label"),
    [
        (Outcome.CREATED, "Created"),
        (Outcome.ALREADY_AFFILIATE, "Already here"),
        (Outcome.ERASED, "Erased"),
        (Outcome.NOTHING_TO_DELETE, "Nothing to delete"),
        (Outcome.NEEDS_FIXING, "Needs fixing"),
        (Outcome.IGNORED, "Ignored"),
    ],
)
def test_an_outcome_is_told_in_the_merchants_words(outcome, label):
    assert outcome.label == label


def test_every_outcome_is_found_by_exactly_one_filter():
    filters = [choice for choice in DeliveryFilter if choice is not DeliveryFilter.TEST]

    shown = [outcome for choice in filters for outcome in choice.outcomes]

    assert sorted(shown) == sorted(Outcome)


def test_the_test_filter_hides_no_outcome():
    assert DeliveryFilter.TEST.outcomes == frozenset(Outcome)


def test_only_an_accepted_call_uses_up_its_message_id():
    refused = {outcome for outcome in Outcome if not outcome.is_accepted}

    assert refused == {Outcome.NEEDS_FIXING, Outcome.REFUSED, Outcome.IGNORED}
