"""The three e-mails and their dynamic tags."""

from html import escape

import pytest

from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.domain.mail_kinds import (
    TAGS,
    MailKind,
    UnknownTagError,
    fill_tags,
    find_unknown_tags,
    kind_for_status,
)


@pytest.mark.parametrize(
    ("kind", "label", "is_on"),
    [
        (MailKind.NEW_AFFILIATE, "New Affiliate", True),
        (MailKind.PENDING_AFFILIATE, "Pending Affiliate", True),
        (MailKind.DENIED_AFFILIATE, "Denied Affiliate", False),
    ],
)
def test_each_kind_has_its_label_and_its_default(kind, label, is_on):
    assert (kind.label, kind.is_on_by_default) == (label, is_on)


def test_each_status_has_its_own_mail():
    kinds = [kind_for_status(status) for status in AffiliateStatus]

    assert kinds == [
        MailKind.PENDING_AFFILIATE,
        MailKind.NEW_AFFILIATE,
        MailKind.DENIED_AFFILIATE,
    ]


def test_every_tag_is_known_however_it_is_spaced():
    text = " ".join(f"{{{{{tag}}}}} {{{{  {tag} }}}}" for tag in TAGS)

    assert find_unknown_tags(text) == ()


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("Dear {{ nickname }} and {{nickname}}", ("nickname",)),
        ("{{ First_Name }}", ("First_Name",)),
        ("{{ email | upper }} {{ }}", ("email | upper", "")),
        ("{{ merchant.secret }}", ("merchant.secret",)),
        ("Dear {{ first_name }, hello", ("{{ first_name }, hello",)),
        ("{% for x in y %} { email }", ()),
    ],
)
def test_an_unknown_or_broken_tag_is_named(text, unknown):
    assert find_unknown_tags(text) == unknown


def test_tags_become_values_and_values_are_not_read_again():
    filled = fill_tags(
        "Dear {{first_name}}, {{ offer }}{{ reason }}",
        {"first_name": "{{ email }}", "offer": r"\1", "email": "ada@shop.example"},
    )

    assert filled == r"Dear {{ email }}, \1"


def test_values_are_escaped_and_the_text_is_not():
    filled = fill_tags("<b>{{ first_name }}</b>", {"first_name": "<i>&"}, escape)

    assert filled == "<b>&lt;i&gt;&amp;</b>"


def test_an_unknown_tag_is_never_sent():
    with pytest.raises(UnknownTagError) as caught:
        fill_tags("{{ nickname }}", {})

    assert caught.value.tags == ("nickname",)
    assert caught.value.sentence.startswith('There is no tag "nickname".')


@pytest.mark.timeout(5)
@pytest.mark.parametrize("piece", ["{", "{{", "{{ ", "}}{{", "{{a"])
def test_a_hostile_text_is_read_in_one_pass(piece):
    find_unknown_tags(piece * (200_000 // len(piece)))
