"""A merchant whose integration is on, and Segment's way of calling."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import MadeMerchant, enable_segment, make_merchant

Send = Callable[..., TestResponse]


@pytest.fixture
def merchant(app: Flask) -> MadeMerchant:
    """A merchant whose Segment integration is on."""
    made = make_merchant()
    enable_segment(made.merchant)
    return made


@pytest.fixture
def send(client: FlaskClient, merchant: MadeMerchant) -> Send:
    """Call the destination as Segment does, with the merchant's key."""

    def call(event: Any = None, *, key: str | None = None, **more: Any) -> TestResponse:
        if event is not None:
            more["json"] = event
        return client.post(
            "/segment/destination", auth=(merchant.api_key if key is None else key, ""), **more
        )

    return call
