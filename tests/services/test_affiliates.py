"""Creating, completing, approving and denying affiliates."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask

from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.domain.email_addresses import EmailAddress
from refersion_segment.domain.mail_kinds import MailKind
from refersion_segment.domain.traits import AffiliateDetails
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, AuditEntry, Job, Merchant, Message, Offer
from refersion_segment.models.affiliate import Origin
from refersion_segment.models.message import MessageState
from refersion_segment.models.scope import rows_of
from refersion_segment.services import affiliates
from refersion_segment.services.actors import COMMAND, SEGMENT, Actor

NOW = datetime(2026, 11, 22, 14, 3, tzinfo=UTC)
MAYA = Actor(name="Maya Chen")


@pytest.fixture
def merchant(app: Flask) -> Merchant:
    merchant = Merchant(name="Northwind", handle="northwind", erasure_key_sealed="", created_at=NOW)
    db.session.add(merchant)
    db.session.flush()
    db.session.add(
        Offer(
            merchant_id=merchant.id,
            name="Standard",
            commission_type="percent_of_sale",
            commission_amount=1000,
            is_default=True,
            created_at=NOW,
        )
    )
    db.session.commit()
    return merchant


def create(merchant: Merchant, email: str = "ada@example.com", **more: object) -> Affiliate | None:
    values = {
        "merchant_id": merchant.id,
        "details": AffiliateDetails(first_name="Ada", last_name="Marsh"),
        "address": EmailAddress(sent=email, key=email.casefold()),
        "offer": db.session.scalars(rows_of(merchant.id, Offer)).one(),
        "origin": Origin.SEGMENT,
        "now": NOW,
        "actor": SEGMENT,
        **more,
    }
    affiliate = affiliates.create(**values)
    db.session.commit()
    return affiliate


def messages_of(merchant: Merchant) -> list[tuple[MailKind, MessageState]]:
    rows = db.session.scalars(rows_of(merchant.id, Message).order_by(Message.id)).all()
    return [(row.kind, row.state) for row in rows]


def number_of(merchant: Merchant, model: type) -> int:
    return len(db.session.scalars(rows_of(merchant.id, model)).all())


def test_a_new_affiliate_waits_and_is_told(merchant: Merchant) -> None:
    affiliate = create(merchant, "Ada.Marsh@Example.com")

    assert affiliate is not None
    assert (affiliate.status, affiliate.email) == (AffiliateStatus.PENDING, "Ada.Marsh@Example.com")
    assert len(affiliate.referral_code) == 8
    assert messages_of(merchant) == [(MailKind.PENDING_AFFILIATE, MessageState.QUEUED)]
    assert number_of(merchant, Job) == 1


def test_an_offer_that_approves_by_itself_makes_approved_affiliates(merchant: Merchant) -> None:
    db.session.scalars(rows_of(merchant.id, Offer)).one().auto_approve = True

    affiliate = create(merchant)

    assert affiliate is not None
    assert (affiliate.status, affiliate.decided_at) == (AffiliateStatus.APPROVED, NOW)
    assert messages_of(merchant) == [(MailKind.NEW_AFFILIATE, MessageState.QUEUED)]


def test_a_taken_address_in_any_letter_case_leaves_nothing_behind(merchant: Merchant) -> None:
    create(merchant, "ada@example.com")

    again = create(merchant, "ADA@example.com")

    assert again is None
    assert [number_of(merchant, model) for model in (Affiliate, Message, Job)] == [1, 1, 1]


def test_a_taken_referral_code_is_drawn_again(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = iter(["aaaaaaaa", "aaaaaaaa", "bbbbbbbb"])
    monkeypatch.setattr(affiliates, "new_referral_code", lambda: next(codes))

    create(merchant, "ada@example.com")
    second = create(merchant, "bo@example.com")

    assert second is not None
    assert second.referral_code == "bbbbbbbb"


def test_only_people_who_did_not_come_from_segment_leave_an_audit_entry(
    merchant: Merchant,
) -> None:
    create(merchant, "ada@example.com")
    create(merchant, "bo@example.com", origin=Origin.IMPORT, actor=MAYA)

    entries = db.session.scalars(rows_of(merchant.id, AuditEntry)).all()

    assert [(entry.action, entry.actor_name) for entry in entries] == [
        ("affiliate.created", "Maya Chen")
    ]


def test_blanks_are_filled_and_nothing_is_overwritten(merchant: Merchant) -> None:
    affiliate = create(merchant, details=AffiliateDetails(first_name="Ada"))
    later = NOW + timedelta(hours=1)

    filled = affiliates.fill_blanks(
        affiliate, {"first_name": "Eve", "last_name": "Marsh", "city": "", "country": "US"}, later
    )
    db.session.commit()

    assert filled == ("last_name", "country")
    assert (affiliate.name, affiliate.country) == ("Ada Marsh", "US")
    assert (affiliate.name_key, affiliate.last_name_key) == ("ada marsh", "marsh")
    assert affiliate.updated_at == later


def test_filling_anything_but_a_detail_is_refused(merchant: Merchant) -> None:
    affiliate = create(merchant)

    with pytest.raises(ValueError, match="email"):
        affiliates.fill_blanks(affiliate, {"email": "eve@example.com"}, NOW)


def test_approving_mails_once_whatever_happens_in_between(merchant: Merchant) -> None:
    affiliate = create(merchant)
    place = (MAYA, merchant.id, affiliate.id)

    sentences = [
        affiliates.approve(*place, NOW).sentence,
        affiliates.approve(*place, NOW).sentence,
        affiliates.deny(*place, now=NOW).sentence,
        affiliates.approve(*place, NOW + timedelta(minutes=1)).sentence,
    ]
    db.session.commit()

    assert sentences == [
        "Approved. New Affiliate email queued.",
        "Already approved. Nothing was changed.",
        "Denied. No email: Denied Affiliate is off.",
        "Approved. No email: New Affiliate is sent only once.",
    ]
    assert messages_of(merchant) == [
        (MailKind.PENDING_AFFILIATE, MessageState.QUEUED),
        (MailKind.NEW_AFFILIATE, MessageState.QUEUED),
        (MailKind.DENIED_AFFILIATE, MessageState.NOT_SENT),
    ]
    actions = db.session.scalars(rows_of(merchant.id, AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in actions] == [
        "affiliate.approved",
        "affiliate.denied",
        "affiliate.approved",
    ]


def test_an_affiliate_of_somebody_else_is_unknown(merchant: Merchant) -> None:
    affiliate = create(merchant)

    assert affiliates.approve(COMMAND, uuid4(), affiliate.id, NOW) is None
    assert affiliates.deny(COMMAND, merchant.id, uuid4(), now=NOW) is None


def test_people_who_approve_at_the_same_moment_make_one_change(
    app: Flask, merchant: Merchant
) -> None:
    affiliate = create(merchant)
    merchant_id, affiliate_id = merchant.id, affiliate.id
    db.session.remove()

    def approve(number: int) -> bool:
        with app.app_context():
            decision = affiliates.approve(
                Actor(name=f"Person {number}"), merchant_id, affiliate_id, NOW
            )
            db.session.commit()
            return decision.has_moved

    with ThreadPoolExecutor(8) as threads:
        moved = list(threads.map(approve, range(16)))

    assert sum(moved) == 1
    assert number_of_kind(merchant_id, MailKind.NEW_AFFILIATE) == 1
    assert len(db.session.scalars(rows_of(merchant_id, AuditEntry)).all()) == 1


def number_of_kind(merchant_id: UUID, kind: MailKind) -> int:
    query = rows_of(merchant_id, Message).where(Message.kind == kind)
    return len(db.session.scalars(query).all())
