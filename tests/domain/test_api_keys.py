"""API keys and the Basic header that carries them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refersion_segment.domain.api_keys import (
    MAX_HEADER_LENGTH,
    new_api_key,
    parse_basic_auth,
    split_api_key,
)


def basic(credentials: bytes, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(credentials).decode()}"


def test_a_new_key_splits_into_its_own_parts():
    key = new_api_key()

    assert split_api_key(key.text) == key
    assert key.text.count(".") == 1


def test_no_two_new_keys_share_a_part():
    keys = [new_api_key() for _ in range(100)]

    assert len({key.public for key in keys}) == len({key.secret for key in keys}) == 100


def test_the_secret_is_not_shown_by_accident():
    key = new_api_key()

    assert key.secret not in f"{key!r} {key}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "pub_0123456789",
        "pub_0123456789.",
        f"pub_0123456789.sec_{'a' * 39}",
        f"pub_0123456789.sec_{'a' * 41}",
        f"pub_0123456789.sec_{'a' * 40}\n",
        f"pub_0123456789.sec_{'A' * 40}",
        f"pub_0123456789.sec_{'a' * 40}.more",
        f" pub_0123456789.sec_{'a' * 40}",
        f"pub_\u0660123456789.sec_{'a' * 40}",
        "pub_" + "0" * 1_000_000,
    ],
)
def test_a_text_of_another_form_is_no_key(text):
    assert split_api_key(text) is None


@pytest.mark.parametrize(
    ("header", "user_name"),
    [
        ("Basic cHViXzdmM2M5MS5zZWNfYjJkMDRlOg==", "pub_7f3c91.sec_b2d04e"),
        (basic(b"key:"), "key"),
        (basic(b"key:password:with:colons"), "key"),
        (basic(b"key:\xff\xfe"), "key"),
        (basic(b"key:", scheme="bAsIc"), "key"),
        (basic(b"key:").replace(" ", "   "), "key"),
        (basic(b":"), ""),
    ],
)
def test_the_user_name_is_read_and_the_password_ignored(header, user_name):
    assert parse_basic_auth(header) == user_name


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic pub_7f3c91.sec_b2d04e",
        "Bearer a2V5Og==",
        "a2V5Og==",
        basic(b"key"),
        basic(b"\xff\xfe:"),
        "Basic a2V5Og",
        "Basic a2V5\nOg==",
        "Basic a2V5Og==, Basic a2V5Og==",
        "Basic \u212a2V5Og==",
        basic(b"a" * MAX_HEADER_LENGTH + b":"),
    ],
)
def test_anything_else_names_nobody(header):
    assert parse_basic_auth(header) is None


@given(st.text() | st.binary().map(basic))
def test_no_header_is_a_reason_to_fail(header):
    assert parse_basic_auth(header) is None or isinstance(parse_basic_auth(header), str)
