"""The Inbox: every mail that the catcher took, as a person sees it and as tests read it."""

from email import message_from_bytes, policy

from flask import Blueprint, Response, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from refersion_segment.sandbox.core import current_sandbox
from refersion_segment.sandbox.mail_catcher import find_mail, list_mails
from refersion_segment.sandbox.records import Mail

blueprint = Blueprint("inbox", __name__)

MAILS_PER_PAGE = 50
MOST_MAILS_AS_JSON = 1000
# A mail brings its own inline styles, which no page of ours may; it gets no script, no form, no
# request to anywhere, and its links open a window of their own.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self';"
    " sandbox allow-popups allow-popups-to-escape-sandbox"
)


@blueprint.get("/inbox")
def index() -> ResponseReturnValue:
    """List the mails, newest first."""
    before = request.args.get("before", type=int)
    mails = list_mails(current_sandbox().database, limit=MAILS_PER_PAGE + 1, before=before)
    has_more = len(mails) > MAILS_PER_PAGE
    return render_template("inbox.html", mails=mails[:MAILS_PER_PAGE], has_more=has_more)


@blueprint.get("/inbox.json")
def as_json() -> ResponseReturnValue:
    """List the mails for scripts, newest first."""
    mails = list_mails(current_sandbox().database, limit=MOST_MAILS_AS_JSON)
    return jsonify([_described(mail) for mail in mails])


def _described(mail: Mail) -> dict[str, object]:
    return {
        "id": mail.id,
        "from": mail.sender,
        "to": mail.recipients,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "message_id": mail.message_id,
        "received_at": mail.received_at,
    }


def _mail_or_404(mail_id: int) -> Mail:
    mail = find_mail(current_sandbox().database, mail_id)
    if mail is None:
        abort(404, "There is no such mail in the Inbox.")
    return mail


@blueprint.get("/inbox/<int:mail_id>")
def show(mail_id: int) -> ResponseReturnValue:
    """Show one mail with its headers, its HTML part in a frame, and its text part."""
    mail = _mail_or_404(mail_id)
    headers = message_from_bytes(mail.raw, policy=policy.default).items()
    return render_template("mail.html", mail=mail, headers=[(k, str(v)) for k, v in headers])


@blueprint.get("/inbox/<int:mail_id>/html")
def html_part(mail_id: int) -> ResponseReturnValue:
    """Give the HTML part alone, for the frame."""
    response = Response('<base target="_blank">' + _mail_or_404(mail_id).html)
    response.headers["Content-Security-Policy"] = _MAIL_POLICY
    return response


@blueprint.get("/inbox/<int:mail_id>/raw")
def raw(mail_id: int) -> ResponseReturnValue:
    """Give the mail as it came over the wire."""
    return Response(_mail_or_404(mail_id).raw, content_type="text/plain; charset=utf-8")
