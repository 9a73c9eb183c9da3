"""The OAuth handshake that a login session may have under way: begun, and used up once.

`state` and PKCE verifier live in the session's row and not in its cookie: a cookie can be
replayed, a row that was changed once cannot be changed again.
"""

import secrets
from datetime import datetime, timedelta
from typing import Final, cast

from authlib.common.security import generate_token
from flask import current_app
from sqlalchemy import CursorResult

from refersion_segment.clients.segment import SegmentClient
from refersion_segment.extensions import db, vault
from refersion_segment.models import LoginSession
from refersion_segment.models.scope import change_of, rows_of
from refersion_segment.services.digests import digest
from refersion_segment.vault import SealError

LIFETIME: Final = timedelta(minutes=10)
CALLBACK_PATH: Final = "/account/settings/segment/callback"

_STATE_BYTES: Final = 32
_VERIFIER_LENGTH: Final = 64


def redirect_uri() -> str:
    """Return where Segment sends the browser back to; never taken from the request's host."""
    return f"{current_app.config['BASE_URL']}{CALLBACK_PATH}"


def begin(login: LoginSession, client: SegmentClient, now: datetime) -> str:
    """Begin a handshake, which ends the one before it; return where the browser goes."""
    state, verifier = secrets.token_hex(_STATE_BYTES), generate_token(_VERIFIER_LENGTH)
    login.oauth_state_digest = digest(state)
    login.oauth_verifier_sealed = vault.seal(
        verifier, merchant_id=login.merchant_id, purpose=_purpose(login)
    )
    login.oauth_expires_at = now + LIFETIME
    db.session.flush()
    return client.authorization_url(state=state, verifier=verifier, redirect_uri=redirect_uri())


def use_up(login: LoginSession, state: str, now: datetime) -> str | None:
    """Use up the session's handshake; return its verifier.

    None if the state is not the one of this session, was used before, or is too old. One
    conditional UPDATE decides, so that of two callbacks at once one gets the verifier.
    """
    mine = (
        LoginSession.id == login.id,
        LoginSession.oauth_state_digest == digest(state),
        LoginSession.oauth_expires_at > now,
    )
    query = rows_of(login.merchant_id, LoginSession).where(*mine)
    sealed = db.session.scalar(query.with_only_columns(LoginSession.oauth_verifier_sealed))
    used = db.session.execute(
        change_of(login.merchant_id, LoginSession)
        .where(*mine)
        .values(oauth_state_digest=None, oauth_verifier_sealed=None, oauth_expires_at=None)
        .execution_options(synchronize_session=False)
    )
    if sealed is None or not cast("CursorResult[object]", used).rowcount:
        return None
    try:
        return vault.open(sealed, merchant_id=login.merchant_id, purpose=_purpose(login))
    except SealError:
        return None  # the encryption key changed meanwhile: begin again


def _purpose(login: LoginSession) -> str:
    return f"oauth_verifier/{login.id}"
