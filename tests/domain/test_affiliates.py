"""The moves between the statuses of an affiliate."""

from itertools import product

import pytest

from refersion_segment.domain.affiliates import (
    AffiliateStatus,
    IllegalMoveError,
    can_move,
    move,
    starting_status,
)

PENDING, APPROVED, DENIED = AffiliateStatus


def test_only_the_listed_moves_are_allowed():
    allowed = {pair for pair in product(AffiliateStatus, repeat=2) if can_move(*pair)}

    assert allowed == {
        (PENDING, APPROVED),
        (PENDING, DENIED),
        (DENIED, APPROVED),
        (APPROVED, DENIED),
    }


def test_an_allowed_move_changes_something():
    assert move(PENDING, APPROVED) is True


@pytest.mark.parametrize("status", AffiliateStatus)
def test_a_repeat_of_where_it_is_changes_nothing(status):
    assert move(status, status) is False


def test_nobody_becomes_pending_again():
    with pytest.raises(IllegalMoveError, match="approved cannot become pending"):
        move(APPROVED, PENDING)


@pytest.mark.parametrize(("auto_approve", "status"), [(True, APPROVED), (False, PENDING)])
def test_the_offer_decides_where_an_affiliate_starts(auto_approve, status):
    assert starting_status(auto_approve=auto_approve) is status
