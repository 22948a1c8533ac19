"""Encryption of reporters' names and contacts.

The key is a file outside the database, so a copy of the database alone reveals no contacts.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from geo.duty import Reporter
from geo.errors import FileError, InputError


class Seal:
    """Encrypts and decrypts with the key of a file (AES-128-CBC with HMAC-SHA-256, as Fernet does).

    Parameters
    ----------
    path
        Key file; created at the first encryption, readable only by its owner.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fernet: Fernet | None = None

    def sealed(self, reporter: Reporter) -> bytes | None:
        """Encrypted name and contact; None if both are empty."""
        if not (reporter.name or reporter.contact):
            return None
        text = json.dumps({"name": reporter.name, "contact": reporter.contact}, ensure_ascii=False)
        return self._key(make=True).encrypt(text.encode())

    def opened(self, sealed: bytes | None) -> tuple[str, str]:
        """Decrypted name and contact; empty if there are none.

        Raises
        ------
        FileError
            If the key is missing.
        InputError
            If it is another key.
        """
        if sealed is None:
            return "", ""
        try:
            values = json.loads(self._key(make=False).decrypt(bytes(sealed)))
        except InvalidToken as error:
            raise InputError(
                f"{self.path}: is not the key that the contacts of this store were encrypted with"
            ) from error
        return values["name"], values["contact"]

    def _key(self, *, make: bool) -> Fernet:
        if self._fernet is not None:
            return self._fernet
        if not self.path.exists():
            if not make:
                raise FileError(f"{self.path}: the key of the contacts is missing; put it back from where it was kept")
            self._write()
        try:
            self._fernet = Fernet(self.path.read_bytes().strip())
        except ValueError as error:
            raise FileError(f"{self.path}: is not a key; a key has 44 characters created by 'wangge'") from error
        return self._fernet

    def _write(self) -> None:
        """Create the key; if two processes do so at once, both use the one that was written first."""
        try:
            number = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        except OSError as error:
            raise FileError(f"{self.path}: the key of the contacts cannot be written ({error.strerror})") from error
        with os.fdopen(number, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
