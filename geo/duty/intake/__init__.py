"""Intake: the five services, duplicate candidates, and reports created from incidents and tables."""
