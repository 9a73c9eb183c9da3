"""Channels › Email: the switches and the texts."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from refersion_segment import mails
from refersion_segment.domain.mail_kinds import MailKind
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import AuditEntry, EmailSetting
from refersion_segment.services import letters
from tests.factories import MadeMerchant, make_merchant, make_user, sign_in
from tests.pages import submit, text_of
from tests.smtp_server import Postbox, free_port, serving

PAGE = "/channels/email"
TEXT = f"{PAGE}/new_affiliate"


@pytest.fixture
def merchant(client: FlaskClient) -> MadeMerchant:
    made = make_merchant()
    sign_in(client, made.owner)
    return made


def test_the_defaults_are_on_on_off(client: FlaskClient, merchant: MadeMerchant) -> None:
    is_on = {kind: mails.is_switched_on(merchant.merchant.id, kind) for kind in MailKind}

    page = text_of(client.get(PAGE))

    assert list(is_on.values()) == [True, True, False]
    for label in ("New Affiliate", "Pending Affiliate", "Denied Affiliate"):
        assert label in page


def test_a_switch_is_kept_and_written_down(client: FlaskClient, merchant: MadeMerchant) -> None:
    submit(client, PAGE, new_affiliate="y")
    submit(client, PAGE, new_affiliate="y")

    assert not mails.is_switched_on(merchant.merchant.id, MailKind.PENDING_AFFILIATE)
    actions = db.session.scalars(select(AuditEntry.action)).all()
    assert actions.count("channel.turned_off") == 1
    assert "Pending Affiliate is off." in text_of(client.get("/channels/email/pending_affiliate"))


def test_an_own_text_is_used_and_can_be_taken_back(
    client: FlaskClient, merchant: MadeMerchant
) -> None:
    submit(client, TEXT, subject="Hi {{ first_name }}", body="See {{welcome_link}}")
    own = letters.texts_of(merchant.merchant.id, MailKind.NEW_AFFILIATE)
    submit(client, TEXT, to=f"{TEXT}/reset")
    ours = letters.texts_of(merchant.merchant.id, MailKind.NEW_AFFILIATE)

    assert (own.subject, own.body) == ("Hi {{ first_name }}", "See {{welcome_link}}")
    assert ours == letters.default_texts(MailKind.NEW_AFFILIATE)


@pytest.mark.parametrize(
    "text", ["{{ password }}", "{{ first_name", "{{ 7*7 }}", "{{ merchant.id }}"]
)
def test_an_unknown_tag_is_named_and_nothing_is_lost(
    client: FlaskClient, merchant: MadeMerchant, text: str
) -> None:
    response = submit(client, TEXT, subject="Hello", body=f"Dear friend, {text}")

    assert response.status_code == 422
    assert "There is no tag" in response.text
    assert "Dear friend" in response.text
    assert db.session.scalars(select(EmailSetting)).all() == []


def test_a_preview_shows_a_sample_person_and_saves_nothing(
    client: FlaskClient, merchant: MadeMerchant
) -> None:
    response = submit(
        client, TEXT, subject="Hi {{ first_name }}", body="<b>{{ merchant }}</b>", move="preview"
    )

    assert "Hi Ada" in response.text
    assert "&lt;b&gt;Northwind&lt;/b&gt;" in response.text
    assert db.session.scalars(select(EmailSetting)).all() == []


def test_a_viewer_reads_only(client: FlaskClient) -> None:
    made = make_merchant()
    sign_in(client, make_user(made.merchant, Role.VIEWER))

    assert "Save Changes" not in client.get(PAGE).text
    assert submit(client, PAGE).status_code == 403


@pytest.mark.parametrize("kind", ["nonsense", "NEW_AFFILIATE", "%00"])
def test_an_unknown_kind_is_no_page(client: FlaskClient, merchant: MadeMerchant, kind: str) -> None:
    assert client.get(f"{PAGE}/{kind}").status_code == 404


def test_a_test_mail_that_fails_says_why_and_keeps_the_text(
    client: FlaskClient, merchant: MadeMerchant
) -> None:
    response = submit(client, TEXT, subject="Hi", body="Hello there", move="test")

    assert "Hello there" in response.text
    assert "The test e-mail was not sent. The mail server cannot be reached." in text_of(response)


def test_a_test_mail_goes_to_whoever_asked_for_it(
    client: FlaskClient, app: Flask, merchant: MadeMerchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, postbox = free_port(), Postbox()
    monkeypatch.setattr(app.extensions["mail"], "port", port)

    with serving(postbox, port):
        response = submit(client, TEXT, subject="Hi {{ first_name }}", body="Yes", move="test")

    assert f"Test e-mail sent to {merchant.owner.email}." in text_of(response)
    assert [mail["Subject"] for mail in postbox.taken] == ["Test: Hi Ada"]
    assert postbox.recipients == [[merchant.owner.email]]


def test_the_script_gets_the_preview_alone(client: FlaskClient, merchant: MadeMerchant) -> None:
    fine = submit(client, TEXT, to=f"{TEXT}/preview", subject="Hi {{ first_name }}", body="Yes")
    half_written = submit(client, TEXT, to=f"{TEXT}/preview", subject="Hi {{ fir", body="Yes")

    assert fine.text.startswith('<p class="letter__subject">Hi Ada</p>')
    assert half_written.status_code == 422
    assert db.session.scalars(select(EmailSetting)).all() == []


def test_our_text_saved_as_it_is_stays_ours(client: FlaskClient, merchant: MadeMerchant) -> None:
    ours = letters.default_texts(MailKind.NEW_AFFILIATE)

    submit(client, TEXT, subject=ours.subject, body=ours.body.replace("\n", "\r\n"))

    setting = db.session.scalars(select(EmailSetting)).one()
    assert (setting.subject, setting.body) == (None, None)
    assert "Reset the text" not in client.get(TEXT).text
