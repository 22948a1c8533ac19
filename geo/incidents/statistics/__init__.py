"""Statistics of counts per cell.

``rates``: intervals, shrunk rates and weekly change. ``association``, ``background``, ``hot_spots``: hot spots and local Moran.
``trend``: hot spots over time. ``neighbours``, ``distributions``, ``multiple_testing``: shared parts.
"""
