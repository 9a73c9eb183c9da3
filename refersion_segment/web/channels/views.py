"""`/channels/email`: a switch per mail; `/channels/email/<kind>`: its text."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from refersion_segment import mails
from refersion_segment.domain.mail_kinds import TAGS, MailKind
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.services import channels, letters
from refersion_segment.web.access import actor, merchant_id, requires, signed_in_user
from refersion_segment.web.channels.forms import SwitchesForm, TextsForm

blueprint = Blueprint("channels", __name__, url_prefix="/channels/email")

WHEN = {
    MailKind.NEW_AFFILIATE: "Sent when a person becomes approved, whatever approved them.",
    MailKind.PENDING_AFFILIATE: "Sent when a person is created and waits for your approval.",
    MailKind.DENIED_AFFILIATE: "Sent when you deny a person. Off at first: they did not apply.",
}


@blueprint.get("")
@requires(Role.VIEWER)
def show_list() -> ResponseReturnValue:
    every = channels.list_channels(merchant_id())
    form = SwitchesForm(formdata=None, data={one.kind.value: one.is_on for one in every})
    return render_template("channels/list.html", channels=every, form=form, when=WHEN)


@blueprint.post("")
@requires(Role.MANAGER)
def save_switches() -> ResponseReturnValue:
    form = SwitchesForm()
    changed = [
        f"{kind.label} is {'on' if form[kind.value].data else 'off'}."
        for kind in MailKind
        if channels.switch(actor(), merchant_id(), kind, is_on=form[kind.value].data)
    ]
    db.session.commit()
    flash(" ".join(("Saved.", *changed)), "success")
    return redirect(url_for("channels.show_list"))


@blueprint.get("/<kind>")
@requires(Role.VIEWER)
def show(kind: str) -> ResponseReturnValue:
    texts = letters.texts_of(merchant_id(), kind_or_404(kind))
    form = TextsForm(formdata=None, subject=texts.subject, body=texts.body.strip())
    return page_of(kind_or_404(kind), form)


@blueprint.post("/<kind>")
@requires(Role.MANAGER)
def save(kind: str) -> ResponseReturnValue:
    """Save the text, or show or send what it would be: one form, three buttons."""
    wanted, form = kind_or_404(kind), TextsForm()
    if not form.validate_on_submit():
        return page_of(wanted, form), 422
    match request.form.get("move"):
        case "preview":
            return page_of(wanted, form)
        case "test":
            send_test(wanted, form)
            return page_of(wanted, form)
    channels.save_texts(actor(), merchant_id(), wanted, form.texts())
    db.session.commit()
    flash(f"Saved. {wanted.label} e-mails use this text from now on.", "success")
    return redirect(url_for("channels.show", kind=kind))


@blueprint.post("/<kind>/preview")
@requires(Role.MANAGER)
def preview(kind: str) -> ResponseReturnValue:
    """Answer with the preview alone, for the script that renews it while one types."""
    wanted, form = kind_or_404(kind), TextsForm()
    if not form.validate_on_submit():
        return "", 422
    shown = channels.preview(merchant_id(), wanted, form.texts())
    return render_template("channels/preview.html", preview=shown)


@blueprint.post("/<kind>/reset")
@requires(Role.MANAGER)
def reset(kind: str) -> ResponseReturnValue:
    channels.reset_texts(actor(), merchant_id(), kind_or_404(kind))
    db.session.commit()
    flash("The text is the one that comes with Refersion again.", "success")
    return redirect(url_for("channels.show", kind=kind))


def send_test(kind: MailKind, form: TextsForm) -> None:
    """Send the typed text to whoever is logged in, and say how that went."""
    address = signed_in_user().email
    try:
        channels.send_test(signed_in_user(), kind, form.texts())
    except mails.MailError as error:
        flash(f"The test e-mail was not sent. {error.sentence}", "error")
    else:
        flash(f"Test e-mail sent to {address}.", "success")


def page_of(kind: MailKind, form: TextsForm) -> str:
    shown = None if form.errors else channels.preview(merchant_id(), kind, form.texts())
    return render_template(
        "channels/show.html",
        channel=channels.channel_of(merchant_id(), kind),
        form=form,
        preview=shown,
        tags=TAGS,
        when=WHEN[kind],
    )


def kind_or_404(kind: str) -> MailKind:
    try:
        return MailKind(kind)
    except ValueError:
        abort(404)
