"""The merchant's e-mail channels: one switch and one text per kind of mail."""

from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from refersion_segment import mails
from refersion_segment.domain.mail_kinds import MailKind
from refersion_segment.extensions import db
from refersion_segment.models import EmailSetting, Merchant, User
from refersion_segment.models.upserts import insert_if_new
from refersion_segment.services import letters, offers
from refersion_segment.services.actors import Actor, record
from refersion_segment.services.letters import Rendered, Texts


@dataclass(frozen=True, slots=True)
class Channel:
    """A kind of mail as the merchant has it."""

    kind: MailKind
    is_on: bool
    has_own_text: bool


def list_channels(merchant_id: UUID) -> list[Channel]:
    """Return every kind with its switch, in the order in which a person may get them."""
    return [channel_of(merchant_id, kind) for kind in MailKind]


def channel_of(merchant_id: UUID, kind: MailKind) -> Channel:
    """Return one kind as the merchant has it."""
    setting = db.session.get(EmailSetting, (merchant_id, kind))
    return Channel(
        kind,
        mails.is_switched_on(merchant_id, kind),
        setting is not None and (setting.subject is not None or setting.body is not None),
    )


def switch(actor: Actor, merchant_id: UUID, kind: MailKind, *, is_on: bool) -> bool:
    """Turn a kind on or off; tell whether that changed anything.

    Messages that wait are not touched: the worker reads the switch once more before each.
    """
    setting = _setting(merchant_id, kind)
    if setting.is_on is is_on:
        return False
    setting.is_on = is_on
    record(
        actor,
        "channel.turned_on" if is_on else "channel.turned_off",
        merchant_id=merchant_id,
        detail=kind.label,
    )
    return True


def save_texts(actor: Actor, merchant_id: UUID, kind: MailKind, texts: Texts) -> None:
    """Keep the merchant's own subject and body; what is the same as ours stays ours."""
    setting, default = _setting(merchant_id, kind), letters.default_texts(kind)
    setting.subject = None if texts.subject == default.subject else texts.subject
    setting.body = None if texts.body.strip() == default.body.strip() else texts.body
    record(actor, "channel.text_changed", merchant_id=merchant_id, detail=kind.label)


def reset_texts(actor: Actor, merchant_id: UUID, kind: MailKind) -> None:
    """Go back to our subject and body."""
    setting = _setting(merchant_id, kind)
    setting.subject = setting.body = None
    record(actor, "channel.text_reset", merchant_id=merchant_id, detail=kind.label)


def preview(merchant_id: UUID, kind: MailKind, texts: Texts) -> Rendered:
    """Show a mail of these texts to a sample person.

    :raise UnknownTagError: if the texts use a tag that does not exist
    """
    merchant = db.session.get_one(Merchant, merchant_id)
    offer = offers.default_offer(merchant_id)
    return letters.render(kind, texts, letters.sample_values(merchant, offer, kind))


def send_test(user: User, kind: MailKind, texts: Texts) -> None:
    """Send the preview to a member of the team, now.

    :raise UnknownTagError: if the texts use a tag that does not exist
    :raise mails.MailError: if the mail server did not take it
    """
    rendered = preview(user.merchant_id, kind, texts)
    merchant = db.session.get_one(Merchant, user.merchant_id)
    letter = mails.Letter(
        to=user.email,
        subject=f"Test: {rendered.subject}",
        text=rendered.text,
        html=rendered.html,
        header_id=mails.new_header_id(uuid7()),
        sender_name=merchant.name,
    )
    db.session.rollback()  # no transaction is open while the mail server is waited for
    mails.deliver(letter, deadline_seconds=mails.GREETING_SECONDS)


def _setting(merchant_id: UUID, kind: MailKind) -> EmailSetting:
    """Return the merchant's row for a kind, made now if there is none, locked for a change."""
    insert_if_new(EmailSetting, merchant_id=merchant_id, kind=kind, is_on=kind.is_on_by_default)
    return db.session.get_one(EmailSetting, (merchant_id, kind), with_for_update=True)
