"""Derives stays and visits from presences.

``dwell`` computes the expected time in a cell under positioning errors, ``counted_visits`` joins presences into stays and
applies the rules (with ``stay_probability``, ``spacing``, ``moments`` and ``reasons``), ``visit_counts`` gives the distribution
of the number of visits, and ``silences`` and ``unobserved`` estimate visits in times without fixes. ``day_visits`` is the form
used by verdicts.
"""
