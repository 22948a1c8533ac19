"""Compilation of edits to stored primitives: replacements of arcs and changes of rows."""
