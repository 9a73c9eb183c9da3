"""Referral links: what an affiliate shares, and where it leads."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from flask import current_app
from sqlalchemy import select

from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, Merchant
from refersion_segment.models.scope import rows_of


def referral_link(merchant: Merchant, affiliate: Affiliate) -> str:
    """Return the absolute link that an affiliate shares."""
    base: str = current_app.config["BASE_URL"].rstrip("/")
    return f"{base}/r/{quote(merchant.handle, safe='')}/{affiliate.referral_code}"


def find_referral(handle: str, code: str) -> tuple[Merchant, Affiliate] | None:
    """Return whom a link belongs to, in whatever letter case the code was typed.

    A look-up before the merchant is known: the handle tells which one.
    """
    merchant = db.session.scalar(select(Merchant).where(Merchant.handle == _storable(handle)))
    if merchant is None:
        return None
    query = rows_of(merchant.id, Affiliate).where(
        Affiliate.referral_code == _storable(code).lower()
    )
    affiliate = db.session.scalar(query)
    return None if affiliate is None else (merchant, affiliate)


def target_of(merchant: Merchant, affiliate: Affiliate) -> str | None:
    """Return the merchant's shop with the referral in its query; None if no shop is known.

    Somebody who was denied refers nobody: the link then only leads to the shop.
    """
    parts = urlsplit(merchant.website)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return None
    if affiliate.status is AffiliateStatus.DENIED:
        return merchant.website
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("rfsn", affiliate.referral_code)]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _storable(text: str) -> str:
    """Drop NUL, which PostgreSQL refuses to compare with."""
    return text.replace("\x00", "")
