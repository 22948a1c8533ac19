"""Drafts of the editor in the database: logs and presence."""
