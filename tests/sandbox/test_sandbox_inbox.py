"""The Inbox: mails over real SMTP, shown to people and to scripts."""

import smtplib
import socket
from email.message import EmailMessage

import pytest

from refersion_segment.sandbox import MailCatcher


@pytest.fixture
def catcher(sandbox):
    catcher = MailCatcher(sandbox.database.path, "127.0.0.1", 0)
    catcher.start()
    yield catcher
    catcher.stop()


def welcome(subject="Welcome, Zoë"):
    mail = EmailMessage()
    mail["From"] = "Northwind <affiliates@northwind.example>"
    mail["To"] = "Ada <ada@example.com>"
    mail["Subject"] = subject
    mail["Message-ID"] = "<one@northwind.example>"
    mail.set_content("Hello Zoë,\nyour link: https://shop.example/welcome/abc\n")
    mail.add_alternative('<p style="color:red">Hello <b>Zoë</b></p>', subtype="html")
    return mail


def send(catcher, *mails, to="ada@example.com"):
    with smtplib.SMTP("127.0.0.1", catcher.port, timeout=5) as smtp:
        for mail in mails:
            smtp.send_message(mail, "bounces@northwind.example", [to])


def test_a_mail_is_caught_and_told_to_scripts(catcher, client):
    send(catcher, welcome())

    (mail,) = client.get("/inbox.json").json
    assert mail["from"] == "Northwind <affiliates@northwind.example>"
    assert mail["to"] == "ada@example.com"
    assert mail["subject"] == "Welcome, Zoë"
    assert mail["message_id"] == "<one@northwind.example>"
    assert mail["text"] == "Hello Zoë,\nyour link: https://shop.example/welcome/abc\n"
    assert "<b>Zoë</b>" in mail["html"]
    assert mail["received_at"].endswith("Z")


def test_mails_are_listed_newest_first(catcher, client):
    send(catcher, welcome("first"), welcome("second"))

    assert [mail["subject"] for mail in client.get("/inbox.json").json] == ["second", "first"]
    page = client.get("/inbox").text
    assert page.index("second") < page.index("first")


def test_the_links_of_the_text_part_can_be_followed(catcher, client):
    send(catcher, welcome())

    page = client.get("/inbox/1").text

    assert 'href="https://shop.example/welcome/abc"' in page
    assert "default-src 'self'" in client.get("/inbox/1").headers["Content-Security-Policy"]


def test_the_html_part_may_have_styles_but_nothing_else(catcher, client):
    send(catcher, welcome())

    part = client.get("/inbox/1/html")

    assert '<p style="color:red">' in part.text
    policy = part.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy


def test_a_mail_in_broken_encoding_is_caught_all_the_same(catcher, client):
    raw = b"Subject: odd\r\nContent-Type: text/plain; charset=x-none\r\n\r\n\xff caf\xe9\r\n"
    with smtplib.SMTP("127.0.0.1", catcher.port, timeout=5) as smtp:
        smtp.sendmail("a@example.com", ["b@example.com", "c@example.com"], raw)

    (mail,) = client.get("/inbox.json").json
    assert mail["to"] == "b@example.com, c@example.com"
    assert "caf" in mail["text"]


def test_a_busy_port_is_an_error_at_once(sandbox):
    with socket.create_server(("127.0.0.1", 0)) as other:
        catcher = MailCatcher(sandbox.database.path, "127.0.0.1", other.getsockname()[1])

        with pytest.raises(OSError, match="in use"):
            catcher.start()


def test_there_is_no_mail_of_that_number(client):
    assert client.get("/inbox/7").status_code == 404
