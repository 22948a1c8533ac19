"""Partitions the cells of a coverage into an exact number of parts: contiguous, without holes, balanced, along barriers.

Terms
-----
member
    A cell of the parent that is being split.
parent, part
    The group of cells to be split, and a group in the result.
family
    Parts of one parent of the level above, if cells may change that parent too.
dead end, gate
    Cells that are reachable through a single other cell, and that cell.
simple move
    A move of one cell that keeps both parts contiguous and without holes (:mod:`geo.divide.partitioning.moves`).

Processing of a parent: :mod:`~geo.divide.partitioning.nested` (levels and counts) → :mod:`~geo.divide.partitioning.split` →
:mod:`~geo.divide.partitioning.bisection` (start) → :mod:`~geo.divide.partitioning.annealing` →
:mod:`~geo.divide.partitioning.repartition` (search for parts that are still unbalanced), with the neighbours of
:mod:`~geo.divide.partitioning.adjacency`, the proven limits of :mod:`~geo.divide.partitioning.bounds`, and
:mod:`~geo.divide.partitioning.community_exchange` if communities were generated.

Known limits: cells are never cut; a part is extended across a border narrower than the minimum width only if there is no other
partition; the search is heuristic, and only the bounds are proven.
"""
