"""Headless Firefox through its own remote protocol (Marionette): opens a page and prints it to PDF.

A message is its length in bytes, a colon, and JSON: ``[0, id, command, parameters]`` as request, ``[1, id, error, result]`` as
answer.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Names of the program: Debian's and the usual one.
NAMES = ("firefox-esr", "firefox")
_PATIENCE_S = 90

# No requests to other hosts, no updates, no first page.
_PREFERENCES = """
user_pref("marionette.port", {port});
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
user_pref("app.update.disabledForTesting", true);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
"""


class Firefox:
    """A session with a running Firefox."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unread = b""
        self._number = 0
        self._receive()  # The greeting.
        self.ask("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"pageLoadStrategy": "normal"}}})

    def ask(self, command: str, parameters: dict[str, Any] | None = None) -> Any:
        """Send a command and return its result."""
        self._number += 1
        body = json.dumps([0, self._number, command, parameters or {}]).encode()
        self._connection.sendall(str(len(body)).encode() + b":" + body)
        _, number, error, result = self._receive()
        assert number == self._number
        assert error is None, error
        return result

    def open(self, address: str) -> None:
        """Open an address and wait until the page is rendered."""
        self.ask("WebDriver:Navigate", {"url": "about:blank"})
        self.ask("WebDriver:Navigate", {"url": address})
        deadline = time.monotonic() + _PATIENCE_S
        while not self.evaluate("return document.documentElement.dataset.ready === 'yes' || !window.wangge"):
            assert time.monotonic() < deadline, "the page did not become ready"
            time.sleep(0.1)

    def evaluate(self, script: str) -> Any:
        """Run a script in the page."""
        return self.ask("WebDriver:ExecuteScript", {"script": script, "args": []})["value"]

    def print(self, *, width_cm: float = 42.0, height_cm: float = 29.7) -> bytes:
        """Print the page to PDF, on its own paper size where Firefox supports it."""
        page = {"width": width_cm, "height": height_cm}
        margins = dict.fromkeys(("top", "bottom", "left", "right"), 0.8)
        wanted = {"background": True, "page": page, "margin": margins, "shrinkToFit": False}
        return base64.b64decode(self.ask("WebDriver:Print", wanted)["value"])

    def _receive(self) -> Any:
        while b":" not in self._unread:
            self._unread += self._more()
        length, _, rest = self._unread.partition(b":")
        while len(rest) < int(length):
            rest += self._more()
        self._unread = rest[int(length) :]
        return json.loads(rest[: int(length)])

    def _more(self) -> bytes:
        got = self._connection.recv(1 << 20)
        assert got, "Firefox closed the connection"
        return got


@contextmanager
def started(program: str, folder: Path) -> Iterator[Firefox]:
    """A Firefox with its own profile in `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    profile = folder / "profile"
    profile.mkdir()
    (profile / "user.js").write_text(_PREFERENCES.format(port=port), encoding="utf-8")
    command = [program, "--headless", "--no-remote", "--marionette", "--profile", str(profile)]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder), "MOZ_HEADLESS": "1"},
    ) as process:
        try:
            with _connected(port) as connection:
                yield Firefox(connection)
        finally:
            process.terminate()
            process.wait(30)


def _connected(port: int) -> socket.socket:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
        except OSError:
            assert time.monotonic() < deadline, "Firefox did not start"
            time.sleep(0.2)
        else:
            return connection
