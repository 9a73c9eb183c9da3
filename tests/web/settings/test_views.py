"""The menu of the settings."""

from flask.testing import FlaskClient

from refersion_segment.domain.roles import Role
from tests.factories import make_merchant, make_user, sign_in


def test_the_menu_leads_to_the_pages_that_exist(client: FlaskClient) -> None:
    sign_in(client, make_user(make_merchant().merchant, Role.VIEWER))

    page = client.get("/account/settings")

    assert page.status_code == 200
    for path in ("/account/settings/api", "/account/settings/activity"):
        assert f'class="list-row" href="{path}"' in page.text
        assert client.get(path).status_code == 200
