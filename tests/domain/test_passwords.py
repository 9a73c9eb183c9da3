"""Which passwords can be chosen."""

import pytest

from refersion_segment.domain.passwords import find_password_problem, normalise_password

ABOUT = ("ada.marsh@shop.example", "Northwind Traders")


@pytest.mark.parametrize(
    "password",
    [
        "tangerine otter lamps",
        "correct horse battery staple",
        "9fK2xLq-7hPw3zRt",
        "482910573829104",
        "пароль для магазина чая",
        "Northwind sells tea from boats",
        "x" * 7 + "tangerine lamps" * 60,
    ],
)
def test_a_long_password_nobody_would_guess_is_fine(password):
    assert find_password_problem(password, about=ABOUT) is None


@pytest.mark.parametrize(
    ("password", "beginning"),
    [
        ("", "Use at least 15 characters."),
        ("tangerine otte", "Use at least 15 characters."),
        ("tangerine lamps" * 100, "Use at most 1,024 characters."),
        ("aaaaaaaaaaaaaaa", "This password repeats a short pattern."),
        ("passwordpassword", "This password repeats a short pattern."),
        ("Tea-Boat!tea-boat!te", "This password repeats a short pattern."),
        ("123456789012345", "This password is too easy to guess."),
        ("qwertyuiopasdfgh", "This password is too easy to guess."),
        ("poiuytrewqlkjhgf", "This password is too easy to guess."),
        ("1q2w3e4r5t6y7u8i9", "This password is too easy to guess."),
        ("Password12345678!", "This password is too easy to guess."),
        ("correcthorsebatterystaple", "This password is too easy to guess."),
        ("IloveyouForever!", "This password is too easy to guess."),
        ("refersion-refersion1", "This password is too easy to guess."),
        ("ada.marsh@shop.example", "This password is too easy to guess."),
        ("northwindtraders1", "This password is too easy to guess."),
        ("Welcome2Northwind", "This password is too easy to guess."),
    ],
)
def test_a_password_somebody_would_guess_is_refused(password, beginning):
    problem = find_password_problem(password, about=ABOUT)

    assert problem is not None
    assert problem.startswith(beginning)


def test_both_spellings_of_an_accent_are_one_password():
    assert normalise_password("cafe\u0301") == normalise_password("caf\u00e9")


def test_length_is_counted_in_characters_after_normalising():
    assert find_password_problem("e\u0301" * 14) is not None
