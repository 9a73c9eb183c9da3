"""Account › Settings › Segment: the page of the integration and what can be done on it."""
