"""Drafts of the division as collections, and their features edited by the edits of the editor's page."""
