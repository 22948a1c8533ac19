"""Reduce the size of a screenshot: 255 colours are enough for a map, and take a third of the space."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

_COLOURS = 255


def shrink(path: Path) -> None:
    """Rewrite a PNG with a palette of 255 colours, without dithering, which would spoil flat areas."""
    with Image.open(path) as image:
        reduced = image.convert("RGB").quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)
