"""The rules as plain values and pure functions.

Nothing here knows Flask, SQLAlchemy or the clock: the time is a parameter.
"""
