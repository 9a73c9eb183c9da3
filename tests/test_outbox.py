"""The outbox: each kind at most once per affiliate, and the job that sends it."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from uuid_utils.compat import uuid7

from refersion_segment import mails
from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.domain.commissions import CommissionType
from refersion_segment.domain.mail_kinds import MailKind
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, EmailSetting, Job, Merchant, Message, Offer
from refersion_segment.models.affiliate import Origin
from refersion_segment.models.message import MessageState

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def affiliate(app: Flask) -> Affiliate:
    merchant = Merchant(
        name="Shop", handle=uuid7().hex, erasure_key_sealed="sealed", created_at=NOW
    )
    db.session.add(merchant)
    db.session.flush()
    offer = Offer(
        merchant_id=merchant.id,
        name="Standard Affiliate Commission",
        commission_type=CommissionType.PERCENT_OF_SALE,
        commission_amount=1000,
        created_at=NOW,
    )
    db.session.add(offer)
    db.session.flush()
    affiliate = Affiliate(
        merchant_id=merchant.id,
        email="ada@example.com",
        email_key="ada@example.com",
        status=AffiliateStatus.PENDING,
        offer_id=offer.id,
        origin=Origin.SEGMENT,
        referral_code="ada",
        created_at=NOW,
        updated_at=NOW,
    )
    db.session.add(affiliate)
    db.session.commit()
    return affiliate


def test_a_message_is_queued_with_the_job_that_sends_it(affiliate: Affiliate) -> None:
    message = mails.queue(affiliate, MailKind.PENDING_AFFILIATE, now=NOW)

    assert (message.state, message.to) == (MessageState.QUEUED, "ada@example.com")
    assert message.header_id == f"<{message.id.hex}@refersion.example>"
    assert db.session.query(Job.subject_id).scalar() == message.id


def test_the_same_kind_is_queued_once_ever(affiliate: Affiliate) -> None:
    first = mails.queue(affiliate, MailKind.PENDING_AFFILIATE, now=NOW)

    second = mails.queue(affiliate, MailKind.PENDING_AFFILIATE, now=NOW)

    assert second is first
    assert db.session.query(Job).count() == 1


def test_a_kind_that_is_off_is_written_down_and_not_sent(affiliate: Affiliate) -> None:
    message = mails.queue(affiliate, MailKind.DENIED_AFFILIATE, now=NOW)

    assert (message.state, message.reason) == (
        MessageState.NOT_SENT,
        "Denied Affiliate was off.",
    )
    assert db.session.query(Job).count() == 0


def test_a_message_that_was_not_sent_is_queued_once_its_switch_is_on(
    affiliate: Affiliate,
) -> None:
    first = mails.queue(affiliate, MailKind.DENIED_AFFILIATE, now=NOW)
    header_id = first.header_id
    db.session.add(
        EmailSetting(merchant_id=affiliate.merchant_id, kind=MailKind.DENIED_AFFILIATE, is_on=True)
    )

    second = mails.queue(affiliate, MailKind.DENIED_AFFILIATE, now=NOW)

    assert (second.state, second.reason) == (MessageState.QUEUED, "")
    assert second.header_id == header_id
    assert db.session.query(Message).count() == db.session.query(Job).count() == 1
