"""A low-cost client: a socket that sends prepared requests, and reads answers by their length."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Sequence
from typing import Any


class Client:
    """One connection to 127.0.0.1."""

    def __init__(self, port: int, *, timeout_s: float = 60.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def exchange(self, sent: bytes) -> tuple[int, bytes]:
        """Send a request; returns status and body of the answer.

        Raises
        ------
        OSError
            If the server closes the connection before the answer is complete.
        """
        self._socket.sendall(sent)
        head, _, rest = self._until(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(rest) < length:
            rest += self._receive()
        self._rest = rest[length:]
        return int(head[9:12]), rest[:length]

    def get(self, path: str, token: str | None = None) -> tuple[int, bytes]:
        """GET a path."""
        return self.exchange(request("GET", path, token=token))

    def _until(self, mark: bytes) -> tuple[bytes, bytes, bytes]:
        held = self._rest
        while mark not in held:
            held += self._receive()
        return held.partition(mark)

    def _receive(self) -> bytes:
        block = self._socket.recv(1 << 16)
        if not block:
            raise ConnectionResetError("the server closed the connection")
        return block


def request(method: str, path: str, *, body: Any = None, token: str | None = None) -> bytes:
    """Bytes of a request; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if content or method != "GET":
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


def send_all(port: int, requests: Sequence[bytes], *, connections: int) -> list[int]:
    """Send requests over several connections concurrently; returns the status of each, in order."""
    statuses = [0] * len(requests)

    def run(first: int) -> None:
        with Client(port) as client:
            for k in range(first, len(requests), connections):
                statuses[k] = client.exchange(requests[k])[0]

    threads = [threading.Thread(target=run, args=(k,)) for k in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses
