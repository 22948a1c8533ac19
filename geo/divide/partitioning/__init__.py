"""Partitioning cells of a coverage into an exact number of parts: contiguous, without holes, balanced, along barriers, compact."""
