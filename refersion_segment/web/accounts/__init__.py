"""Logging in and out, and signing up."""
