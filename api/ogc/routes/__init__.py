"""The addresses below ``/ogc``."""

from api.ogc.routes import descriptions, editing, features, tiles

# Looked through in this order: what is asked for most stands first.
ROUTES = [*tiles.ROUTES, *features.ROUTES, *editing.ROUTES, *descriptions.ROUTES]
__all__ = ["ROUTES"]
