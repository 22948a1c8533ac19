"""Errors of the database and the server; part of the tree of :mod:`geo.errors`."""

from __future__ import annotations

from typing import Any

from geo.errors import ImpossibleError, InputError, WanggeError


class NotStoredError(InputError):
    """The object that was asked for is not in the store."""


class PublishedError(ImpossibleError):
    """A published version of a division would have been changed."""


class OutdatedError(PublishedError):
    """A draft would be published although another version was published since the one that it is based on."""


class DeniedError(WanggeError):
    """The caller is known and may not do this."""


class StepDeniedError(DeniedError):
    """A step of a case that its actor may not take.

    Parameters
    ----------
    zh, en
        The reason in both languages, as members of the answer.
    """

    def __init__(self, message: str, *, zh: str, en: str) -> None:
        super().__init__(message)
        self.members = {"zh": zh, "en": en}


class StepIncompleteError(InputError):
    """A step of a case that lacks a reason or a value.

    Parameters
    ----------
    zh, en
        The reason in both languages, as members of the answer.
    """

    def __init__(self, message: str, *, zh: str, en: str) -> None:
        super().__init__(message)
        self.members = {"zh": zh, "en": en}


class UnknownCallerError(WanggeError):
    """The request carries no login or token, or one that is not valid (any longer)."""


class TooManyError(WanggeError):
    """Too many tries in a short time.

    Parameters
    ----------
    wait_s
        Seconds after which the next try is answered.
    """

    def __init__(self, message: str, *, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class TooSlowError(WanggeError):
    """The body of a request does not come."""


class TooLargeError(WanggeError):
    """A body is larger than the server takes."""


class EditRefusedError(ImpossibleError):
    """An edit of a draft is impossible.

    Parameters
    ----------
    members
        More members of the answer: kind, reason in both languages, cells, place, proposal.
    """

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.members = members


class ConflictError(ImpossibleError):
    """A request does not fit to what is stored now: somebody else was first, or the draft is in another state.

    Parameters
    ----------
    members
        More members of the answer: kind, and what it is in conflict with.
    """

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.members = members


class QueryError(InputError):
    """A query parameter or filter cannot be used.

    Parameters
    ----------
    parameter
        Name of the parameter.
    position
        Character of its value, from 0, at which it stops making sense.
    """

    def __init__(self, message: str, *, parameter: str, position: int | None = None) -> None:
        super().__init__(message)
        self.parameter, self.position = parameter, position
        self.members = {"parameter": parameter, "position": position}


class MediaTypeError(InputError):
    """The body of a request has a media type that is not taken."""


class StaleError(ImpossibleError):
    """What a request would change is no longer as the caller last saw it (``If-Match``)."""


class NotEditableError(ImpossibleError):
    """Features of a collection would be edited that are made otherwise."""
