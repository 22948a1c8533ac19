"""Functions on arrays that numba compiles when they are first called, and that can run uncompiled on small input.

Importing numba costs 0.35 s of CPU and loading a compiled function from its cache 10 to 50 ms, as much as all of the work on a
layer of some dozen cells. So a kernel is compiled at its first call, not at import, and callers that know their input to be small
run it as the plain Python function that it is: the same code, so the same results, about a hundred times as slow.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from types import FunctionType
from typing import Any

_uncompiled: ContextVar[bool] = ContextVar("uncompiled", default=False)
_lock = threading.RLock()


class Kernel:
    """A function that numba compiles at its first call.

    Parameters
    ----------
    function
        The function. Kernels that it calls are globals of its module.
    allocates
        Whether the function, or one that it calls, makes an array.
    options
        Options of ``numba.njit``.

    Notes
    -----
    Numba counts the references to arrays, by an atomic addition and subtraction for each array of each tuple at each call, and at
    each access to an attribute. For small functions this is most of the time: annealing costs a quarter without it. It is left
    out of functions that make no array (``allocates=False``); numba refuses to compile such a function if it does.

    The compiled code is kept in numba's cache beside the module. That cache does not see a change of a kernel that is called from
    another module: remove ``__pycache__`` after such a change.
    """

    def __init__(self, function: FunctionType, options: dict[str, Any], *, allocates: bool = True) -> None:
        self.function, self.allocates = function, allocates
        self._options = options if allocates else options | {"_nrt": False}
        self._compiled: Any = None
        self.__name__, self.__doc__, self.__module__ = function.__name__, function.__doc__, function.__module__
        self.__qualname__, self.__wrapped__ = function.__qualname__, function

    def __call__(self, *arguments: Any) -> Any:
        """Run the kernel; uncompiled inside :func:`uncompiled`."""
        if _uncompiled.get():
            return self.function(*arguments)
        return self.compiled()(*arguments)

    def __reduce__(self) -> str:
        return self.__qualname__

    def compiled(self) -> Any:
        """The dispatcher of numba, which compiles for the types that it is called with."""
        if self._compiled is None:
            with _lock:
                if self._compiled is None:
                    self._compiled = self._dispatcher()
        return self._compiled

    def _dispatcher(self) -> Any:
        import numba

        # numba resolves the names that the code uses as globals: kernels among them stand for their compiled selves.
        function = self.function
        names = {name: function.__globals__.get(name) for name in function.__code__.co_names}
        kernels = {name: value.compiled() for name, value in names.items() if isinstance(value, Kernel)}
        if kernels:
            function = FunctionType(
                function.__code__,
                function.__globals__ | kernels,
                function.__name__,
                function.__defaults__,
                function.__closure__,
            )
            function.__qualname__, function.__module__ = self.function.__qualname__, self.function.__module__
        return numba.njit(cache=True, **self._options)(function)


def kernel(*, allocates: bool = True, **options: Any) -> Callable[[Any], Kernel]:
    """Decorator that makes a function a kernel; options are those of ``numba.njit``, except the cache, which is always on.

    See :class:`Kernel` for `allocates`.

    >>> @kernel(nogil=True)
    ... def double(values):
    ...     return values * 2
    >>> with uncompiled(when=True):
    ...     double(21)
    42
    """

    def decorate(function: Any) -> Kernel:
        return Kernel(function, options, allocates=allocates)

    return decorate


def for_threads(work: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that runs in another thread as it would here, inside or outside :func:`uncompiled`.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with uncompiled(when=True), ThreadPoolExecutor(1) as pool:
    ...     pool.submit(for_threads(_uncompiled.get)).result()
    True
    """
    context = copy_context()
    return lambda *arguments: context.copy().run(work, *arguments)


@contextmanager
def uncompiled(*, when: bool) -> Iterator[None]:
    """Run kernels uncompiled in this thread until the end of the block; see :func:`for_threads`.

    Parameters
    ----------
    when
        Whether the input is so small that this takes less time than loading the compiled code.

    Notes
    -----
    Numbers from arrays are then numpy scalars. Their integers wrap around like those of the compiled code, and division by zero
    gives infinity in both, so numpy's warnings about these are switched off.
    """
    import numpy as np

    if not when:
        yield
        return
    token = _uncompiled.set(True)
    try:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            yield
    finally:
        _uncompiled.reset(token)
