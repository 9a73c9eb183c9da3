"""The pages of the offers."""
