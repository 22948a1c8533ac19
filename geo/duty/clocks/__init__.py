"""Deadlines and their explanation."""
