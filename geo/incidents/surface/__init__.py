"""Density of incidents as a raster, and its export to GeoTIFF and contours."""
