"""OGC API at ``/ogc``: features, filters, schemas, editing and vector tiles of what the store holds.

Terms
-----
collection
    A set of features of one kind with one schema: a layer of the division, incidents, verdicts of a day, ...
table
    The features of a collection in memory (:class:`~api.ogc.feature_table.FeatureTable`).
fragment
    One feature as GeoJSON text in one CRS; answers are joined fragments.
version
    A published version of the division. Its tables never change, so their addresses (``?version=``) are immutable.
queryable
    A property allowed in filters and query parameters.

A conformance class is declared (:mod:`~api.ogc.describing.conformance`) only if it is fully implemented. Degrees on WGS-84,
CRS84 and CGCS2000 are treated as equal, as in :mod:`geo.layers.crs`.
"""
