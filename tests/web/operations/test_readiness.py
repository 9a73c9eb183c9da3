"""The operator's questions."""

from flask.testing import FlaskClient


def test_a_process_that_is_up_says_so(client: FlaskClient) -> None:
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json == {"status": "ok"}


def test_a_migrated_database_is_ready(client: FlaskClient) -> None:
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json == {"status": "ready"}
