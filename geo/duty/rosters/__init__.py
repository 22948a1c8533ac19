"""Rosters: who answers for which cell when (三定), leave and hand-over, shifts, notices, and reading them from sheets."""
