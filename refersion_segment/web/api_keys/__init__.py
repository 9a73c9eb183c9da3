"""Account › Settings › API keys."""
