"""Cases, reports, rectification items and the roster in the database; the rules are in :mod:`geo.duty`."""
