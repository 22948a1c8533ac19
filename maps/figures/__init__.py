"""Pictures of the README and the docs that are drawn, not photographed.

:mod:`division_poster` draws a division as SVG; :mod:`planted_faults` makes six cells with one fault of each kind, and
:mod:`finding_sketch` draws what the check finds in them.
"""
