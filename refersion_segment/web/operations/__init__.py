"""What the operator's tools ask: is it up, is it ready."""
