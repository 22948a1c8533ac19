"""Published versions in memory, their preparation in the background, and ``published.gpkg``."""
