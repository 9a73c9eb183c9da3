"""Which e-mail addresses are taken, and when two are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refersion_segment.domain.email_addresses import (
    EmailAddress,
    InvalidEmailError,
    looks_like_email,
    parse_email,
)


@pytest.mark.parametrize(
    "address",
    [
        "test@example.org",
        "ada@shop.example",
        "x@example.test",
        "ada@mail.internal.local",
        "a@b.co",
        "o'brien+tag@shop.co.uk",
        "!#$%&'*+/=?^_`{|}~-@shop.example",
        "first.last@sub-domain.shop.example",
        "ada@xn--bcher-kva.example",
        "ada@ab--cd.example",
        "ada@3com.example",
        "ada@1.2.3.example",
        f"{'a' * 64}@shop.example",
        f"ada@{'b' * 63}.example",
        f"ada@{'.'.join(['b' * 61] * 4)}.co",
    ],
)
def test_an_address_by_the_standard_is_taken(address):
    assert parse_email(address) == EmailAddress(address, address)


@pytest.mark.parametrize(
    "address",
    [
        "peter@",
        "@shop.example",
        "peter",
        "peter@shop",
        "peter@localhost",
        "peter@shop.",
        "peter@shop.example.",
        "peter@.example",
        "peter@shop..example",
        "peter@-shop.example",
        "peter@shop-.example",
        "peter@sho_p.example",
        "peter@1.2.3.4",
        "peter@[1.2.3.4]",
        "peter@[IPv6:::1]",
        ".peter@shop.example",
        "peter.@shop.example",
        "pe..ter@shop.example",
        "pe ter@shop.example",
        "peter@@shop.example",
        "peter@shop@shop.example",
        '"peter"@shop.example',
        "Peter <peter@shop.example>",
        "<peter@shop.example>",
        "peter(hi)@shop.example",
        "mailto:peter@shop.example",
        "peter@shop.example,ada@shop.example",
        "peter@shop.example\nBcc: x@shop.example",
        "péter@shop.example",
        "peter@bücher.example",
        "peter@shop\uff0eexample",
        "peter@shop.example\u200b",
        f"{'a' * 65}@shop.example",
        f"ada@{'b' * 64}.example",
        f"ada@{'.'.join(['b' * 61] * 4)}.com",
    ],
)
def test_anything_else_is_not(address):
    with pytest.raises(InvalidEmailError, match="is not an email address"):
        parse_email(address)


@pytest.mark.parametrize("value", [None, "", "  ", "\t\n", []])
def test_nothing_is_no_address_and_no_fault(value):
    assert parse_email(value) is None


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("peter@", '"peter@" is not an email address.'),
        (12, '"12" is not an email address.'),
        (True, '"true" is not an email address.'),
        ({"value": "a@b.co"}, "An object or a list is not an email address. Send it as text."),
        (["a@b.co"], "An object or a list is not an email address. Send it as text."),
        ({}, "An object or a list is not an email address. Send it as text."),
        ("a\r\nb", '"a b" is not an email address.'),
        ("x" * 100, f'"{"x" * 59}…" is not an email address.'),
    ],
)
def test_the_merchant_reads_what_was_wrong(value, sentence):
    with pytest.raises(InvalidEmailError) as caught:
        parse_email(value)

    assert caught.value.sentence == sentence


def test_an_address_is_trimmed_kept_as_sent_and_compared_without_case():
    address = parse_email("  Ada.Marsh@Shop.Example\n")

    assert address == EmailAddress(sent="Ada.Marsh@Shop.Example", key="ada.marsh@shop.example")
    assert address.domain == "shop.example"


@pytest.mark.parametrize(
    ("text", "looks_like_one"),
    [("ada@shop.example", True), ("cust-1042", False), ("peter@", False), (None, False)],
)
def test_a_user_id_may_look_like_an_address(text, looks_like_one):
    assert looks_like_email(text) is looks_like_one


@pytest.mark.timeout(5)
@pytest.mark.parametrize("piece", ["a", "a.", ".", "@", "a@", "a@a.", "-", " "])
def test_a_long_text_is_refused_at_once(piece):
    assert not looks_like_email(piece * 500_000)


@given(st.emails(domains=st.sampled_from(["shop.example", "mail.example.org"])))
def test_a_plain_address_of_any_mailbox_is_taken(address):
    local = address.rpartition("@")[0]

    assert looks_like_email(address) is (len(local) <= 64 and not local.startswith('"'))
