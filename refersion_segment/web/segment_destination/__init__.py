"""The one address that Segment calls."""
