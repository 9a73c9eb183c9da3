"""Refersion for Segment: every new identity that a merchant's apps send becomes an affiliate."""
