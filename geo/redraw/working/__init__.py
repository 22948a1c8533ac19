"""The state of a draft: arcs and rows over an immutable base, exact arithmetic, postconditions, and application of compiled
edits.
"""
