"""What an affiliate sees behind the link in the e-mail."""
