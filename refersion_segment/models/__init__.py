"""The tables, one noun per file: facts about itself, no web, no mail, no moves of state."""

from refersion_segment.models.affiliate import Affiliate, LinkedId
from refersion_segment.models.api_key import ApiKey
from refersion_segment.models.audit_entry import AuditEntry
from refersion_segment.models.base import Base
from refersion_segment.models.connection import Connection, Install, Source
from refersion_segment.models.delivery import Answer, Delivery
from refersion_segment.models.erasure import Erasure
from refersion_segment.models.job import Job
from refersion_segment.models.merchant import Merchant
from refersion_segment.models.message import EmailSetting, Message
from refersion_segment.models.offer import Offer
from refersion_segment.models.user import LoginSession, User

__all__ = [
    "Affiliate",
    "Answer",
    "ApiKey",
    "AuditEntry",
    "Base",
    "Connection",
    "Delivery",
    "EmailSetting",
    "Erasure",
    "Install",
    "Job",
    "LinkedId",
    "LoginSession",
    "Merchant",
    "Message",
    "Offer",
    "Source",
    "User",
]
