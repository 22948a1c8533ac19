"""Tokens and one-time links: made from 256 random bits, shown once, stored as SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

#: Beginning of a token by its kind, so that a token found in a file or log tells what it is.
PREFIXES = {"device": "wg_dev_", "program": "wg_api_", "link": "wg_link_"}


@dataclass(frozen=True, repr=False)
class Secret:
    """A new secret. Its text is not part of its ``repr``, so that it does not get into a log by accident."""

    text: str

    @property
    def sha256(self) -> str:
        """What the store keeps."""
        return digest(self.text)

    @property
    def last_four(self) -> str:
        """What lists show, so that people can tell tokens apart."""
        return self.text[-4:]


def new_secret(kind: str) -> Secret:
    """Make a token (``device``, ``program``), link (``link``) or session (``session``)."""
    return Secret(PREFIXES.get(kind, "") + secrets.token_urlsafe(32))


def digest(text: str) -> str:
    """SHA-256 of a secret. The secret has 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
