"""What a call changes, decided from who is known and who was erased."""

from datetime import timedelta
from uuid import UUID

import pytest

from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.domain.decisions import (
    CreateAffiliate,
    KeepAffiliate,
    KnownAffiliate,
    Refuse,
    SkipErased,
    choose_for_delete,
    decide_identify,
)

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))
ADA = KnownAffiliate(
    ONE, AffiliateStatus.APPROVED, "Ada@shop.example", "ada@shop.example", frozenset({"city"})
)
BOB = KnownAffiliate(
    TWO, AffiliateStatus.DENIED, "bob@shop.example", "bob@shop.example", frozenset()
)


def decide(message, **facts):
    nobody = {"by_user_id": None, "by_address": None, "erased_until": None, "auto_approve": False}
    return decide_identify(message, **(nobody | facts))


@pytest.fixture
def ada(identify):
    return identify(
        {"email": "ada@shop.example", "name": "Ada Marsh", "address": {"city": "Oslo"}},
        userId="cust-1",
        receivedAt="2026-03-04T09:00:00Z",
    )


@pytest.mark.parametrize(
    ("auto_approve", "status"),
    [(True, AffiliateStatus.APPROVED), (False, AffiliateStatus.PENDING)],
)
def test_a_new_person_is_created_in_the_status_of_the_offer(ada, auto_approve, status):
    decision = decide(ada, auto_approve=auto_approve)

    assert decision == CreateAffiliate(ada.details, ada.address, status, ())


def test_what_was_left_out_is_said_when_creating(identify):
    message = identify({"email": "a@b.co", "name": "Ada", "address": {"country": "Narnia"}})

    assert decide(message).remarks == (
        'Country "Narnia" was left out: it is not a country we know.',
    )


def test_a_known_person_keeps_everything_and_blanks_are_filled(ada):
    decision = decide(ada, by_user_id=ADA, by_address=ADA, auto_approve=True)

    assert decision == KeepAffiliate(ONE, AffiliateStatus.APPROVED, {"city": "Oslo"}, ())
    assert decision.reason == "Already an affiliate (approved). Filled in: city."


def test_a_denied_person_stays_denied(ada):
    decision = decide(ada, by_address=BOB, auto_approve=True)

    assert isinstance(decision, KeepAffiliate)
    assert decision.status is AffiliateStatus.DENIED


def test_a_person_known_by_user_id_needs_neither_address_nor_name(identify):
    decision = decide(identify({}, userId="cust-1"), by_user_id=ADA)

    assert decision.affiliate_id == ONE
    assert decision.reason == "Already an affiliate (approved)."


def test_a_bad_address_of_a_known_person_is_only_told(identify):
    decision = decide(identify({"email": "peter@"}, userId="cust-1"), by_user_id=ADA)

    assert decision.reason == ('Already an affiliate (approved). "peter@" is not an email address.')


def test_a_person_known_by_address_needs_no_name(identify):
    decision = decide(identify({"email": "ADA@SHOP.EXAMPLE"}), by_address=ADA)

    assert decision == KeepAffiliate(ONE, AffiliateStatus.APPROVED, {}, ())


def test_another_address_of_a_known_person_is_told_and_not_taken(identify):
    message = identify({"email": "ada@new.example"}, userId="cust-1")

    decision = decide(message, by_user_id=ADA)

    assert decision.remarks == (
        "Segment now says ada@new.example; the address Ada@shop.example stays.",
    )


def test_the_user_id_of_one_with_the_address_of_another_means_the_first(identify):
    message = identify({"email": "Bob@shop.example"}, userId="cust-1")

    decision = decide(message, by_user_id=ADA, by_address=BOB)

    assert decision.affiliate_id == ONE
    assert decision.remarks == (
        "Segment now says Bob@shop.example; the address Ada@shop.example stays.",
        "bob@shop.example is another affiliate, who was left untouched.",
    )


@pytest.mark.parametrize(
    ("seconds", "is_erased"), [(-1, False), (0, True), (1, True), (86_400, True)]
)
def test_only_a_call_newer_than_the_erasure_counts(ada, seconds, is_erased):
    erased_until = ada.event_at + timedelta(seconds=seconds)

    decision = decide(ada, erased_until=erased_until)

    assert isinstance(decision, SkipErased) is is_erased


def test_an_erasure_comes_before_everything_else(identify):
    message = identify({}, userId="cust-1")

    assert isinstance(decide(message, by_user_id=ADA, erased_until=message.event_at), SkipErased)


@pytest.mark.parametrize(
    ("traits", "reason"),
    [
        ({}, "Missing email address. Send it as traits.email."),
        ({"name": "Peter"}, "Missing email address. Send it as traits.email."),
        ({"email": "peter@"}, '"peter@" is not an email address.'),
        (
            {"email": "peter@shop.example"},
            "Missing name: send name, or firstName and lastName.",
        ),
    ],
)
def test_a_new_person_without_address_or_name_is_refused_address_first(identify, traits, reason):
    assert decide(identify(traits)) == Refuse(reason)


@pytest.mark.parametrize(
    ("by_user_id", "by_address", "by_anonymous_id", "chosen"),
    [
        (ONE, TWO, [THREE], ONE),
        (None, TWO, [THREE], TWO),
        (None, None, [THREE], THREE),
        (None, None, [THREE, THREE], THREE),
        (None, None, [ONE, TWO], None),
        (None, None, [], None),
    ],
)
def test_a_delete_erases_its_first_match(by_user_id, by_address, by_anonymous_id, chosen):
    assert choose_for_delete(by_user_id, by_address, by_anonymous_id) == chosen
