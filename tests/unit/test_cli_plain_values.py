"""Values of the command line converted directly, compared with the conversion by typer itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from api.cli import application
from api.cli.plain_values import PlainParameter

WORDS = [
    "",
    "a",
    "7",
    "-3",
    "+7",
    "07",
    "1e3",
    "0.5",
    ".5",
    "1_000",
    " 7",
    "nan",
    "99999999999999999999",
    "true",
    "hour",
    "Hour",
]
WORDS += [
    "morning",
    "2026-03-01",
    "tests",
    "README.md",
    "none/there",
    "网格",
    "~/x",
    "a/../b",
    "GCJ-02",
    "third",
    "gb18030",
]


def parameters(command: Any, path: str = "wangge") -> Iterator[tuple[str, Any]]:
    """All parameters of a command and of those below it."""
    for parameter in command.params:
        yield f"{path} {parameter.name}", parameter
    for name, below in getattr(command, "commands", {}).items():
        yield from parameters(below, f"{path} {name}")


def result(convert: Any, value: Any, parameter: Any) -> tuple[type, object]:
    try:
        made = convert(value, param=parameter, ctx=None)
    except (typer.BadParameter, TypeError) as error:  # typer does not expect values that are no texts everywhere
        return type(error), str(error)
    return type(made), made


def test_every_parameter_converts_like_typer() -> None:
    from typer import _coercion

    compared, direct = 0, 0
    for name, parameter in parameters(get_command(application())):
        descriptor = parameter.type_descriptor
        usual = _coercion.build_runtime_param(descriptor)
        plain = PlainParameter(descriptor, lambda _, usual=usual: usual)
        several = parameter.multiple or parameter.nargs == -1
        values: list[Any] = (
            [[word, word] for word in WORDS] if several else [*WORDS, 5, 0.25, Path("x"), parameter.default]
        )
        for value in [*values, None]:
            if callable(value):
                continue
            assert result(plain.coerce, value, parameter) == result(usual.coerce, value, parameter), (name, value)
            compared += 1
            direct += plain._converted(value) is not None and "object object" not in repr(plain._converted(value))
    assert compared > 1000
    assert direct > compared / 3


def test_a_file_that_may_not_be_read_is_refused_by_typer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Those who may read every file run this too."""
    from typer import _coercion

    monkeypatch.setattr("os.access", lambda path, mode: False)
    parameter = get_command(application("check")).commands["check"].params[0]
    plain = PlainParameter(parameter.type_descriptor, _coercion.build_runtime_param)
    with pytest.raises(typer.BadParameter, match="is not readable"):
        plain.coerce(str(tmp_path), parameter, None)
    assert plain.coerce(str(tmp_path / "new"), parameter, None) == tmp_path / "new"


def test_a_command_line_runs_without_pydantic(tmp_path: Path) -> None:
    code = (
        "import sys; from api.cli import run; run(['convert', 'a', 'b', '--crs', 'EPSG:4549']); "
        "print('pydantic' in sys.modules); run(['locate', 'a', '--cells', 'b', '--by', 'week']); print('pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.split() == ["False", "True"]
    assert "week" in done.stderr
