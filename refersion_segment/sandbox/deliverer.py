"""The threads that bring queued events to destinations, in as many processes as there are."""

import logging
import os
import threading
import weakref

from refersion_segment.sandbox import deliveries, schedule
from refersion_segment.sandbox.clock import parse_moment, utc_now
from refersion_segment.sandbox.database import Database
from refersion_segment.sandbox.deliveries import Claim
from refersion_segment.sandbox.destinations import find_destination
from refersion_segment.sandbox.records import Delivery
from refersion_segment.sandbox.schedule import DISCARDED, Outcome
from refersion_segment.sandbox.sender import Answer, send
from refersion_segment.sandbox.switches import Switches

THREADS = 4
LONGEST_NAP_SECONDS = 1.0
TEST = "test"

logger = logging.getLogger(__name__)


class Deliverer:
    """Sends what is due: by its threads, or in the caller's own for a page that waits."""

    def __init__(self, database: Database, destination_url: str) -> None:
        """Start nothing yet."""
        self._database = database
        self._url = destination_url
        self.starts_by_itself = True
        self._forget_threads()
        myself = weakref.WeakMethod(self._forget_threads)
        os.register_at_fork(after_in_child=lambda: (forget := myself()) and forget())

    def _forget_threads(self) -> None:
        # A forked child has this object, but none of the threads that its parent started.
        self._lock = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._is_stopping = False
        self._news = 0

    def start(self) -> None:
        """Start the threads of this process, unless they run."""
        with self._lock:
            if self._threads:
                return
            self._is_stopping = False
            self._threads = [
                threading.Thread(target=self._run, name=f"segment-delivery-{n}", daemon=True)
                for n in range(THREADS)
            ]
            for thread in self._threads:
                thread.start()

    def stop(self) -> None:
        """Let each thread finish its try, then end it."""
        with self._lock:
            self._is_stopping = True
            threads, self._threads = self._threads, []
            self._lock.notify_all()
        for thread in threads:
            thread.join()

    def wake(self) -> None:
        """Tell the threads that something is due now; start them if they never were."""
        if self.starts_by_itself:
            self.start()
        with self._lock:
            self._news += 1
            self._lock.notify_all()

    def _run(self) -> None:
        while not self._is_stopping:
            with self._lock:
                seen = self._news
            try:
                has_worked = self._database.path.exists() and self.deliver_next()
            except Exception:
                logger.exception("A sandbox delivery failed")
                has_worked = False
            if not has_worked:
                self._nap(seen)

    def _nap(self, seen: int) -> None:
        with self._lock:
            if self._news == seen and not self._is_stopping:
                self._lock.wait(LONGEST_NAP_SECONDS)

    def deliver_next(self) -> bool:
        """Try the delivery that is due first; False when none is."""
        if Switches.load(self._database).hold_deliveries:
            return False
        claim = deliveries.claim_due(self._database)
        if claim is None:
            return False
        self.deliver(claim)
        return True

    def deliver(self, claim: Claim) -> Answer | None:
        """Try a claimed delivery now; None when its destination takes nothing any more."""
        delivery = claim.delivery
        switches = Switches.load(self._database)
        destination = find_destination(self._database, delivery.destination_name)
        if destination is None or not destination.enabled:
            gone = "destination-off" if destination else "destination-removed"
            deliveries.close(
                self._database, claim, None, Outcome(DISCARDED, f"errors.discarded.{gone}")
            )
            return None
        answer = send(self._url, destination.api_key, delivery.body, switches.network)
        deliveries.close(self._database, claim, answer, _outcome(delivery, answer, switches))
        return answer


def _outcome(delivery: Delivery, answer: Answer, switches: Switches) -> Outcome:
    born = parse_moment(delivery.created_at) or utc_now()
    outcome = schedule.after_try(
        answer,
        tries=delivery.tries + 1,
        age_seconds=(utc_now() - born).total_seconds(),
        time_scale=switches.time_scale,
    )
    if delivery.kind == TEST and outcome.state == schedule.WAITING:
        # The Event Tester shows one answer and is done.
        return Outcome(DISCARDED, outcome.code.replace("awaiting-retry", "discarded"))
    return outcome
