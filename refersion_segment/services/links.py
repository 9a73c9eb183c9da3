"""The link in a mail that leads an affiliate to the page about them."""

from uuid import UUID

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from refersion_segment.domain.links import LinkPurpose
from refersion_segment.models import Affiliate


def welcome_link(affiliate: Affiliate) -> str:
    """Return the link to the affiliate's own page; it names nobody to those who cannot open it."""
    payload = f"{affiliate.merchant_id.hex}{affiliate.id.hex}"
    token = _signer(LinkPurpose.WELCOME).dumps(payload)
    return f"{current_app.config['BASE_URL']}/welcome/{token}"


def read_welcome_token(token: str) -> tuple[UUID, UUID] | None:
    """Return the ids of merchant and affiliate; None if the token is not ours or too old."""
    if not token.isascii():
        return None  # base64 would pass over what is not of its alphabet
    try:
        payload: str = _signer(LinkPurpose.WELCOME).loads(
            token, max_age=LinkPurpose.WELCOME.max_age_seconds
        )
    except BadSignature:
        return None
    return UUID(payload[:32]), UUID(payload[32:])


def _signer(purpose: LinkPurpose) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=purpose)
