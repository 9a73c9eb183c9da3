"""The way to Segment's consent and back."""
