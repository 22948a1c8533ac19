"""Clocks: when something is due and why, and the limits of the steps of a case."""
