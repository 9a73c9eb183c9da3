"""What an affiliate shares: `/r/…`, which leads to the merchant's shop."""
