"""Vector tiles of the division (MVT 2.1, matrix set WebMercatorQuad), encoded from its mesh.

Terms
-----
unit
    1/4096 of the side of a tile; coordinates of a tile are whole units, from its north-west corner, y down.
vertex
    A vertex of the mesh, shared by all cells and levels that meet there; it has one position in each zoom.
chain
    Vertices between two nodes. Chains are simplified instead of polygons, so that the same vertices are removed on both sides.

Shared borders stay identical: the vertices of all levels are numbered together, each has one integer position per zoom, and
simplification removes vertices by chain. Clipping at the edge of a tile computes each crossing from the ends of the edge in a
fixed order, so that both sides get the same point.

Known limits: a cell narrower than the tolerance of a zoom (a quarter of a pixel of 256 a tile) can vanish there. Zooms 10 to 16
are built; clients overzoom from 16.
"""
