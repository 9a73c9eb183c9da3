"""Sending what is in the outbox, to real SMTP servers, polite ones and others."""

import ssl
import time
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from threading import Event

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from flask import Flask

from refersion_segment import mails
from refersion_segment.clock import utc_now
from refersion_segment.domain.mail_kinds import MailKind
from refersion_segment.extensions import db
from refersion_segment.jobs import GIVE_UP_AFTER
from refersion_segment.models import Affiliate, EmailSetting, Job, Message
from refersion_segment.models.message import MessageState
from refersion_segment.worker import Worker
from tests.factories import make_affiliate, make_merchant
from tests.smtp_server import (
    Postbox,
    dribble,
    drop_after_data,
    free_port,
    rude_server,
    serving,
    silent,
)


@pytest.fixture
def port(app: Flask, monkeypatch: pytest.MonkeyPatch) -> int:
    """A free port that the application takes for its mail server."""
    number = free_port()
    monkeypatch.setattr(app.extensions["mail"], "port", number)
    return number


@pytest.fixture(scope="module")
def own_certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A certificate that nobody has signed but its owner."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = utc_now()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "both.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


@pytest.fixture
def affiliate(app: Flask) -> Affiliate:
    return make_affiliate(make_merchant("Oak & Ash"))


@pytest.fixture
def work(app: Flask) -> Callable[[], None]:
    """Let a worker do what is due, once."""

    def run() -> None:
        db.session.commit()
        Worker(app, Event()).run(once=True)
        db.session.rollback()

    return run


def make_due() -> None:
    """Let the waiting time of all jobs pass."""
    db.session.query(Job).update({Job.due_at: utc_now() - timedelta(seconds=1)})
    db.session.commit()


def the_message() -> Message:
    db.session.rollback()
    return db.session.query(Message).one()


def test_a_queued_message_is_sent_and_its_job_is_done(
    affiliate: Affiliate, port: int, work: Callable[[], None]
) -> None:
    with serving(Postbox(), port) as postbox:
        work()

    [mail] = postbox.taken
    message = the_message()
    assert (message.state, message.attempts) == (MessageState.SENT, 1)
    assert message.sent_at is not None
    assert mail["Message-ID"] == message.header_id
    assert mail["To"] == "ada@example.com"
    assert str(mail["From"]) == "Oak & Ash <no-reply@refersion.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] == "Oak & Ash has set up an affiliate account for you"
    assert postbox.senders == ["no-reply@refersion.example"]
    assert db.session.query(Job).count() == 0


def test_a_mail_has_a_part_in_plain_text_and_one_in_html(
    affiliate: Affiliate, port: int, work: Callable[[], None]
) -> None:
    with serving(Postbox(), port) as postbox:
        work()

    text, html = parts_of(postbox.taken[0])
    assert "Oak & Ash has set up an affiliate account for you." in text
    assert "Oak &amp; Ash has set up an affiliate account for you." in html
    assert "http://localhost/welcome/" in text
    assert 'href="http://localhost/welcome/' in html


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_asks_to_try_again_gets_the_same_mail_again(
    affiliate: Affiliate, port: int, work: Callable[[], None], verb: str
) -> None:
    with serving(Postbox(**{verb: ["451 Greylisted"]}), port) as postbox:
        work()
        waiting = the_message()
        assert (waiting.state, waiting.attempts) == (MessageState.QUEUED, 1)
        assert waiting.reason == "The mail server answered 451: Greylisted"
        make_due()
        work()

    message = the_message()
    assert (message.state, message.attempts, message.reason) == (MessageState.SENT, 2, "")
    assert [mail["Message-ID"] for mail in postbox.taken] == [message.header_id]


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_refusal_for_good_is_final_and_says_why(
    affiliate: Affiliate, port: int, work: Callable[[], None], verb: str
) -> None:
    with serving(Postbox(**{verb: ["550 No such user here"]}), port) as postbox:
        work()
        make_due()
        work()

    message = the_message()
    assert (message.state, message.attempts) == (MessageState.FAILED, 1)
    assert message.reason == "The mail server answered 550: No such user here"
    assert postbox.taken == []
    assert db.session.query(Job).count() == 0


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_is_closing_does_not_count_as_a_try(
    affiliate: Affiliate, port: int, work: Callable[[], None], verb: str
) -> None:
    with serving(Postbox(**{verb: ["421 Closing"]}), port):
        work()
        waiting = the_message()
        assert (waiting.state, waiting.attempts) == (MessageState.QUEUED, 0)
        make_due()
        work()

    assert the_message().state is MessageState.SENT


def test_a_server_that_drops_the_line_after_the_text_gets_the_same_message_id(
    affiliate: Affiliate, port: int, work: Callable[[], None]
) -> None:
    with rude_server(port, drop_after_data):
        work()
    waiting = the_message()
    assert (waiting.state, waiting.attempts) == (MessageState.QUEUED, 1)
    assert "did not say whether it took the mail" in waiting.reason

    make_due()
    with serving(Postbox(), port) as postbox:
        work()

    assert [mail["Message-ID"] for mail in postbox.taken] == [the_message().header_id]


@pytest.mark.parametrize("talk", [silent, dribble])
def test_a_server_that_never_finishes_its_greeting_is_left(
    affiliate: Affiliate,
    port: int,
    work: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    talk: Callable[..., None],
) -> None:
    monkeypatch.setattr(mails.deliver, "__kwdefaults__", {"deadline_seconds": 0.5})
    began = time.monotonic()

    with rude_server(port, talk):
        work()

    assert time.monotonic() - began < 3
    assert the_message().state is MessageState.QUEUED


def test_a_dead_server_is_tried_once_and_not_once_per_message(
    app: Flask, port: int, work: Callable[[], None]
) -> None:
    made = make_merchant()
    for number in range(20):
        make_affiliate(made, f"person{number}@example.com")

    with rude_server(port, lambda connection: connection.close()) as connections:
        work()

    assert len(connections) == 1
    states = {message.state for message in db.session.query(Message)}
    assert states == {MessageState.QUEUED}
    assert sum(message.attempts for message in db.session.query(Message)) == 0


def test_no_mail_goes_in_clear_to_a_server_without_encryption(
    app: Flask,
    affiliate: Affiliate,
    port: int,
    work: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app.extensions["mail"], "use_tls", True)

    with serving(Postbox(), port) as postbox:
        work()

    assert postbox.tries == []
    assert the_message().state is MessageState.QUEUED
    assert "does not offer the encryption" in db.session.query(Job).one().problem


def test_no_mail_goes_to_a_server_with_a_certificate_of_its_own_making(
    app: Flask,
    affiliate: Affiliate,
    port: int,
    work: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    own_certificate: ssl.SSLContext,
) -> None:
    monkeypatch.setattr(app.extensions["mail"], "use_tls", True)

    with serving(Postbox(), port, tls_context=own_certificate) as postbox:
        work()

    assert postbox.tries == []
    assert the_message().state is MessageState.QUEUED
    assert db.session.query(Job).one().problem == "The mail server's certificate is not valid."


def test_a_refused_login_pauses_the_queue_and_fails_no_message(
    app: Flask,
    affiliate: Affiliate,
    port: int,
    work: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app.extensions["mail"], "username", "refersion")
    monkeypatch.setattr(app.extensions["mail"], "password", "wrong")

    with serving(Postbox(), port, auth_require_tls=False, authenticator=refuse) as postbox:
        work()

    assert postbox.tries == []
    assert the_message().state is MessageState.QUEUED
    assert db.session.query(Job).one().problem == "The mail server refused our login."


def test_a_switch_that_was_turned_off_meanwhile_stops_the_mail(
    affiliate: Affiliate, port: int, work: Callable[[], None]
) -> None:
    db.session.add(
        EmailSetting(
            merchant_id=affiliate.merchant_id, kind=MailKind.PENDING_AFFILIATE, is_on=False
        )
    )

    with serving(Postbox(), port) as postbox:
        work()

    message = the_message()
    assert message.state is MessageState.NOT_SENT
    assert message.reason == "Pending Affiliate was turned off before this was sent."
    assert postbox.tries == []


def test_a_message_whose_job_was_removed_is_never_sent(
    affiliate: Affiliate, port: int, work: Callable[[], None]
) -> None:
    db.session.query(Job).delete()

    with serving(Postbox(), port) as postbox:
        work()

    assert postbox.tries == []


def test_a_server_that_is_away_for_days_fails_the_message_in_the_end(
    affiliate: Affiliate, port: int, work: Callable[[], None]
) -> None:
    db.session.query(Job).update({Job.created_at: utc_now() - GIVE_UP_AFTER})

    work()

    message = the_message()
    assert message.state is MessageState.FAILED
    assert message.reason == "Tried for three days. The mail server cannot be reached."


@pytest.mark.parametrize(
    "name",
    [
        "Smith, Sons & Co",
        'Tom "The Nose" <boss@bank.example>',
        "Evil\r\nBcc: everybody@example.com",
        "Bücher und Blätter für alle, die gerne lange Ladennamen lesen und schreiben möchten",
    ],
)
def test_a_merchants_name_cannot_touch_another_header(
    app: Flask, port: int, work: Callable[[], None], name: str
) -> None:
    make_affiliate(make_merchant(name))

    with serving(Postbox(), port) as postbox:
        work()

    [mail] = postbox.taken
    assert mail["From"].addresses[0].addr_spec == "no-reply@refersion.example"
    assert len(mail["From"].addresses) == 1
    assert set(mail.keys()) == HEADERS
    assert postbox.recipients == [["ada@example.com"]]


@pytest.mark.parametrize("value", ["Ada\r\nBcc: x@example.com", "Ada\u2028Bcc: x@example.com"])
def test_a_persons_name_cannot_begin_a_header(
    app: Flask, port: int, work: Callable[[], None], value: str
) -> None:
    made = make_merchant()
    db.session.add(
        EmailSetting(
            merchant_id=made.merchant.id,
            kind=MailKind.PENDING_AFFILIATE,
            is_on=True,
            subject="Hello {{ first_name }}",
            body="<b>{{ first_name }}</b>",
        )
    )
    make_affiliate(made, first_name=value + "<script>")

    with serving(Postbox(), port) as postbox:
        work()

    [mail] = postbox.taken
    assert set(mail.keys()) == HEADERS
    assert mail["Subject"] == "Hello Ada Bcc: x@example.com<script>"
    assert "<script>" not in parts_of(mail)[1]
    assert "&lt;b&gt;Ada" in parts_of(mail)[1]


HEADERS = {
    "Content-Type",
    "MIME-Version",
    "Subject",
    "From",
    "To",
    "Date",
    "Message-ID",
    "Auto-Submitted",
}


def parts_of(mail: EmailMessage) -> tuple[str, str]:
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


def refuse(*_arguments: object) -> AuthResult:
    return AuthResult(success=False, handled=False)
