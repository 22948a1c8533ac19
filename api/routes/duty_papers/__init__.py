"""Cases, ledgers, the brief and meetings over HTTP: pages, files, typed texts, signatures, decisions."""

from api.routes.duty_papers import case_pages, records, sheets

#: Modules with routes.
MODULES = (case_pages, records, sheets)
