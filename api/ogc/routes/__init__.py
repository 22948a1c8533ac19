"""The addresses below ``/ogc``."""

from api.ogc.routes import descriptions, editing, features, tiles

ROUTES = [*descriptions.ROUTES, *features.ROUTES, *editing.ROUTES, *tiles.ROUTES]
__all__ = ["ROUTES"]
