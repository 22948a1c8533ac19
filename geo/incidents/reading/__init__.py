"""Reading incidents from files.

:mod:`~geo.incidents.reading.read` takes a table (:mod:`geo.tables`) or a vector file, matches its headers
(:mod:`geo.incidents.columns`), reads times and positions (:mod:`~geo.incidents.reading.positions`) and keeps what cannot be used
with its reason. :mod:`~geo.incidents.reading.datum_checks` looks for incidents that another datum would explain;
:mod:`~geo.incidents.reading.streams` counts very many points chunk by chunk.
"""
