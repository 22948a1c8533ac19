"""Routes below ``/ogc``."""

from api.ogc.routes import descriptions, editing, features, tiles

# Matched in this order: the most frequent first.
ROUTES = [*tiles.ROUTES, *features.ROUTES, *editing.ROUTES, *descriptions.ROUTES]
__all__ = ["ROUTES"]
