"""Does a layer lie where it should: fit of the CRS, systematic shifts, and mixed-up datums."""
