"""Moving cells of a division between their parents until the work is even, with as little change as asked for.

:mod:`~geo.divide.balancing.rebalancing`
    The search: from the division of today to even ones, by moves of cells along borders.
:mod:`~geo.divide.balancing.locks`, :mod:`~geo.divide.balancing.incumbents`
    What must stay where it is; new grids matched to those of today, so that people keep theirs.
:mod:`~geo.divide.balancing.proposals`
    Parents that could not be evened: the building in the way and a proposal.
"""
