"""What holds for every route and every template, also for those that are written tomorrow."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from refersion_segment.clock import utc_now
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import Base, Delivery
from refersion_segment.services import api_keys
from refersion_segment.services.actors import COMMAND
from refersion_segment.web.access import rule_of
from tests.factories import (
    MadeMerchant,
    enable_segment,
    make_affiliate,
    make_merchant,
    make_user,
    sign_in,
)

TEMPLATES = Path(__file__).resolve().parent.parent / "refersion_segment" / "templates"

ANYBODY = ("public", "api_key")

# The parts of an address that name no row: they read alike for every merchant.
WORDS = {
    "code": "abc",
    "filename": "css/base.css",
    "handle": "abc",
    "kind": "pending_affiliate",
    "token": "abc",
}


@dataclass(frozen=True)
class Call:
    """One way to call a route."""

    rule: Rule
    method: str
    declared: Role | str | None

    @property
    def arguments(self) -> set[str]:
        """The parts of the address that name a row."""
        return self.rule.arguments - set(WORDS)

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"


def calls_of(app: Flask) -> list[Call]:
    """List every route with every method that it answers."""
    return [
        Call(rule, method, rule_of(app.view_functions[rule.endpoint]))
        for rule in sorted(app.url_map.iter_rules(), key=str)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def make_rows(name: str = "Northwind") -> tuple[MadeMerchant, dict[str, UUID]]:
    """Make a merchant with a row of every kind that an address can name."""
    made = make_merchant(name)
    enable_segment(made.merchant)
    affiliate = make_affiliate(made, f"{name.lower()}@example.com")
    old_key = api_keys.current_key(made.merchant.id).id
    api_keys.rotate(made.merchant.id, by=COMMAND, now=utc_now())
    ids = {"affiliate_id": affiliate.id, "offer_id": made.offer.id, "key_id": old_key}
    db.session.commit()
    return made, ids


def add_delivery(client: FlaskClient, made: MadeMerchant, ids: dict[str, UUID]) -> None:
    """Let Segment deliver a call that must be mended first."""
    client.post("/segment/destination", json={"type": "identify"}, auth=(made.api_key, ""))
    query = select(Delivery.id).where(Delivery.merchant_id == made.merchant.id)
    ids["delivery_id"] = db.session.scalars(query).one()
    db.session.commit()


def send(client: FlaskClient, app: Flask, call: Call, ids: dict[str, UUID]) -> TestResponse:
    """Call a route with nothing but its address."""
    missing = call.arguments - set(ids)
    assert not missing, f"{call}: make_rows() or WORDS must say what {missing} stands for"
    values = {**WORDS, **ids}
    with app.test_request_context():
        path = app.url_map.bind("localhost").build(
            call.rule.endpoint,
            {name: values[name] for name in call.rule.arguments},
            method=call.method,
        )
    # Read at once: a stream of rows needs the context of its request.
    return client.open(path, method=call.method, buffered=True)


def asks_to_log_in(answer: TestResponse) -> bool:
    return answer.status_code == 302 and answer.location.startswith("/login")


def content_of_database() -> dict[str, list[str]]:
    """Return every row of every table."""
    with db.engine.connect() as connection:
        return {
            table.name: sorted(map(str, connection.execute(table.select())))
            for table in Base.metadata.sorted_tables
        }


@pytest.fixture
def unprotected(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application without CSRF tokens, whose check comes before the rule of the view."""
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    return app


def test_every_route_declares_who_may_call_it(app: Flask) -> None:
    undeclared = [str(call) for call in calls_of(app) if call.declared is None]

    assert undeclared == []


def test_nobody_changes_anything_without_a_csrf_token(app: Flask) -> None:
    made, ids = make_rows()
    add_delivery(app.test_client(), made, ids)
    client = app.test_client()
    sign_in(client, made.owner)
    before = content_of_database()

    answers = {
        str(call): send(client, app, call, ids).status_code
        for call in calls_of(app)
        if call.method not in {"GET"} and call.declared != "api_key"
    }

    assert set(answers.values()) == {400}, answers
    assert content_of_database() == before


def test_reading_changes_nothing(app: Flask) -> None:
    made, ids = make_rows()
    add_delivery(app.test_client(), made, ids)
    client = app.test_client()
    sign_in(client, made.owner)
    before = content_of_database()

    answers = {
        str(call): send(client, app, call, ids).status_code
        for call in calls_of(app)
        if call.method == "GET"
    }

    assert [call for call, status in answers.items() if status >= 500] == []
    assert content_of_database() == before


def test_a_visitor_who_is_not_logged_in_meets_the_log_in(unprotected: Flask) -> None:
    made, ids = make_rows()
    add_delivery(unprotected.test_client(), made, ids)
    before = content_of_database()

    for call in calls_of(unprotected):
        answer = send(unprotected.test_client(), unprotected, call, ids)
        assert answer.status_code < 500, call
        assert answer.status_code != 403, call
        assert asks_to_log_in(answer) == (call.declared not in ANYBODY), call

    assert content_of_database() == before


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_call_what_includes_it_and_no_more(unprotected: Flask, role: Role) -> None:
    made, ids = make_rows()
    add_delivery(unprotected.test_client(), made, ids)
    user = make_user(made.merchant, role)

    for number, call in enumerate(calls_of(unprotected)):
        if not isinstance(call.declared, Role):
            continue
        client = unprotected.test_client()
        may = role.includes(call.declared)
        if may and call.method != "GET":  # what it changes must not change what comes later
            other, rows = make_rows(f"Shop{number}")
            add_delivery(client, other, rows)
            sign_in(client, make_user(other.merchant, role))
        else:
            rows = ids
            sign_in(client, user)

        answer = send(client, unprotected, call, rows)

        assert not asks_to_log_in(answer) or call.rule.rule == "/logout", call
        assert (answer.status_code == 403) == (not may), f"{call} answers {answer.status}"
        assert answer.status_code < 500, call
        assert answer.status_code != 404, call


def test_rows_of_another_merchant_do_not_exist(unprotected: Flask) -> None:
    made, _ = make_rows()
    other, ids = make_rows("Southwind")
    add_delivery(unprotected.test_client(), other, ids)
    client = unprotected.test_client()
    sign_in(client, made.owner)
    before = content_of_database()

    answers = {
        str(call): send(client, unprotected, call, ids).status_code
        for call in calls_of(unprotected)
        if call.arguments and isinstance(call.declared, Role)
    }

    assert set(answers.values()) == {404}, answers
    assert content_of_database() == before


def templates() -> Iterator[tuple[str, str]]:
    for path in sorted(TEMPLATES.rglob("*.html")):
        yield str(path.relative_to(TEMPLATES)), re.sub(r"{#.*?#}", "", path.read_text(), flags=re.S)


def test_every_form_that_posts_carries_a_csrf_token() -> None:
    token = re.compile(r"csrf_token|csrf\(|hidden_fields\(")
    macro = re.compile(r"{% macro (\w+)\(.*?{%-? endmacro", re.DOTALL)
    form = re.compile(r"<form\b(?P<tag>[^>]*)>(?P<inside>.*?)</form>", re.DOTALL)
    # A macro that brings the token along counts as one.
    bringing = {
        f"{found[1]}("
        for _, text in templates()
        for found in macro.finditer(text)
        if token.search(found[0])
    }

    bare = [
        name
        for name, text in templates()
        for found in form.finditer(text)
        if 'method="get"' not in found["tag"]
        and not token.search(found["inside"])
        and not any(call in found["inside"] for call in bringing)
    ]

    assert bare == []


def test_every_import_of_a_template_is_used() -> None:
    unused = [
        f"{name}: {word}"
        for name, text in templates()
        for imported in re.findall(r"{%-? *from .*? import (.*?) -?%}", text)
        for word in re.split(r", *", imported.replace(" with context", ""))
        if len(re.findall(rf"\b{word.split(' as ')[-1]}\b", text)) < 2
    ]

    assert unused == []


def test_no_template_holds_scripts_or_styles() -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:")

    bad = [name for name, text in templates() if inline.search(text)]

    # Mail programs know no style sheets.
    assert [name for name in bad if not name.startswith("mail/")] == []
