"""A merchant in plain values, and Segment on the other side."""

from collections.abc import Iterator

import pytest
from flask import Flask

from refersion_segment.extensions import db
from tests.factories import make_merchant
from tests.segment_fake import FakeSegment
from tests.services.orders import Tenant


@pytest.fixture
def segment() -> Iterator[FakeSegment]:
    with FakeSegment().running() as fake:
        yield fake


@pytest.fixture
def northwind(app: Flask) -> Tenant:
    made = make_merchant()
    tenant = Tenant(made.merchant.id, made.api_key)
    db.session.rollback()
    return tenant
