"""Running the server in this process."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from api.app import create_app
from api.settings import Settings
from geo.errors import InputError


def serve(settings: Settings, *, ready: Callable[[str], None], log_level: str = "warning") -> None:
    """Serve until the process is interrupted.

    Parameters
    ----------
    ready
        Called with the address once the port is taken.

    Raises
    ------
    InputError
        If the address cannot be listened on.
    """
    app = create_app(settings)
    with _listen(settings.host, settings.port) as listener:
        host, port = listener.getsockname()[:2]
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
        server = uvicorn.Server(uvicorn.Config(app, log_level=log_level, access_log=False))
        server.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before the server starts, so that 0 means a free one and its number is known."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named: asyncio turns off the delay of small packets (40 ms an answer) only for sockets that say TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        reason = error.strerror or error
        raise InputError(f"cannot listen on {host}:{port} ({reason}); choose another --host or --port") from error
    return listener
