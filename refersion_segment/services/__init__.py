"""Verbs over the models in the current session. They flush and never commit: who calls them does.

The two exceptions say so: `deliveries.receive` and the worker's jobs are whole transactions.
"""
