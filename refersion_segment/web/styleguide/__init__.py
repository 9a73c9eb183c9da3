"""The living style guide: each macro in its states. Local runs only; reads no data."""
