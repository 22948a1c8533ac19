"""Statistics of counts per cell.

``rates``: intervals, shrunk rates and weekly change. ``association``, ``background``, ``clusters``: hot spots and local Moran.
``trend``: hot spots over time. ``neighbours``, ``distributions``, ``multiple_testing``: shared parts.
"""
