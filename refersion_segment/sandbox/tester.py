"""The Event Tester: one event, sent to the destination at once, with the answer shown."""

import json
from dataclasses import dataclass

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from refersion_segment.sandbox import deliveries, samples
from refersion_segment.sandbox.core import Sandbox, current_sandbox
from refersion_segment.sandbox.deliverer import TEST
from refersion_segment.sandbox.destinations import find_destination
from refersion_segment.sandbox.pipeline import Event
from refersion_segment.sandbox.sender import Answer
from refersion_segment.sandbox.workspace import find_source, list_sources

blueprint = Blueprint("tester", __name__)


class TestRefusedError(Exception):
    """The event cannot be sent; the text says what to do first."""


@dataclass(frozen=True)
class TestResult:
    """What the destination answered, and where the whole delivery can be seen."""

    delivery_id: int
    message_id: str
    answer: Answer


@blueprint.get("/tester")
def show() -> ResponseReturnValue:
    """Show the editor with a sample of the chosen type."""
    call_type = request.args.get("type", "identify")
    if call_type not in samples.TESTED_TYPES:
        call_type = "identify"
    return _page(samples.tester_event(call_type), request.args.get("source", ""))


@blueprint.post("/tester")
def send() -> ResponseReturnValue:
    """Send what is in the editor and show what came back."""
    sandbox = current_sandbox()
    document, slug = request.form.get("document", ""), request.form.get("source", "")
    try:
        event = _event(document)
        result = _send(sandbox, slug, event)
    except TestRefusedError as refusal:
        return _page(document, slug, error=str(refusal)), 400
    # A fresh messageId for the next click: with the same one it would be a duplicate.
    next_document = document.replace(result.message_id, samples.test_message_id())
    return _page(next_document, slug, result=result)


def _event(document: str) -> Event:
    try:
        event = json.loads(document)
    except (ValueError, RecursionError) as fault:
        raise TestRefusedError("This is not valid JSON.") from fault
    if not isinstance(event, dict) or event.get("type") not in samples.TESTED_TYPES:
        raise TestRefusedError(
            f"The event must be an object with a type: {', '.join(samples.TESTED_TYPES)}."
        )
    message_id = event.get("messageId")
    if not (isinstance(message_id, str) and message_id.startswith(samples.TEST_PREFIXES)):
        event["messageId"] = samples.test_message_id()
    return event


def _send(sandbox: Sandbox, slug: str, event: Event) -> TestResult:
    source = find_source(sandbox.database, slug)
    if source is None:
        raise TestRefusedError("Choose a source.")
    name = f"{source.name}/destinations/{sandbox.destination_slug}"
    destination = find_destination(sandbox.database, name)
    if destination is None or not destination.enabled:
        raise TestRefusedError(
            f"{sandbox.display_name} is not added to {slug}, or it is off. Turn it on first."
        )
    claim = deliveries.put_claimed(sandbox.database, source, name, event, kind=TEST)
    answer = sandbox.deliverer.deliver(claim)
    if answer is None:
        raise TestRefusedError(f"{sandbox.display_name} was turned off just now.")
    return TestResult(claim.delivery.id, claim.delivery.message_id, answer)


def _page(document: str, slug: str, *, error: str = "", result: TestResult | None = None) -> str:
    return render_template(
        "tester.html",
        document=document,
        sources=list_sources(current_sandbox().database),
        slug=slug,
        error=error,
        result=result,
        types=samples.TESTED_TYPES,
    )
