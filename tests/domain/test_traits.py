"""Traits in any casing and of any type become the details of an affiliate."""

import pytest

from refersion_segment.domain.readings import Reading
from refersion_segment.domain.traits import AffiliateDetails


@pytest.mark.parametrize(
    "traits",
    [
        {"firstName": "Ada", "lastName": "Marsh"},
        {"first_name": "Ada", "last_name": "Marsh"},
        {"First Name": "Ada", "LAST-NAME": "Marsh"},
        {"firstname": " Ada\n", "lastname": "\tMarsh "},
        {"name": "Ada Marsh"},
        {"NAME": "  Ada \u00a0 Marsh  "},
        {"name": "Ada Lovelace", "lastName": "Marsh"},
        {"name": "Augusta Marsh", "first_name": "Ada"},
        {"name": "Somebody Else", "firstName": "Ada", "lastName": "Marsh"},
        {"name": "Ada Marsh", "firstName": None, "lastName": ""},
        {"name": "Ada Marsh", "firstName": ["Eve"], "lastName": True},
        {"firstName": "Ada", "first_name": "Eve", "lastName": "Marsh"},
        {"first_name": "Eve", "last_name": "Marsh", "firstName": "Ada"},
        {"first_name": "Ada", "FIRST_NAME": "Eve", "last_name": "Marsh"},
        {"firstName": " ", "first_name": "Ada", "lastName": {}, "LastName": "Marsh"},
    ],
)
def test_names_are_read_in_any_casing_and_an_explicit_one_wins(identify, traits):
    details = identify(traits).details

    assert (details.first_name, details.last_name) == ("Ada", "Marsh")


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Ada", "Ada", ""),
        ("Ada Augusta Marsh", "Ada", "Augusta Marsh"),
        ("Ada\u3000Marsh", "Ada", "Marsh"),
        ("Ada\r\nMarsh", "Ada", "Marsh"),
        ("Ada\u2028Bcc: x", "Ada", "Bcc: x"),
        (12, "12", ""),
        (12.5, "12.5", ""),
        (True, "", ""),
        (["Ada", "Marsh"], "", ""),
        ({"first": "Ada"}, "", ""),
    ],
)
def test_a_name_is_split_at_its_first_blank(identify, name, first, last):
    details = identify({"name": name}).details

    assert (details.first_name, details.last_name) == (first, last)


def test_a_last_name_alone_is_a_name(identify):
    assert identify({"lastName": "Marsh"}).name_problem is None


@pytest.mark.parametrize("traits", [{}, {"name": " "}, {"firstName": 0 < 1}, {"fullName": "Ada"}])
def test_no_name_is_told_with_its_mend(identify, traits):
    problem = identify(traits).name_problem

    assert problem == "Missing name: send name, or firstName and lastName."


@pytest.mark.parametrize(
    "address",
    [
        {
            "street": "12 Quay Rd",
            "city": "Oslo",
            "state": "03",
            "postalCode": "0150",
            "country": "NO",
        },
        {"Street": "12 Quay Rd", "CITY": "Oslo", "state": 3, "postal_code": 150, "country": "nor"},
        {"street": "12 Quay\r\nRd", "city": " Oslo ", "State": "3", "Postal Code": 150.0}
        | {"country": "Norway"},
    ],
)
def test_a_postal_address_is_read_in_any_casing(identify, address):
    details = identify({"address": address}).details

    assert (details.street, details.city) == ("12 Quay Rd", "Oslo")
    assert details.state.lstrip("0") == "3"
    assert details.postal_code.lstrip("0") == "150"
    assert details.country == "NO"


def test_an_address_that_is_text_is_the_street(identify):
    details = identify({"address": " 12 Quay Rd "}).details

    assert details == AffiliateDetails(street="12 Quay Rd")


@pytest.mark.parametrize("address", [None, "", " ", [], {}, ["12 Quay Rd"], 12, True, {"zip": "1"}])
def test_an_address_of_another_shape_is_absent(identify, address):
    assert identify({"address": address}).details == AffiliateDetails()


@pytest.mark.parametrize(
    "traits",
    [
        {"city": "Oslo", "postalCode": "0150", "country": "NO"},
        {"address": {"address": {"city": "Oslo"}}},
        {"address": {"city": ["Oslo"], "country": {"code": "NO"}, "state": False}},
    ],
)
def test_an_address_is_read_from_its_own_place_only(identify, traits):
    message = identify(traits, context={"traits": {"address": {"city": "Oslo"}}})

    assert message.details == AffiliateDetails()


@pytest.mark.parametrize("country", ["Narnia", "XX", "EU", "840", 840])
def test_an_unknown_country_is_left_out_and_that_is_said(identify, country):
    message = identify({"name": "Ada", "address": {"country": country, "city": "Oslo"}})

    assert message.details == AffiliateDetails(first_name="Ada", city="Oslo")
    assert message.remarks == (f'Country "{country}" was left out: it is not a country we know.',)


def test_a_field_that_is_too_long_is_cut_and_that_is_said(identify):
    message = identify({"name": "A" * 256 + " " + "B" * 255, "address": {"city": "C" * 1000}})

    assert message.details == AffiliateDetails("A" * 255, "B" * 255, city="C" * 255)
    assert message.remarks == (
        "First name was cut at 255 characters.",
        "City was cut at 255 characters.",
    )


def test_every_reading_tells_what_was_sent_and_what_it_became(identify):
    message = identify(
        {
            "name": "Ada Marsh",
            "last_name": "Marsh\u2029",
            "plan": "gold",
            "Email": "Ada@Shop.Example",
            "address": {"Postal_Code": 97201, "country": "USA", "floor": 3},
            "logins": 12,
        }
    )

    assert message.readings == (
        Reading("traits.Email", "Ada@Shop.Example", "E-mail"),
        Reading("traits.last_name", "Marsh", "Last name"),
        Reading("traits.name", "Ada Marsh", "First name", "split at its first blank"),
        Reading("traits.address.Postal_Code", "97201", "Postal code"),
        Reading("traits.address.country", "USA", "US", "read from three letters"),
    )
    assert message.ignored == ("traits.plan", "traits.logins", "traits.address.floor")


def test_only_what_was_read_is_kept(identify):
    message = identify(
        {
            "name": "Ada Marsh",
            "email": "ada@shop.example",
            "ssn": "078-05-1120",
            "address": {"country": "Narnia", "gate": "secret"},
        },
        context={"ip": "203.0.113.9"},
    )

    assert message.kept == {
        "traits.name": "Ada Marsh",
        "traits.email": "ada@shop.example",
        "traits.address.country": "Narnia",
    }


def test_a_name_that_was_not_needed_is_not_kept(identify):
    message = identify({"name": "Eve", "firstName": "Ada", "lastName": "Marsh"})

    assert "traits.name" not in message.kept
    assert message.ignored == ("traits.name",)


def test_the_names_of_ignored_traits_are_bounded(identify):
    message = identify({f"trait {number}\n" + "x" * 1000: number for number in range(1000)})

    assert len(message.ignored) == 21
    assert message.ignored[-1] == "and more"
    assert max(len(path) for path in message.ignored) <= 70
    assert not any("\n" in path for path in message.ignored)


def test_known_and_blank_fields_are_told_apart():
    details = AffiliateDetails(first_name="Ada", country="NO")

    assert details.known == {"first_name": "Ada", "country": "NO"}
    assert details.blanks == {"last_name", "street", "city", "state", "postal_code"}
