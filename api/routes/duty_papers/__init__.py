"""Routes and pages of cases, ledgers, the brief and meetings: files, typed texts, signatures, decisions."""

from api.routes.duty_papers import case_pages, meetings, records, sheets

#: Modules with routes.
MODULES = (case_pages, meetings, records, sheets)
