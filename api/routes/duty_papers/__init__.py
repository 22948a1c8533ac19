"""Ledgers, the brief and meetings over HTTP: pages, files, typed texts, signatures, decisions."""

from api.routes.duty_papers import records, sheets

#: Modules with routes.
MODULES = (records, sheets)
