"""Imports of duty files into the database."""
