"""Readers of track formats, one module each; :mod:`geo.tracks.reading` describes how to add one."""
