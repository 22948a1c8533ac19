"""The model street itself: outline, roads, land use, buildings and residents."""
