"""Repair of polygon coverages.

Faulty cells and their neighbours are cut into faces along all their borders on the 1 mm lattice. Each face is assigned to
exactly one cell and the faces of each cell are merged. Cells away from faults keep their coordinates unchanged.

Terms
-----
face
    A region bounded by the cut borders; all its points lie in the same set of input cells.
holder
    An input cell that covers a face. A face with several holders is contested (an overlap), one without is a gap.
zone
    The area that a group of cells has to cover: the outline, or one parent. A face is assigned to cells of its own zone.

The modules in order of use: ``selection`` finds the cells to cut, ``overlay`` cuts them (with ``planar_graph``, ``zones`` and
``original_vertices``), ``assignment`` assigns the faces, ``passages`` opens rings, ``outline`` restores vertices of the
outline, and ``plan`` assembles the result. ``nested`` repairs a division. Public names are those of :mod:`geo.coverage`.
"""
