"""`flask messages`: the outbox for scripts."""

from uuid import UUID

from refersion_segment.cli.groups import CommandGroup
from refersion_segment.cli.rows import json_option, merchant_argument, print_rows
from refersion_segment.models import Message
from refersion_segment.services.messages import newest_first

messages = CommandGroup("messages", help="E-mails to affiliates: sent, waiting, or why not.")


@messages.command("list")
@merchant_argument
@json_option
def list_messages(merchant_id: UUID, *, as_json: bool) -> None:
    """List the messages of MERCHANT (its id), newest first."""
    print_rows(map(_row, newest_first(merchant_id)), as_json=as_json)


def _row(message: Message) -> dict[str, object]:
    return {
        "id": str(message.id),
        "kind": message.kind.value,
        "to": message.to,
        "state": message.state.value,
        "reason": message.reason,
        "attempts": message.attempts,
    }
