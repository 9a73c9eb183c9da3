"""`flask affiliates`: what scripts read."""

import csv
import json
from io import StringIO

import pytest
from flask import Flask

from refersion_segment.services import search
from tests.factories import make_affiliate, make_merchant

KEYS = {
    "id",
    "email",
    "first_name",
    "last_name",
    "status",
    "offer",
    "offer_name",
    "street",
    "city",
    "state",
    "postal_code",
    "country",
}


def test_the_list_prints_one_object_a_line_of_this_merchant_only(app: Flask) -> None:
    made = make_merchant()
    first = make_affiliate(made, "ada@shop.example")
    make_affiliate(made, "li@shop.example", first_name="李", last_name="明")
    make_affiliate(make_merchant("Elsewhere"), "bo@shop.example")
    expected = (str(first.id), str(made.offer.id), made.offer.name)

    done = app.test_cli_runner().invoke(
        args=["affiliates", "list", str(made.merchant.id), "--json"]
    )

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["email"] for row in rows] == ["ada@shop.example", "li@shop.example"]
    assert set(rows[0]) >= KEYS
    assert (rows[0]["id"], rows[0]["offer"], rows[0]["offer_name"]) == expected
    assert (rows[0]["status"], rows[1]["first_name"]) == ("pending", "李")


def test_batches_neither_skip_nor_repeat(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "BATCH_SIZE", 3)
    made = make_merchant()
    expected = [make_affiliate(made, f"p{n}@shop.example").email for n in range(6)]

    done = app.test_cli_runner().invoke(
        args=["affiliates", "list", str(made.merchant.id), "--json"]
    )

    assert [json.loads(line)["email"] for line in done.stdout.splitlines()] == expected


def test_the_export_is_a_file_that_runs_no_formula(app: Flask) -> None:
    made = make_merchant()
    make_affiliate(made, "ada@shop.example", first_name='=HYPERLINK("x")', last_name='a,"b"\n')

    done = app.test_cli_runner().invoke(args=["affiliates", "export", str(made.merchant.id)])

    (row,) = csv.DictReader(StringIO(done.stdout))
    assert set(row) >= KEYS
    assert row["first_name"] == '\'=HYPERLINK("x")'
    assert row["last_name"] == 'a,"b"\n'


@pytest.mark.parametrize("command", ["list", "export"])
@pytest.mark.parametrize("merchant", ["01a207ff-8eaf-70d6-a3bd-14cc8013aa02", "northwind", ""])
def test_an_unknown_merchant_ends_with_a_sentence(app: Flask, command: str, merchant: str) -> None:
    done = app.test_cli_runner().invoke(args=["affiliates", command, merchant])

    assert done.exit_code == 1
    assert done.stdout == ""
    assert "merchant" in done.stderr
