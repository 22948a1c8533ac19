"""Drafts of the editor in the store: their logs, and who is there."""
