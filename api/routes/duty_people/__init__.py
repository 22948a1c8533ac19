"""Who is on duty: roster, shifts, notices and rectification over HTTP, with their pages."""

from api.routes.duty_people import rosters

#: Modules with routes.
MODULES = (rosters,)
