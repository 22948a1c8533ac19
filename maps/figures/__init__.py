"""Drawn pictures of the README and the docs.

:mod:`division_poster` draws a division as SVG; :mod:`planted_faults` creates six cells with one fault of each kind, and
:mod:`finding_sketch` draws the findings of the check in them.
"""
