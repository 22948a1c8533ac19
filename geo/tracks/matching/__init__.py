"""Relates tracks to roads and cells: map matching, planned routes, and the cells that a device touched.

``network`` builds the road graph, ``viterbi`` matches tracks (with ``kernels``), ``route_cells`` computes touched cells,
``planned_route`` compares a track with a planned route, and ``visibility`` finds places near a path.
"""
