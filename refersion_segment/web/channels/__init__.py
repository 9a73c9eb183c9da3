"""Channels › Email: which mails go out, and what they say."""
