"""Cuts a street into atoms, the smallest pieces that a division moves: an exact coverage made of barriers and buildings.

:mod:`~geo.divide.blocks.barriers` collects and nodes the lines, :mod:`~geo.divide.blocks.street_blocks` makes blocks of them,
:mod:`~geo.divide.blocks.atoms` cuts blocks along Voronoi ridges (:mod:`~geo.divide.blocks.voronoi`) between buildings, and
:mod:`~geo.divide.blocks.community_blocks` draws communities of blocks where none are given.

Known limits: strips and traffic islands are recognised by width and area; roads that stop more than 30 m short of the next
line leave their block open.
"""
