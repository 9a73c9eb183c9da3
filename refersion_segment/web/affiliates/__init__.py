"""The affiliates: lists, one person, approving, denying, erasing."""
