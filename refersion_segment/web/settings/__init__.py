"""Account › Settings: the menu. Its pages have folders of their own."""
