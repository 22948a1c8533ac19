"""Authentication and authorisation: accounts, roles and grants, tokens, sessions and passwords.

Terms
-----
caller
    Who sent a request: an account (by session cookie or token), a device (by its token), or the public.
role
    Function of an account, such as ``checker``; it implies rights.
right
    Permission required by routes, such as ``see_tracks``.
grant
    A role given to an account for a street, a community or a grid.
token
    A secret of a program, a device or a one-time login link. Shown once; only its SHA-256 is stored.

Public: :class:`Role`, :class:`Right`, :func:`allowed` (the one function that decides), :class:`Caller`,
:mod:`~api.access.secrets`, :mod:`~api.access.passwords`, :mod:`~api.access.callers`.
"""

from api.access.rights import PUBLIC, Caller, Grant, Right, Role, allowed

__all__ = ["PUBLIC", "Caller", "Grant", "Right", "Role", "allowed"]
