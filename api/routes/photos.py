"""Photos in requests and responses, the same for incidents, reports and rectification."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import Depends, File, Response, UploadFile


class ReceivedPhoto(NamedTuple):
    """A photo of a request; `media_type` is determined by the content."""

    content: bytes
    media_type: str


def _received(file: Annotated[UploadFile, File(description="JPEG, PNG or WebP")]) -> ReceivedPhoto:
    from api.ingest.photos import image_type

    content = file.file.read()
    return ReceivedPhoto(content, image_type(content))


#: Parameter of a route that receives one photo as the form field `file`.
PhotoOf = Annotated[ReceivedPhoto, Depends(_received)]


def photo_response(content: bytes, media_type: str) -> Response:
    """Response with a stored photo. The address contains its hash, so a browser may keep it for an hour."""
    headers = {"Content-Disposition": "inline", "Cache-Control": "private, max-age=3600"}
    return Response(content, media_type=media_type, headers=headers)
