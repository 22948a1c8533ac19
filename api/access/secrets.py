"""Tokens and one-time links: made from 256 random bits, shown once, stored as SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

#: Prefix of a token by kind, so that a token found in a file or log can be identified.
PREFIXES = {"device": "wg_dev_", "program": "wg_api_", "link": "wg_link_"}


@dataclass(frozen=True, repr=False)
class Secret:
    """A new secret. Its text is excluded from ``repr``, so that it is not logged by accident."""

    text: str

    @property
    def sha256(self) -> str:
        """Hash stored in the database."""
        return digest(self.text)

    @property
    def last_four(self) -> str:
        """Last characters, shown in lists to distinguish tokens."""
        return self.text[-4:]


def new_secret(kind: str) -> Secret:
    """Create a token (``device``, ``program``), link (``link``) or session (``session``)."""
    return Secret(PREFIXES.get(kind, "") + secrets.token_urlsafe(32))


def digest(text: str) -> str:
    """SHA-256 of a secret. The secret has 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
