"""Routes and pages of roster, shifts, notices and rectification."""

from api.routes.duty_people import notices, rectifications, rosters, shifts, staff_pages

#: Modules with routes.
MODULES = (notices, rectifications, rosters, shifts, staff_pages)
