"""Optional keyword arguments of a function that has more of them than fit its signature.

Such a function takes ``**options: Unpack[SomeOptions]``, a :class:`typing.TypedDict` that documents each option, so that callers
write ``divide(street, min_border_m=5.0)`` as before and type checkers know every name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

Options = TypeVar("Options", bound=Mapping[str, Any])


def with_defaults(function: str, defaults: Options, given: Options) -> Options:
    """Complete options by their defaults.

    Parameters
    ----------
    function
        Name of the function, for the error.
    defaults
        Value of every option.
    given
        Options given by the caller.

    Raises
    ------
    TypeError
        If an option is given that the function does not have, as Python does for keyword arguments.

    Examples
    --------
    >>> with_defaults("divide", {"keep": 1.0, "min_border_m": 3.0}, {"keep": 2.0})
    {'keep': 2.0, 'min_border_m': 3.0}
    """
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise TypeError(f"{function}() got an unexpected keyword argument {unknown[0]!r}; options: {sorted(defaults)}")
    return cast(Options, {**defaults, **given})
