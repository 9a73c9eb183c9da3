"""`flask deliveries`: the delivery log for scripts."""

from uuid import UUID

from refersion_segment.cli.groups import CommandGroup
from refersion_segment.cli.rows import json_option, merchant_argument, print_rows
from refersion_segment.models import Delivery
from refersion_segment.services import delivery_log, sources

deliveries = CommandGroup("deliveries", help="Calls that Segment delivered.")


@deliveries.command("list")
@merchant_argument
@json_option
def list_deliveries(merchant_id: UUID, *, as_json: bool) -> None:
    """List the deliveries of MERCHANT (its id), newest first."""
    labels = sources.labels_of(merchant_id)
    rows = (_row(delivery, labels) for delivery in delivery_log.every(merchant_id))
    print_rows(rows, as_json=as_json)


def _row(delivery: Delivery, labels: dict[UUID, str]) -> dict[str, object]:
    return {
        "id": str(delivery.id),
        "type": delivery.call_type,
        "message_id": delivery.message_id,
        "outcome": delivery.outcome.value,
        "reason": delivery.reason,
        "source": labels.get(delivery.source_id) if delivery.source_id else None,
        "received_at": delivery.received_at.isoformat(),
    }
