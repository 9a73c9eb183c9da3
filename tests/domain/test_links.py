"""How long the links of an e-mail work."""

from datetime import timedelta

import pytest

from refersion_segment.domain.links import LinkPurpose


@pytest.mark.parametrize(
    ("purpose", "max_age"),
    [
        (LinkPurpose.WELCOME, timedelta(days=365)),
        (LinkPurpose.PASSWORD_RESET, timedelta(hours=1)),
        (LinkPurpose.INVITATION, timedelta(days=7)),
    ],
)
def test_each_link_works_for_its_own_time(purpose, max_age):
    assert purpose.max_age == max_age
    assert purpose.max_age_seconds == max_age.total_seconds()
