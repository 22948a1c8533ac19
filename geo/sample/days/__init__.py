"""Simulates days on the model street: patrols and incidents with known truth."""
