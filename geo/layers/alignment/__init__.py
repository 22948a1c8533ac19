"""Checks the position of a layer: whether coordinates fit the declared CRS, and whether a layer is shifted against a reference.

``plausibility`` tests coordinates against their CRS. ``detection`` finds a systematic shift and its likely cause, with
``edge_evidence``, ``agreement`` and ``overlap`` as methods and ``known_shifts`` as the list of mistakes that are tested;
``shift`` is the result. Public: :func:`geo.layers.detect_datum`.
"""
