"""Tracks on roads and cells: map matching, planned routes, and the cells that a true route touched."""
