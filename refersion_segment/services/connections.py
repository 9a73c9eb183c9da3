"""The Segment integration of a merchant: enable, choose the offer, disable, and what is ordered.

What must be done at Segment is ordered here, as a job of the same transaction, and done by
`services/provisioning.py`. The connection counts its enables and disables (`generation`); a job
belongs to one of them, so a disable wins over whatever was still under way for the time before.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from refersion_segment import jobs
from refersion_segment.clients.segment_answers import TokenGrant
from refersion_segment.domain.segment_names import SourceName, parse_source
from refersion_segment.extensions import db
from refersion_segment.models import Connection, Job, Offer, Source
from refersion_segment.models.connection import (
    ConnectionMode,
    ConnectionState,
    DestinationState,
)
from refersion_segment.models.job import JobKind
from refersion_segment.models.locks import lock_merchant
from refersion_segment.models.scope import removal_of, rows_of
from refersion_segment.models.upserts import insert_if_new
from refersion_segment.services import install_tokens
from refersion_segment.services.actors import Actor, record

ORDERS: Final = (JobKind.TURN_ON_DESTINATION, JobKind.TURN_OFF_DESTINATION)

# A request that orders something tries it itself; after this time the workers do.
HEAD_START: Final = timedelta(seconds=6)

# What may still be switched on at Segment, for all we know.
MAYBE_ON: Final = {
    DestinationState.TURNING_ON,
    DestinationState.ON,
    DestinationState.TURNING_OFF,
    DestinationState.FAILED,
}


class RefusedConnectionError(ValueError):
    """The connection cannot be made like that; `sentence` says why and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def get(merchant_id: UUID) -> Connection:
    """Return the connection: each merchant has one, whatever its state."""
    return db.session.get_one(Connection, merchant_id)


def lock(merchant_id: UUID) -> Connection:
    """Return the connection, as it is, for the rest of the transaction."""
    query = rows_of(merchant_id, Connection).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def managed_sources(connection: Connection) -> Sequence[Source]:
    """List the sources whose destination is ours to switch, oldest first."""
    query = rows_of(connection.merchant_id, Source).where(Source.resource_name.is_not(None))
    query = query.order_by(Source.id).execution_options(populate_existing=True)
    return db.session.scalars(query).all()


def enable_managed(
    merchant_id: UUID, grant: TokenGrant, *, by: Actor, now: datetime
) -> Sequence[Source]:
    """Take what a consent gave, and order the destination on its sources to be switched on.

    Sources that were connected before stay. Returns those of this consent.

    :raise RefusedConnectionError: if another workspace is connected
    """
    connection = lock(merchant_id)
    _check_workspace(connection, grant.workspace)
    _begin(connection, ConnectionMode.MANAGED, by=by, now=now)
    connection.workspace = grant.workspace
    install_tokens.keep(merchant_id, grant, now)
    chosen = [_source_named(merchant_id, name, now) for name in grant.sources]
    for source in chosen:
        source.install_name = grant.install_name
    _turn_on(connection, chosen, now)
    names = ", ".join(source.label for source in chosen)
    _record(by, connection, "segment.enabled", f"{grant.workspace}: {names}")
    return chosen


def enable_again(merchant_id: UUID, *, by: Actor, now: datetime) -> Sequence[Source]:
    """Use the install that is stored, because Segment says that there is one already.

    Segment does not say which source was chosen: those that were connected before are.

    :raise RefusedConnectionError: if no install is stored, or it is in use, so that the consent
        must have meant another source
    """
    connection = lock(merchant_id)
    known = [
        source
        for source in managed_sources(connection)
        if source.install_name and _workspace_of(source) == connection.workspace
    ]
    is_in_use = (
        connection.state is not ConnectionState.DISABLED
        and connection.mode is ConnectionMode.MANAGED
        and any(source.destination_state is DestinationState.ON for source in known)
    )
    if is_in_use or not known:
        raise RefusedConnectionError(
            "Segment says that Refersion is installed in this workspace already. Add the source "
            "inside Segment, with your API key: Catalog › Sources › your source › "
            "Add Destination › Refersion."
        )
    _begin(connection, ConnectionMode.MANAGED, by=by, now=now)
    _turn_on(connection, known, now)
    _record(by, connection, "segment.enabled", f"{connection.workspace}: the install from before")
    return known


def enable_by_key(merchant_id: UUID, *, by: Actor, now: datetime) -> bool:
    """Take calls from sources to which the merchant adds the destination; False if they are."""
    connection = lock(merchant_id)
    if connection.state is not ConnectionState.DISABLED:
        return False
    _begin(connection, ConnectionMode.API_KEY, by=by, now=now)
    settle(connection)
    _record(by, connection, "segment.enabled", "by API key")
    return True


def choose_offer(merchant_id: UUID, offer_id: UUID, *, by: Actor, now: datetime) -> Offer:
    """Choose the offer that new people from Segment join.

    :raise RefusedConnectionError: if the merchant has no such offer, it is archived, or the
        integration is off
    """
    # The same lock as an archive takes: not both can win.
    query = rows_of(merchant_id, Offer).order_by(Offer.id).with_for_update(key_share=True)
    every = db.session.scalars(query.execution_options(populate_existing=True)).all()
    offer = next((one for one in every if one.id == offer_id and not one.archived_at), None)
    if offer is None:
        raise RefusedConnectionError("Choose one of your offers that is not archived.")
    connection = lock(merchant_id)
    if connection.state is ConnectionState.DISABLED:
        raise RefusedConnectionError("Segment integration is off. Enable it first.")
    if connection.offer_id != offer_id:
        connection.offer_id = offer_id
        _record(by, connection, "segment.offer_chosen", offer.name)
    return offer


def disable(merchant_id: UUID, *, by: Actor, now: datetime) -> bool:
    """Refuse every call from the commit on, and order the destinations to be switched off.

    False if it was off already. Offer, install, sources and log are kept.
    """
    # Alone: an identify is wholly before the disable or wholly after it.
    lock_merchant(merchant_id, exclusive=True)
    connection = lock(merchant_id)
    if connection.state is ConnectionState.DISABLED:
        return False
    connection.generation += 1
    connection.state, connection.problem = ConnectionState.DISABLED, ""
    for source in managed_sources(connection):
        if source.destination_state in MAYBE_ON:
            source.destination_state, source.problem = DestinationState.TURNING_OFF, ""
            order(connection, source, JobKind.TURN_OFF_DESTINATION, now)
    _record(by, connection, "segment.disabled", connection.workspace or "")
    return True


def try_again(merchant_id: UUID, *, by: Actor, now: datetime) -> int:
    """Make what waits or was given up due at once; return how many orders there are."""
    connection = lock(merchant_id)
    orders = [(source, order_for(source)) for source in managed_sources(connection)]
    number = 0
    for source, job in orders:
        if job is None:
            continue
        number += 1
        if job.lease_until is not None and job.lease_until > now:
            continue  # somebody is at it just now
        is_on = job.kind is JobKind.TURN_ON_DESTINATION
        if source.destination_state is DestinationState.FAILED:
            source.destination_state = (
                DestinationState.TURNING_ON if is_on else DestinationState.TURNING_OFF
            )
        order(connection, source, job.kind, now, head_start=HEAD_START)
    settle(connection)
    if number:
        _record(by, connection, "segment.tried_again", "")
    return number


def push_key(merchant_id: UUID, *, now: datetime) -> None:
    """Order the managed destinations to get the current API key, after a rotation."""
    connection = lock(merchant_id)
    if connection.state is ConnectionState.DISABLED:
        return
    for source in managed_sources(connection):
        if source.destination_state in {DestinationState.ON, DestinationState.TURNING_ON}:
            order(connection, source, JobKind.TURN_ON_DESTINATION, now)
    db.session.flush()


def order(
    connection: Connection,
    source: Source,
    kind: JobKind,
    now: datetime,
    *,
    head_start: timedelta = timedelta(0),
) -> None:
    """Order one thing to be done at Segment; what was ordered for the source before is void.

    An order that somebody is at stays: it must find out for itself that it is void, and mend
    what it did meanwhile (`correct`).

    :param head_start: how long the workers leave it to the request that ordered it.
    """
    db.session.execute(
        removal_of(connection.merchant_id, Job).where(
            Job.subject_id == source.id, Job.kind.in_(ORDERS), Job.lease_until.is_(None)
        ),
        execution_options={"synchronize_session": False},
    )
    job = jobs.enqueue(
        kind,
        merchant_id=connection.merchant_id,
        subject_id=source.id,
        generation=connection.generation,
        now=now,
    )
    job.due_at = now + head_start


def order_for(source: Source) -> Job | None:
    """Return the newest order for a source that is not done."""
    query = rows_of(source.merchant_id, Job).where(
        Job.subject_id == source.id, Job.kind.in_(ORDERS)
    )
    newest = query.order_by(Job.id.desc()).limit(1)
    return db.session.scalar(newest.execution_options(populate_existing=True))


def correct(connection: Connection, source: Source, did: JobKind, now: datetime) -> None:
    """Mend what a void order may have done after the order that made it void.

    A switch-on that was in flight when the merchant disabled may reach Segment after the
    switch-off; then it is switched off again. The other way round likewise.
    """
    state = source.destination_state
    is_off = connection.state is ConnectionState.DISABLED
    if did is JobKind.TURN_ON_DESTINATION:
        wants_off = {DestinationState.OFF, DestinationState.TURNING_OFF}
        if state in wants_off or (is_off and state is DestinationState.FAILED):
            source.destination_state = DestinationState.TURNING_OFF
            order(connection, source, JobKind.TURN_OFF_DESTINATION, now)
    elif state in {DestinationState.ON, DestinationState.TURNING_ON} and not is_off:
        order(connection, source, JobKind.TURN_ON_DESTINATION, now)


def settle(connection: Connection) -> None:
    """Let the connection's state follow from its sources'. One that works is enough."""
    if connection.state is ConnectionState.DISABLED:
        return
    sources = managed_sources(connection)
    states = {source.destination_state for source in sources}
    if connection.mode is ConnectionMode.API_KEY or DestinationState.ON in states:
        connection.state, connection.problem = ConnectionState.CONNECTED, ""
        return
    waits = DestinationState.TURNING_ON in states
    connection.state = ConnectionState.CONNECTING if waits else ConnectionState.FAILING
    shown = DestinationState.TURNING_ON if waits else DestinationState.FAILED
    problems = (each.problem for each in sources if each.destination_state is shown)
    connection.problem = next(filter(None, problems), "")


def _check_workspace(connection: Connection, workspace: str) -> None:
    if connection.state is ConnectionState.DISABLED or connection.mode is ConnectionMode.API_KEY:
        return
    for source in managed_sources(connection):
        if source.destination_state in MAYBE_ON and _workspace_of(source) != workspace:
            raise RefusedConnectionError(
                f"The Segment workspace {_workspace_of(source)} is connected. Choose a source of "
                "it, or disable the integration first."
            )


def _workspace_of(source: Source) -> str | None:
    name = parse_source(source.resource_name)
    return name.workspace if name else None


def _begin(connection: Connection, mode: ConnectionMode, *, by: Actor, now: datetime) -> None:
    """Leave `disabled`, if it is: a new generation, for which everything is ordered anew."""
    is_new = connection.state is ConnectionState.DISABLED
    if is_new or connection.mode is not mode:
        connection.connected_by, connection.connected_at = by.user_id, now
    connection.mode = mode
    if not is_new:
        return
    connection.generation += 1
    connection.state, connection.problem = ConnectionState.CONNECTING, ""
    for source in managed_sources(connection):
        if source.destination_state is DestinationState.TURNING_OFF:
            order(connection, source, JobKind.TURN_OFF_DESTINATION, now)


def _turn_on(connection: Connection, sources: Sequence[Source], now: datetime) -> None:
    for source in sources:
        if source.destination_state is not DestinationState.ON:
            source.destination_state = DestinationState.TURNING_ON
        source.problem = ""
        order(connection, source, JobKind.TURN_ON_DESTINATION, now, head_start=HEAD_START)
    settle(connection)


def _source_named(merchant_id: UUID, name: SourceName, now: datetime) -> Source:
    insert_if_new(
        Source,
        merchant_id=merchant_id,
        id=uuid7(),
        resource_name=name.resource_name,
        label=name.slug,
        destination_state=DestinationState.NONE,
        problem="",
        created_at=now,
    )
    query = rows_of(merchant_id, Source).where(Source.resource_name == name.resource_name)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def _record(by: Actor, connection: Connection, action: str, detail: str) -> None:
    db.session.flush()
    record(by, action, merchant_id=connection.merchant_id, detail=detail)
