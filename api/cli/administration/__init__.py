"""Verbs for administrators: the store, accounts, devices, and serving."""
