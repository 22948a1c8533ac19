"""Locates the points of files, part by part, in this process or on a Dask cluster.

``parts`` divides files into parts, ``points`` reads and checks coordinates, ``hours`` assigns times to intervals, ``counting``
locates one part and sums the results, and ``cluster`` runs parts on workers.
"""
