"""An API key: what Segment sends as the Basic user name."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from refersion_segment.models.base import Base, OfMerchant


class ApiKey(OfMerchant, Base):
    """`PUBLIC.SECRET`: found by its public part, compared by the digest of its secret part."""

    __tablename__ = "api_keys"

    # Unique over all merchants: the key is what tells whose call it is.
    public: Mapped[str] = mapped_column(unique=True)
    secret_digest: Mapped[str]
    # The secret itself, sealed, because **Show** must be able to show it again.
    secret_sealed: Mapped[str]
    created_at: Mapped[datetime]
    # A rotated key works on until then; null: no end.
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    @property
    def is_current(self) -> bool:
        """Whether this is the key in use: neither rotated nor revoked."""
        return self.expires_at is None and self.revoked_at is None

    def is_usable(self, now: datetime) -> bool:
        """Whether calls with this key are taken at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
