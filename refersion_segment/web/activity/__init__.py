"""Account › Settings › Activity."""
