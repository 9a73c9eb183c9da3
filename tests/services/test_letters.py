"""What the mails say: the reviewed texts, and what a merchant's own text may and may not do."""

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask

from refersion_segment.domain.mail_kinds import TAGS, MailKind, UnknownTagError
from refersion_segment.services import letters
from refersion_segment.services.letters import Texts

ROOT = Path(__file__).resolve().parents[2]
REVIEWED = ROOT / "tests" / "mail"
VALUES = {
    "first_name": "Ada",
    "last_name": "Marsh",
    "email": "ada@example.com",
    "offer": "Standard Affiliate Commission",
    "commission": "10 % of sale",
    "terms": "Paid on the 5th of each month.\nNo coupon sites, please.",
    "referral_link": "https://refersion.example/r/oak-ash/ab23cd45",
    "welcome_link": "https://refersion.example/welcome/TOKEN",
    "merchant": "Oak & Ash",
    "reason": "We work with people who sell outdoor gear.",
}
BLANK = {**VALUES, "first_name": "", "terms": "", "reason": ""}


def written(kind: MailKind, values: dict[str, str]) -> str:
    """Return a mail of ours as it is reviewed: subject, text part, and the words of the HTML."""
    mail = letters.render(kind, letters.default_texts(kind), values)
    return f"Subject: {mail.subject}\n\n{mail.text}\n== HTML ==\n{mail.html}"


@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize(("name", "values"), [("full", VALUES), ("blank", BLANK)])
def test_our_mails_say_what_was_reviewed(
    app: Flask, kind: MailKind, name: str, values: dict[str, str]
) -> None:
    """After a change that is meant: `UPDATE_MAILS=1 pytest tests/services/test_letters.py`."""
    reviewed = REVIEWED / f"{kind}-{name}.txt"
    if os.environ.get("UPDATE_MAILS"):
        reviewed.write_text(written(kind, values))

    assert written(kind, values) == reviewed.read_text()


@pytest.mark.parametrize("kind", MailKind)
def test_nobody_from_segment_is_told_of_an_application(app: Flask, kind: MailKind) -> None:
    mail = written(kind, VALUES).lower()

    assert "appli" not in mail
    assert "affiliate account for you" in mail


def test_every_colour_of_a_mail_is_one_of_the_product() -> None:
    mail = (ROOT / "refersion_segment/templates/mail/_base.html").read_text()
    tokens = (ROOT / "static/css/tokens.css").read_text()

    colours = set(re.findall(r"#[0-9a-f]{6}\b", mail))

    assert colours
    assert {colour for colour in colours if colour not in tokens} == set()


def test_every_value_is_escaped_in_html_and_plain_in_text(app: Flask) -> None:
    body = "\n\n".join(f"{tag}: {{{{ {tag} }}}} and {{{{ {tag} }}}}" for tag in TAGS)
    hostile = {tag: f"<img src=x onerror=alert('{tag}')>" for tag in TAGS}

    mail = letters.render(MailKind.NEW_AFFILIATE, Texts("Hello", body), hostile)

    assert elements_of(mail.html).isdisjoint({"img", "script"})
    assert mail.text.count("<img src=x") == 2 * len(TAGS) + 2  # and twice below the text


def test_a_merchants_markup_is_text(app: Flask) -> None:
    mail = letters.render(
        MailKind.NEW_AFFILIATE, Texts("<b>", "<script>x</script>\n\n<a href=//e>y</a>"), VALUES
    )

    assert "script" not in elements_of(mail.html)
    assert "&lt;script&gt;" in mail.html


@pytest.mark.parametrize(
    "code", ["{{ 7*7 }}", "{{ config }}", "{{ ''.__class__ }}", "{{ first_name | upper }}", "{{"]
)
def test_no_code_of_a_merchant_runs(app: Flask, code: str) -> None:
    with pytest.raises(UnknownTagError):
        letters.render(MailKind.NEW_AFFILIATE, Texts("Hello", code), VALUES)


@pytest.mark.parametrize("code", ["{% for x in y %}", "{# gone #}", "{0}", "%(email)s", "${email}"])
def test_other_languages_are_text(app: Flask, code: str) -> None:
    mail = letters.render(MailKind.NEW_AFFILIATE, Texts("Hello", code), VALUES)

    assert code in mail.text


def test_a_tag_inside_a_value_is_not_filled(app: Flask) -> None:
    values = {**VALUES, "first_name": "{{ email }}"}

    mail = letters.render(MailKind.NEW_AFFILIATE, Texts("{{ first_name }}", "Hi"), values)

    assert mail.subject == "{{ email }}"


def test_a_link_alone_becomes_a_button_or_a_box(app: Flask) -> None:
    body = "{{ welcome_link }}\n\n{{referral_link}}\n\nOffer: {{ offer }}\n\nOr {{ referral_link }}"

    mail = letters.render(MailKind.NEW_AFFILIATE, Texts("Hello", body), VALUES)

    assert [block.kind for block in mail.blocks] == ["button", "link", "facts", "text"]
    assert f'<a href="{VALUES["referral_link"]}">' in mail.blocks[3].html


def elements_of(html: str) -> set[str]:
    found: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            found.add(tag)

    Reader().feed(html)
    return found
