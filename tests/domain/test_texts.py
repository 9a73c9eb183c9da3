"""Text from outside is shown on one line, cut and quoted."""

import pytest

from refersion_segment.domain.texts import cut, one_line, quoted


@pytest.mark.parametrize(
    "control", ["\r\n", "\t", "\x00", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066"]
)
def test_control_characters_become_one_blank(control):
    assert one_line(f"Ada{control}Marsh{control}") == "Ada Marsh"


def test_letters_that_need_a_joiner_keep_it():
    assert one_line("\u0645\u06cc\u200c\u062e") == "\u0645\u06cc\u200c\u062e"


def test_a_long_text_ends_in_an_ellipsis():
    assert (cut("abcd", 4), cut("abcde", 4)) == ("abcd", "abc…")


def test_a_quote_is_one_short_line():
    assert quoted("Nar\nnia" + "x" * 10, 9) == '"Nar niax…"'
