"""Vector tiles of the division (MVT 2.1, matrix set WebMercatorQuad), encoded from its mesh.

Terms
-----
unit
    1/4096 of the side of a tile; coordinates of a tile are whole units, from its north-west corner, y down.
vertex
    A vertex of the mesh, shared by all cells and levels that meet there; it has one position in each zoom.
chain
    Vertices between two nodes. Chains are simplified, not polygons: whatever is left out is left out of both sides.

Shared borders stay shared: the vertices of all levels are numbered together, each number gets one whole-numbered position per
zoom, and simplification decides by chain which numbers are kept. Cutting at the edge of a tile computes each crossing from the
ends of the edge in a fixed order, so both sides get the same point.

Known limits: a cell that is narrower than the tolerance of a zoom (a quarter of a pixel of 256 a tile) can vanish there. Zooms 10
to 16 are made; larger ones are drawn from 16.
"""
