"""Validates photos: media type by content, and maximum size."""

from __future__ import annotations

import io

from geo.errors import InputError

#: Maximum number of pixels: a small file that expands to more is refused before it is decompressed.
MOST_PIXELS = 50_000_000
_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def image_type(content: bytes) -> str:
    """Media type of a photo, determined by its content.

    Raises
    ------
    InputError
        If it is not an image of a known type, is damaged, or has too many pixels.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=list(_TYPES)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise InputError(f"the photo has {image.width} x {image.height} pixels, more than {MOST_PIXELS:,}")
            image.verify()
            return _TYPES[str(image.format)]
    except InputError:
        raise
    except Exception as error:
        raise InputError("the file is no JPEG, PNG or WebP image, or is damaged") from error
