"""Simulated days on the model street: patrols and incidents with the truth beside them."""
