"""The density of incidents as a surface, and its export to GeoTIFF and contours."""
