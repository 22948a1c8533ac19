"""Reads and writes vector files.

``reading`` and ``writing`` are the entry points (:func:`geo.layers.read_layer`, :func:`geo.layers.write_layer`). ``sources``
checks and unpacks a file before GDAL opens it, ``shapefile``, ``dbf`` and ``kml_names`` handle what GDAL does not, and ``atomic``
replaces output files only when they are complete.
"""
