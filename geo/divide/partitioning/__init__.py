"""Partitions the cells of a coverage into an exact number of parts: contiguous, without holes, balanced, along barriers.

Terms
-----
member
    A cell of the parent that is being split.
parent, part
    What is split, and what it is split into.
family
    Parts of one parent of the level above, where cells may change that parent too.
dead end, gate
    Cells that are reachable through a single other cell, and that cell.
simple move
    A move of one cell that keeps both parts contiguous and without holes (:mod:`geo.divide.partitioning.moves`).

The way of a parent: :mod:`~geo.divide.partitioning.nested` (levels and counts) → :mod:`~geo.divide.partitioning.split` →
:mod:`~geo.divide.partitioning.bisection` (start) → :mod:`~geo.divide.partitioning.annealing` →
:mod:`~geo.divide.partitioning.repartition` (search for what is still off), with the neighbours of
:mod:`~geo.divide.partitioning.adjacency`, the proven limits of :mod:`~geo.divide.partitioning.bounds`, and
:mod:`~geo.divide.partitioning.community_exchange` where communities were drawn.

Known limits: cells are never cut; a part is never enlarged over a border narrower than asked for unless there is no other
partition; results are as good as the search found, and only the bounds are proven.
"""
