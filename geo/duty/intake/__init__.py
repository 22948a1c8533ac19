"""Intake: the five services, duplicate candidates, and reports made from incidents and sheets."""
