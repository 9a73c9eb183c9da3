"""What a mail says: the merchant's text or ours, with the tags filled, as plain text and HTML.

One text makes both parts. Its paragraphs (parted by an empty line) are told apart by what is in
them: a link of ours alone becomes a button or a box, lines of `Label: {{ tag }}` a small table.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from flask import current_app
from markupsafe import Markup, escape

from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.domain.commissions import Commission, describe
from refersion_segment.domain.mail_kinds import MailKind, fill_tags
from refersion_segment.domain.texts import cut, one_line
from refersion_segment.extensions import db
from refersion_segment.mails import Letter
from refersion_segment.models import Affiliate, EmailSetting, Merchant, Offer
from refersion_segment.services import links, referrals

LONGEST_SUBJECT: Final = 200
_NO_HTML: Final = Markup("")
LINK_TAGS: Final = frozenset({"referral_link", "welcome_link"})

_PARAGRAPH_BREAK: Final = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_LONE_TAG: Final = re.compile(r"\{\{ *([a-z_]+) *\}\}")
_FACT: Final = re.compile(r"([^:{}]{1,40}): *(\{\{ *([a-z_]+) *\}\})")


@dataclass(frozen=True, slots=True)
class Texts:
    """A subject and a body as they are written, with tags."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph of a mail.

    `kind` is `text`, `button` (the welcome link), `link` (the referral link) or `facts`;
    `html` is safe as it stands, `facts` are label and value.
    """

    kind: str
    text: str
    html: Markup = _NO_HTML
    facts: tuple[tuple[str, Markup], ...] = ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail as its reader sees it."""

    subject: str
    text: str
    html: str
    blocks: tuple[Block, ...]


def letter_to(affiliate: Affiliate, kind: MailKind, header_id: str) -> Letter:
    """Write the mail of a kind to an affiliate of the merchant."""
    merchant = db.session.get_one(Merchant, affiliate.merchant_id)
    offer = db.session.get_one(Offer, (affiliate.merchant_id, affiliate.offer_id))
    rendered = render(kind, texts_of(merchant.id, kind), tag_values(merchant, offer, affiliate))
    return Letter(
        to=affiliate.email,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        header_id=header_id,
        sender_name=merchant.name,
    )


def texts_of(merchant_id: UUID, kind: MailKind) -> Texts:
    """Return the merchant's own subject and body of a kind, or ours where there is none."""
    setting = db.session.get(EmailSetting, (merchant_id, kind))
    default = default_texts(kind)
    if setting is None:
        return default
    return Texts(setting.subject or default.subject, setting.body or default.body)


def default_texts(kind: MailKind) -> Texts:
    """Return our subject and body of a kind, in the same tags that merchants use."""
    return Texts(_source(f"mail/{kind}/subject.txt").strip(), _source(f"mail/{kind}/body.txt"))


def tag_values(merchant: Merchant, offer: Offer, affiliate: Affiliate) -> dict[str, str]:
    """Return what each tag stands for in a mail to this person."""
    return {
        "first_name": affiliate.first_name,
        "last_name": affiliate.last_name,
        "email": affiliate.email,
        "offer": offer.name,
        "commission": commission_of(merchant, offer),
        "terms": offer.terms.replace("\r\n", "\n"),
        "referral_link": referrals.referral_link(merchant, affiliate),
        "welcome_link": links.welcome_link(affiliate),
        "merchant": merchant.name,
        "reason": affiliate.denial_reason if affiliate.is_denial_reason_shared else "",
    }


def commission_of(merchant: Merchant, offer: Offer) -> str:
    """Tell what an offer pays, in words."""
    return describe(Commission(offer.commission_type, offer.commission_amount, merchant.currency))


def render(kind: MailKind, texts: Texts, values: Mapping[str, str]) -> Rendered:
    """Fill the tags of a mail, for both of its parts.

    :raise UnknownTagError: if the texts use a tag that does not exist
    """
    subject = one_line(fill_tags(_without_empty(texts.subject, values), values))
    blocks = tuple(_blocks(texts.body, values))
    frame = {"merchant": values["merchant"], "welcome_link": values["welcome_link"]}
    return Rendered(
        subject=cut(subject, LONGEST_SUBJECT),
        text=_fill_template("mail/_base.txt", blocks=blocks, **frame),
        html=_fill_template(f"mail/{kind}/body.html", blocks=blocks, subject=subject, **frame),
        blocks=blocks,
    )


def _fill_template(name: str, **values: object) -> str:
    # Not Flask's render_template: that adds what pages need to know of the request, and a mail
    # is written where there is none.
    return current_app.jinja_env.get_template(name).render(**values)


def _blocks(body: str, values: Mapping[str, str]) -> list[Block]:
    html_values = {name: _as_html(name, value) for name, value in values.items()}
    paragraphs = _PARAGRAPH_BREAK.split(body.replace("\r\n", "\n").strip())
    blocks = [_block(paragraph.strip(), values, html_values) for paragraph in paragraphs]
    return [block for block in blocks if block.text.strip()]


def _block(paragraph: str, values: Mapping[str, str], html_values: Mapping[str, str]) -> Block:
    paragraph = _without_empty(paragraph, values)
    text = fill_tags(paragraph, values)
    if (lone := _LONE_TAG.fullmatch(paragraph)) and lone[1] in LINK_TAGS:
        return Block("button" if lone[1] == "welcome_link" else "link", text)
    facts = [_FACT.fullmatch(line.strip()) for line in paragraph.splitlines()]
    if facts and all(facts):
        return Block("facts", text, facts=_facts(facts, html_values))
    filled = fill_tags(str(escape(paragraph)), html_values)
    return Block("text", text, html=_with_breaks(filled))


def _facts(
    lines: list[re.Match[str] | None], html_values: Mapping[str, str]
) -> tuple[tuple[str, Markup], ...]:
    return tuple(
        (line[1].strip(), _with_breaks(fill_tags(line[2], html_values))) for line in lines if line
    )


def _without_empty(text: str, values: Mapping[str, str]) -> str:
    """Drop tags that stand for nothing, with the blank before them: no `Hello ,` is mailed."""
    for name, value in values.items():
        if not value.strip():
            # A whole line of "Label: {{ tag }}" has nothing left to say.
            text = re.sub(rf"(?m)^[^:{{}}\n]{{1,40}}: *\{{\{{ *{name} *\}}\}} *\n?", "", text)
            text = re.sub(rf" ?\{{\{{ *{name} *\}}\}}", "", text)
    return text


def _as_html(name: str, value: str) -> str:
    if name in LINK_TAGS:
        return str(Markup('<a href="{0}">{0}</a>').format(value))
    return str(escape(value))


def _with_breaks(html: str) -> Markup:
    return Markup(html.strip().replace("\n", "<br>\n"))  # noqa: S704 - every value is escaped


def _source(name: str) -> str:
    loader = current_app.jinja_env.loader
    if loader is None:
        raise RuntimeError("the application has no templates")
    return loader.get_source(current_app.jinja_env, name)[0]


SAMPLE_PERSON: Final = {"first_name": "Ada", "last_name": "Marsh", "email": "ada@example.com"}


def sample_values(merchant: Merchant, offer: Offer, kind: MailKind) -> dict[str, str]:
    """Return tag values for a preview: of nobody, so the links lead nowhere."""
    person = Affiliate(
        merchant_id=merchant.id,
        id=UUID(int=0),
        status=AffiliateStatus.PENDING,
        referral_code="sample",
        denial_reason="We work with people who sell outdoor gear.",
        is_denial_reason_shared=kind is MailKind.DENIED_AFFILIATE,
        **SAMPLE_PERSON,
    )
    return tag_values(merchant, offer, person)
