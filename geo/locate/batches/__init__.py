"""Points in files, put into cells part by part, in this process or on a Dask cluster."""
