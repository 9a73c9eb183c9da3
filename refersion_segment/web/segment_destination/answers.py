"""The answers of DESIGN section 5, in JSON. Segment shows `message` to the merchant's developer."""

from flask import current_app

from refersion_segment.models import Delivery


def answer_to(delivery: Delivery) -> dict[str, object]:
    """Return the body that a delivery was answered with, by its own columns alone."""
    if delivery.status_code == 200:
        answer: dict[str, object] = {"outcome": delivery.outcome.value}
        if delivery.affiliate_id is not None:
            answer["affiliate"] = str(delivery.affiliate_id)
        if delivery.is_replay:
            answer["replayed"] = True
        return answer
    if delivery.status_code in {400, 413}:
        base = current_app.config["BASE_URL"]
        link = f"{base}/account/settings/segment/deliveries/{delivery.id}"
        return {"message": f"{delivery.reason} {link}"}
    return {"message": delivery.reason}
