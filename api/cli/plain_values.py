"""Conversion of the words of a command line without pydantic, whose import costs 0.2 s of CPU.

Typer converts every value with a pydantic type adapter that it makes first, even for options that are not given. Here the usual
values (texts, paths, numbers, names of a list) are converted directly; whatever is unusual, and every value that would be
refused, is left to typer, so that results and messages are the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

_UNCLEAR = object()
_INTEGER, _NUMBER = re.compile(r"-?[0-9]{1,15}"), re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


class PlainParameter:
    """Converts the values of one parameter; has the method of typer's class of this purpose that typer uses.

    Parameters
    ----------
    descriptor
        Typer's description of the parameter: its annotation, and the options of its declaration.
    usual
        Typer's function that makes the usual converter.
    """

    def __init__(self, descriptor: Any, usual: Callable[[Any], Any]) -> None:
        self._descriptor, self._usual = descriptor, usual

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value of a parameter from the text, or texts, given for it."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        made = self._converted(value)
        return self._usual(self._descriptor).coerce(value, param=param, ctx=ctx) if made is _UNCLEAR else made

    def _converted(self, value: Any) -> Any:
        kind, how = self._descriptor.annotation, self._descriptor.parameter_info
        if how.parser is not None or self._descriptor.file_annotation is not None:
            return _UNCLEAR
        if get_origin(kind) is list and isinstance(value, list | tuple):
            made = [_one(get_args(kind)[0], item, how) for item in value]
            return _UNCLEAR if any(item is _UNCLEAR for item in made) else made
        return _one(kind, value, how)


def _one(kind: Any, value: Any, how: Any) -> Any:
    """One value, or ``_UNCLEAR``."""
    if kind is str:
        return value if type(value) is str else _UNCLEAR
    if kind is Path:
        return _path(value, how)
    if kind is int or kind is float:
        return _number(kind, value, how)
    if get_origin(kind) is Literal:
        return value if type(value) is str and value in get_args(kind) else _UNCLEAR
    if isinstance(kind, type) and issubclass(kind, Enum) and type(value) is str:
        return next((member for member in kind if member.value == value), _UNCLEAR)
    return _UNCLEAR


def _path(value: Any, how: Any) -> Any:
    """A path that needs no test, apart from that of a file that exists but may not be read."""
    tested = how.exists or how.writable or how.resolve_path or how.allow_dash or how.path_type is not None
    if tested or not (how.file_okay and how.dir_okay) or not isinstance(value, str | Path):
        return _UNCLEAR
    return Path(value) if os.access(value, os.R_OK) or not os.path.exists(value) else _UNCLEAR


def _number(kind: type[int] | type[float], value: Any, how: Any) -> Any:
    """A number in plain notation within its limits."""
    if type(value) is str:
        if (_INTEGER if kind is int else _NUMBER).fullmatch(value) is None:
            return _UNCLEAR
        value = kind(value)
    if type(value) is not kind:
        return _UNCLEAR
    inside = (how.min is None or value >= how.min) and (how.max is None or value <= how.max)
    return value if inside else _UNCLEAR


def convert_plain_values() -> None:
    """Let typer use :class:`PlainParameter`; nothing is changed for a typer without the function that it replaces."""
    from typer import core

    usual = getattr(core, "build_runtime_param", None)
    if usual is None or getattr(usual, "is_plain", False):
        return

    def made(descriptor: Any) -> Any:
        return PlainParameter(descriptor, usual)

    made.is_plain = True  # type: ignore[attr-defined]
    setattr(core, "build_runtime_param", made)  # noqa: B010 (not a public name)
