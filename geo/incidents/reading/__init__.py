"""Reads incidents from files.

:mod:`~geo.incidents.reading.read` reads a table (:mod:`geo.tables`) or a vector file, matches its headers
(:mod:`geo.incidents.columns`), converts times and positions (:mod:`~geo.incidents.reading.positions`) and lists unusable
rows with the reason. :mod:`~geo.incidents.reading.datum_checks` finds incidents that another datum would explain;
:mod:`~geo.incidents.reading.streams` counts very many points chunk by chunk.
"""
