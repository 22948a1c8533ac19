"""Supervision: rectification items from finding to 销号."""
