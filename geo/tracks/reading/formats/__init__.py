"""Readers of track formats, one module each; how they are written is said in :mod:`geo.tracks.reading`."""
