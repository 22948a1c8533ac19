"""Incidents and verdicts told again on a draft: after an edit, and for a past month."""
