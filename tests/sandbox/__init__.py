"""Tests of the stand-in for Segment, which knows nothing of the product."""
