"""What a person on the merchant's team may do: each role includes the ones below it."""

from enum import StrEnum


class Role(StrEnum):
    """A user's role within one merchant, weakest first (PRODUCT, "Roles")."""

    VIEWER = "viewer"
    MANAGER = "manager"
    OWNER = "owner"

    @property
    def label(self) -> str:
        return self.value.capitalize()

    def includes(self, required: "Role") -> bool:
        """Tell whether this role may do everything that `required` may do."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(required)
