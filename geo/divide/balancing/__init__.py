"""Moves cells of a division between their parents until the workload is balanced, with limited change.

:mod:`~geo.divide.balancing.rebalancing`
    The search for balanced divisions that differ from the present one by moves of cells along borders.
:mod:`~geo.divide.balancing.locks`, :mod:`~geo.divide.balancing.incumbents`
    Grids and borders that must not change; matching of new grids to present ones, so that residents keep theirs.
:mod:`~geo.divide.balancing.proposals`
    Parents that could not be balanced: the obstructing building and a proposal.
"""
