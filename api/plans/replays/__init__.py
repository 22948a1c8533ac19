"""Recomputation of incidents and verdicts on a draft: after an edit, and for a past month."""
