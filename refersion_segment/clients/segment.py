"""Segment's OAuth endpoint and Config API, as far as a destination's app needs them.

Spec: segment-docs `src/partners/enable-with-segment.md` and `src/api/config-api/`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import HTTPError

from refersion_segment.clients.bounded_http import TooLargeError, TooSlowError, bound, within
from refersion_segment.clients.segment_answers import (
    AccessToken,
    Destination,
    NoAnswerError,
    SegmentError,
    TokenGrant,
    failure_of,
    read_access_token,
    read_grant,
    read_object,
    refusal_of,
    setting_in,
    unusable,
)
from refersion_segment.domain.segment_names import SourceName

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """Where Segment is and who we are to it; `timeout_seconds` is for one call as a whole."""

    oauth_url: str
    api_url: str
    client_id: str
    client_secret: str = field(repr=False)
    slug: str
    timeout_seconds: float

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "SegmentSettings":
        """Read the application's settings."""
        return cls(
            oauth_url=config["SEGMENT_OAUTH_URL"],
            api_url=config["SEGMENT_API_URL"],
            client_id=config["SEGMENT_CLIENT_ID"],
            client_secret=config["SEGMENT_CLIENT_SECRET"],
            slug=config["SEGMENT_DESTINATION_SLUG"],
            timeout_seconds=config["SEGMENT_TIMEOUT_SECONDS"],
        )


class SegmentClient:
    """One conversation with Segment; all its calls together may be given a limit in seconds."""

    def __init__(self, settings: SegmentSettings, *, seconds: float | None = None) -> None:
        self._settings = settings
        self._ends = None if seconds is None else monotonic() + seconds

    def seconds_left(self) -> float:
        """Return how long the next call may take, with everything around it."""
        if self._ends is None:
            return self._settings.timeout_seconds
        return max(0.01, min(self._settings.timeout_seconds, self._ends - monotonic()))

    def authorization_url(self, *, state: str, verifier: str, redirect_uri: str) -> str:
        """Return where the browser goes for the consent (PKCE: RFC 7636, S256)."""
        with self._oauth_session(redirect_uri) as session:
            url, _state = session.create_authorization_url(
                f"{self._settings.oauth_url}/oauth2/auth", state=state, code_verifier=verifier
            )
        return str(url)

    def exchange_code(self, code: str, *, verifier: str, redirect_uri: str) -> TokenGrant:
        """Turn the code of a consent into an install and its token.

        :raise GrantRefusedError: if Segment refuses the code, or says that the install exists
        :raise SegmentError: if Segment cannot be used, or its answer cannot
        """

        def exchange() -> requests.Response:
            answers: list[requests.Response] = []
            with self._oauth_session(redirect_uri) as session:
                bound(session, self.seconds_left())
                session.register_compliance_hook("access_token_response", keep_in(answers))
                session.fetch_token(
                    f"{self._settings.oauth_url}/oauth2/token",
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                    allow_redirects=False,
                )
            return answers[0]

        try:
            answer = self._call(exchange)
        except OAuthError as error:
            raise refusal_of(error) from error
        except (TypeError, ValueError) as error:  # Authlib's own reading of it
            raise unusable("cannot be understood") from error
        return read_grant(read_object(answer))

    def install_token(self, install_name: str) -> AccessToken:
        """Ask for a new token of an install, which ends the one before it.

        Only the token is taken from the answer: it spells the names differently.

        :raise SegmentError: if Segment refuses, or cannot be used
        """
        auth = HTTPBasicAuth(
            self._settings.client_id.encode(), self._settings.client_secret.encode()
        )
        return read_access_token(read_object(self._request("GET", f"{install_name}/token", auth)))

    def create_destination(self, token: AccessToken, source: SourceName, api_key: str) -> None:
        """Add our destination to a source, switched on, with the API key.

        :raise SegmentError: if it is there already, or Segment does not do it
        """
        path = f"{source.resource_name}/destinations"
        self._request("POST", path, _Bearer(token), {"destination": self._wanted(source, api_key)})

    def update_destination(self, token: AccessToken, source: SourceName, api_key: str) -> None:
        """Switch our destination on and give it the API key.

        :raise SegmentError: if Segment does not do it
        """
        fields = ("enabled", "config", "connection_mode")
        self._patch(token, source, self._wanted(source, api_key), fields)

    def disable_destination(self, token: AccessToken, source: SourceName) -> None:
        """Switch our destination off; one that is not there is off.

        :raise SegmentError: if Segment does not do it
        """
        try:
            self._patch(token, source, {"enabled": False}, ("enabled",))
        except SegmentError as error:
            if error.status != 404:
                raise

    def get_destination(self, token: AccessToken, source: SourceName) -> Destination | None:
        """Return our destination on a source; None if there is none.

        :raise SegmentError: if Segment does not say
        """
        try:
            answer = read_object(self._request("GET", self._name_on(source), _Bearer(token)))
        except SegmentError as error:
            if error.status == 404:
                return None
            raise
        return Destination(
            is_enabled=answer.get("enabled") is True,
            api_key=setting_in(answer.get("config"), f"{self._name_on(source)}/config/apiKey"),
        )

    def _name_on(self, source: SourceName) -> str:
        return f"{source.resource_name}/destinations/{self._settings.slug}"

    def _wanted(self, source: SourceName, api_key: str) -> dict[str, Any]:
        name = self._name_on(source)
        setting = {"name": f"{name}/config/apiKey", "type": "string", "value": api_key}
        return {"name": name, "enabled": True, "connection_mode": "CLOUD", "config": [setting]}

    def _patch(
        self,
        token: AccessToken,
        source: SourceName,
        destination: dict[str, Any],
        fields: tuple[str, ...],
    ) -> None:
        # The mask stands beside the destination: inside, Segment would change nothing, and say 200.
        mask = {"paths": [f"destination.{name}" for name in fields]}
        body = {"destination": destination, "update_mask": mask}
        self._request("PATCH", self._name_on(source), _Bearer(token), body)

    def _oauth_session(self, redirect_uri: str) -> OAuth2Session:
        return OAuth2Session(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret,
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106  # a method's name
            scope=f"destination/{self._settings.slug}",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )

    def _request(
        self, method: str, path: str, auth: AuthBase, body: Any = None
    ) -> requests.Response:
        url = f"{self._settings.api_url}/v1beta/{path}"

        def send() -> requests.Response:
            with requests.Session() as session:
                bound(session, self.seconds_left())
                return session.request(method, url, auth=auth, json=body, allow_redirects=False)

        answer = self._call(send)
        if not 200 <= answer.status_code < 300:
            raise failure_of(answer)
        return answer

    def _call(self, call: Callable[[], T]) -> T:
        seconds = self.seconds_left()
        try:
            return within(seconds, call)
        except (TooSlowError, requests.Timeout) as error:
            sentence = f"Segment did not answer within {max(1, round(seconds))} s."
            raise NoAnswerError(sentence) from error
        except TooLargeError as error:
            sentence = "Segment's answer was too large to be one."
            raise SegmentError(sentence, retryable=True) from error
        except (requests.RequestException, HTTPError, OSError) as error:
            raise NoAnswerError("Segment could not be reached.") from error


class _Bearer(AuthBase):
    """Sets the token itself: without an `auth`, requests would prefer a `.netrc` of the host."""

    def __init__(self, token: AccessToken) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token.text}"
        return request


def keep_in(answers: list[requests.Response]) -> Callable[[requests.Response], requests.Response]:
    """Make Authlib's hook that keeps the token endpoint's answer, or raises if it is no answer."""

    def keep(answer: requests.Response) -> requests.Response:
        body = read_object(answer)
        is_oauth_error = answer.status_code in range(400, 500) and answer.status_code != 429
        if answer.status_code != 200 and not (is_oauth_error and "error" in body):
            raise failure_of(answer)
        answers.append(answer)
        return answer

    return keep
