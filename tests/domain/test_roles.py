"""The three roles, and who may do what the others may."""

import pytest

from refersion_segment.domain.roles import Role


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.VIEWER, {Role.VIEWER}),
        (Role.MANAGER, {Role.VIEWER, Role.MANAGER}),
        (Role.OWNER, {Role.VIEWER, Role.MANAGER, Role.OWNER}),
    ],
)
def test_a_role_includes_itself_and_those_below(role, allowed):
    assert {required for required in Role if role.includes(required)} == allowed
