"""Checks the right declared by every route; an application with a route without declaration does not start.

The caller is determined and the right checked before the body or a parameter is read: 401 and 403 precede 422.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.access import Right
from api.access.admission import admit
from geo.errors import WanggeError

F = TypeVar("F", bound=Callable[..., Any])


def needs(right: Right | str) -> Callable[[F], F]:
    """Declare the right required by a route, :data:`~api.access.admission.ANYBODY` or
    :data:`~api.access.admission.LOGGED_IN`."""

    def mark(function: F) -> F:
        function.right = right  # type: ignore[attr-defined]
        return function

    return mark


class Guarded(APIRoute):
    """A route that checks its caller first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler with the check."""
        right = getattr(self.endpoint, "right", None)
        if right is None:
            raise TypeError(f"the route {self.path} does not say which right it needs; mark its function with @needs")
        answer = super().get_route_handler()

        async def handler(request: Request) -> Response:
            await admit(request, right)
            try:
                return await answer(request)
            except HTTPException as error:
                # FastAPI converts every error raised while a body is read to 400; wangge errors have their own status.
                if isinstance(error.__cause__, WanggeError):
                    raise error.__cause__ from error
                raise

        return handler
