"""Errors that only the store and the server know; they hang in the tree of :mod:`geo.errors`."""

from __future__ import annotations

from geo.errors import ImpossibleError, InputError


class NotStoredError(InputError):
    """What was asked for is not in the store."""


class PublishedError(ImpossibleError):
    """A published version of a division would have been changed."""
