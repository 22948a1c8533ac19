"""Divides a street into atoms, the smallest pieces that a division moves: an exact coverage made from barriers and buildings.

:mod:`~geo.divide.blocks.barriers` collects and nodes the lines, :mod:`~geo.divide.blocks.street_blocks` polygonizes them into
blocks, :mod:`~geo.divide.blocks.atoms` divides blocks along Voronoi ridges (:mod:`~geo.divide.blocks.voronoi`) between
buildings, and :mod:`~geo.divide.blocks.community_blocks` groups blocks into communities if none are given.

Known limits: strips and traffic islands are recognised by width and area; roads that end more than 30 m before the next line do
not close their block.
"""
