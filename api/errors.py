"""Errors of the database and the server; part of the tree of :mod:`geo.errors`."""

from __future__ import annotations

from typing import Any

from geo.errors import ImpossibleError, InputError, WanggeError


class NotStoredError(InputError):
    """The requested object is not stored."""


class PublishedError(ImpossibleError):
    """A published version of a division cannot be changed."""


class OutdatedError(PublishedError):
    """A draft cannot be published because another version was published since its base version."""


class DeniedError(WanggeError):
    """The caller is known but lacks the right."""


class StepDeniedError(DeniedError):
    """The actor may not take this step of a case.

    Parameters
    ----------
    zh, en
        The reason in both languages, as members of the answer.
    """

    def __init__(self, message: str, *, zh: str, en: str) -> None:
        super().__init__(message)
        self.members = {"zh": zh, "en": en}


class StepIncompleteError(InputError):
    """A step of a case lacks a reason or a value.

    Parameters
    ----------
    zh, en
        The reason in both languages, as members of the answer.
    """

    def __init__(self, message: str, *, zh: str, en: str) -> None:
        super().__init__(message)
        self.members = {"zh": zh, "en": en}


class UnknownCallerError(WanggeError):
    """The request has no login or token, or one that is invalid or expired."""


class TooManyError(WanggeError):
    """Too many attempts in a short time.

    Parameters
    ----------
    wait_s
        Seconds until the next attempt is accepted.
    """

    def __init__(self, message: str, *, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class TooSlowError(WanggeError):
    """The body of a request did not arrive in time."""


class TooLargeError(WanggeError):
    """A body exceeds the size limit."""


class EditRefusedError(ImpossibleError):
    """An edit of a draft is impossible.

    Parameters
    ----------
    members
        Additional members of the answer: kind, reason in both languages, cells, place, proposal.
    """

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.members = members


class ConflictError(ImpossibleError):
    """A request conflicts with the stored state: it has changed since, or the draft is in another state.

    Parameters
    ----------
    members
        Additional members of the answer: kind, and the cause of the conflict.
    """

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.members = members


class QueryError(InputError):
    """A query parameter or filter is invalid.

    Parameters
    ----------
    parameter
        Name of the parameter.
    position
        Character offset in its value, from 0, of the error.
    """

    def __init__(self, message: str, *, parameter: str, position: int | None = None) -> None:
        super().__init__(message)
        self.parameter, self.position = parameter, position
        self.members = {"parameter": parameter, "position": position}


class MediaTypeError(InputError):
    """The media type of a request body is not supported."""


class StaleError(ImpossibleError):
    """The object to change has changed since the caller read it (``If-Match``)."""


class NotEditableError(ImpossibleError):
    """Features of this collection cannot be edited, because they are derived."""
