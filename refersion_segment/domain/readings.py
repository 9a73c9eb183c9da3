"""How the values of an event were read: for the page of the delivery and for its reason."""

from dataclasses import dataclass, field

from refersion_segment.domain.event_objects import Sent, as_text
from refersion_segment.domain.texts import cut, one_line

MAX_SHOWN_LENGTH = 255
MAX_KEPT_LENGTH = 1_000

NOT_USED = "not used"


@dataclass(frozen=True, slots=True)
class Reading:
    """How one value was read."""

    path: str
    """As it was sent, such as `traits.first_name`."""
    value: str | None
    """What was sent, on one line; None when it was neither text nor a number."""
    became: str
    """The field it became, or `NOT_USED`."""
    note: str | None = None
    """How it was read, where that is not plain: `read from three letters`."""


@dataclass(slots=True)
class Notes:
    """What is noted down while the parts of one event are read."""

    readings: list[Reading] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    """Documented path to value, of the values that were read and of nothing else."""
    remarks: list[str] = field(default_factory=list)
    """Sentences for the delivery's reason."""

    def read(self, documented: str, sent: Sent, became: str, note: str | None = None) -> None:
        """Note what a value became, and keep it under its path as documented."""
        text = as_text(sent.value)
        line = None if text is None else one_line(text)
        if line is not None:
            self.kept[documented] = cut(line, MAX_KEPT_LENGTH)
            line = cut(line, MAX_SHOWN_LENGTH)
        self.readings.append(Reading(sent.path, line, became, note))

    def remark(self, sentence: str) -> None:
        """Note a sentence for the delivery's reason."""
        self.remarks.append(sentence)
