"""Who is on duty: roster, shifts, notices and rectification over HTTP, with their pages."""

from api.routes.duty_people import notices, rectifications, rosters, shifts, staff_pages

#: Modules with routes.
MODULES = (notices, rectifications, rosters, shifts, staff_pages)
