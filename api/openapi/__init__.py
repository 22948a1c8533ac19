"""The description of the service for programs: the document ``/openapi.json`` and the examples of its fields."""

from api.openapi.document import build, router, routes_of

__all__ = ["build", "router", "routes_of"]
