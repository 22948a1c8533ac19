"""Frames as compact JSON and images for a page.

:mod:`cells` encodes cells, backgrounds and texts, :mod:`incident_counts` incidents as counts by place, kind and time,
:mod:`density_image` a density as an image in the projection of a web map; :mod:`packing` writes integers as short text.
No position, number or text of a single incident, officer or device is written.
"""
