"""Supervision: rectification items from finding to closing (销号)."""
