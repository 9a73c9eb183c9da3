"""The delivery log: what Segment sent, what was decided, and why."""
