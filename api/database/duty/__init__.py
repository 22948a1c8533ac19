"""Cases, reports, rectification items and the roster in the store; the rules are in :mod:`geo.duty`."""
