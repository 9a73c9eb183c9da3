"""How one call that Segment delivered ended, and the words for it."""

from enum import StrEnum


class Outcome(StrEnum):
    """The end of one call: the `outcome` of an answer and of a delivery (DESIGN section 5)."""

    CREATED = "created"
    ALREADY_AFFILIATE = "already_affiliate"
    ERASED = "erased"
    DELETED = "deleted"
    NOTHING_TO_DELETE = "nothing_to_delete"
    NEEDS_FIXING = "needs_fixing"  # answered 400 or 413
    REFUSED = "refused"  # answered 403
    IGNORED = "ignored"  # answered 501

    @property
    def label(self) -> str:
        """What a page calls this outcome."""
        return _LABELS.get(self, self.value.replace("_", " ").capitalize())

    @property
    def is_accepted(self) -> bool:
        """Whether the call was answered 200, which uses up its messageId."""
        return self not in {Outcome.NEEDS_FIXING, Outcome.REFUSED, Outcome.IGNORED}


_LABELS = {Outcome.ALREADY_AFFILIATE: "Already here"}


class DeliveryFilter(StrEnum):
    """What the delivery log can be narrowed to (PRODUCT, "Log")."""

    CREATED = "created"
    ALREADY_HERE = "already_here"
    NEEDS_FIXING = "needs_fixing"
    IGNORED = "ignored"
    ERASED = "erased"
    TEST = "test"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()

    @property
    def outcomes(self) -> frozenset[Outcome]:
        """The outcomes to show; every one for `TEST`, which narrows by the test mark instead."""
        return _OUTCOMES_SHOWN.get(self, frozenset(Outcome))


_OUTCOMES_SHOWN = {
    DeliveryFilter.CREATED: frozenset({Outcome.CREATED}),
    DeliveryFilter.ALREADY_HERE: frozenset({Outcome.ALREADY_AFFILIATE}),
    DeliveryFilter.NEEDS_FIXING: frozenset({Outcome.NEEDS_FIXING}),
    # A call refused while the integration is off needs no mending: it was meant to go nowhere.
    DeliveryFilter.IGNORED: frozenset({Outcome.IGNORED, Outcome.REFUSED}),
    DeliveryFilter.ERASED: frozenset({Outcome.ERASED, Outcome.DELETED, Outcome.NOTHING_TO_DELETE}),
}
