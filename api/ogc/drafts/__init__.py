"""Drafts of the division as collections whose features are changed through edits of the editor."""
