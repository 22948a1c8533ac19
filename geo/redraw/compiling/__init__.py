"""Edits compiled to what is stored and undone: replacements of arcs and changes of rows."""
