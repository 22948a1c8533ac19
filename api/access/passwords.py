"""Passwords: Argon2id with 19 MiB, two passes and one lane (OWASP's smallest recommended choice, about 50 ms of CPU)."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from geo.errors import InputError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
#: Concurrent checks; each takes a core and 19 MiB, so that logins cannot block the service.
_CHECKS = threading.BoundedSemaphore(2)
#: Compared for unknown names, so that response times do not reveal which names exist.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$lQg/IafC2LgRRFyiYjduIQ$bLg3D1NU75LEtHq4J8zPyIVciUQVqjyxxmy+TKBAccY"

SHORTEST, LONGEST = 10, 200
#: Common passwords and parts of passwords.
_COMMON = ("password", "12345678", "11111111", "88888888", "qwertyui", "wangge", "abcd1234", "00000000")


def hashed(password: str, name: str = "") -> str:
    """Hash a new password.

    Raises
    ------
    InputError
        If it is too short or long, contains the account's name, or is a common password.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(f"a password has {SHORTEST} to {LONGEST} characters")
    plain = password.lower()
    if (len(name) > 2 and name.lower() in plain) or len(set(plain)) < 5 or any(word in plain for word in _COMMON):
        raise InputError("this password is easy to guess; choose one without the name and without a common word")
    with _CHECKS:
        return _HASHER.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Compare a password with a stored hash; takes the same time if there is none."""
    with _CHECKS:
        try:
            _HASHER.verify(stored or _NOBODY, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters and should be recomputed at the next login."""
    return _HASHER.check_needs_rehash(stored)
