"""The structure of the code: sizes, names, forbidden calls. Rules not enforced by import-linter and ruff."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.mutations import LISTS, read_list

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path for room in ("geo", "maps", "api") for path in (ROOT / room).rglob("*.py") if "versions" not in path.parts
)
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}

#: Words that do not describe a module, function or class.
VAGUE = frozenset(
    (
        *(
            "owners",
            "faces",
            "follow",
            "openings",
            "restore",
            "affected",
            "ways",
            "straight",
            "told",
            "mend",
            "across",
            "whole",
        ),
        *(
            "today",
            "tails",
            "fit",
            "causes",
            "inside",
            "touched",
            "hidden",
            "number",
            "part",
            "some",
            "taken",
            "enough",
        ),
        *("beside", "apart"),
    )
)
#: Words that do not describe a public attribute as its whole name, besides those of VAGUE. Five words of VAGUE are allowed,
#: because the class gives them a meaning: a draft has a number, a raster knows which of its cells are inside.
VAGUE_ATTRIBUTES = VAGUE - {"follow", "inside", "number", "part", "touched"} | {
    *(
        "alone",
        "asked",
        "bare",
        "beyond",
        "causes",
        "endless",
        "foot",
        "leave",
        "off",
        "seldom",
        "silent",
        "twice",
        "usual",
    ),
    *("what", "how", "ways"),
}
#: Public names guaranteed to other programs.
PROMISED = frozenset({"touched", "restore"})

#: Maximum number of lines of a module and of a function, of parameters of a function, and of modules of a folder.
MODULE_LINES, FUNCTION_LINES, PARAMETERS, FOLDER_MODULES = 400, 60, 8, 15

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(TREES[path]) if isinstance(node, Function))


def _public(path: Path) -> Iterator[str]:
    for node in TREES[path].body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


def test_modules_fit_in_the_head() -> None:
    long = {
        _name(path): lines for path in MODULES if (lines := path.read_text(encoding="utf-8").count("\n")) > MODULE_LINES
    }
    assert long == {}


def test_functions_are_short_and_take_few_parameters() -> None:
    found = {}
    for path in MODULES:
        command_line = _name(path).startswith("api/cli/")
        for node in _functions(path):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            docstring = node.body[0] if ast.get_docstring(node) is not None else None
            if docstring is not None:
                lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
            arguments = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            parameters = len([name for name in arguments if name not in ("self", "cls")])
            if lines > FUNCTION_LINES or (parameters > PARAMETERS and not command_line):
                found[f"{_name(path)}:{node.name}"] = (lines, parameters)
    assert found == {}


def test_folders_have_one_subject() -> None:
    counts = Counter(_name(path.parent) for path in MODULES if path.name != "__init__.py")
    assert {folder: count for folder, count in counts.items() if count > FOLDER_MODULES} == {}


def test_names_say_what_they_hold() -> None:
    vague = {}
    for path in MODULES:
        names = [path.stem, *_public(path)]
        for name in names:
            words = set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))
            if words & VAGUE and name not in PROMISED:
                vague[f"{_name(path)}:{name}"] = sorted(words & VAGUE)
    assert vague == {}


def _attributes(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Class and name of each public attribute, property and method of the public classes of a module."""
    for cls in ast.walk(tree):
        if not isinstance(cls, ast.ClassDef) or cls.name.startswith("_"):
            continue
        for node in cls.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield cls.name, node.target.id
            elif isinstance(node, Function):
                yield cls.name, node.name


def test_attributes_say_what_they_hold() -> None:
    vague = [
        f"{_name(path)}:{cls}.{name}"
        for path, tree in TREES.items()
        for cls, name in _attributes(tree)
        if name in VAGUE_ATTRIBUTES
    ]
    assert vague == []


def test_no_module_is_called_like_a_public_name_of_its_package() -> None:
    clashes = []
    for path in MODULES:
        if path.name != "__init__.py":
            continue
        exported = {
            alias.asname or alias.name
            for node in ast.walk(TREES[path])
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        here = {other.stem for other in path.parent.glob("*.py")} | {
            other.name for other in path.parent.iterdir() if (other / "__init__.py").is_file()
        }
        clashes += [f"{_name(path.parent)}: {name}" for name in sorted(exported & here) if not _is_module(path, name)]
    assert clashes == []


def _is_module(path: Path, name: str) -> bool:
    """Whether a package imports the module itself under its own name."""
    package = ".".join(path.parent.relative_to(ROOT).parts)
    return any(
        isinstance(node, ast.ImportFrom) and node.module == package and any(alias.name == name for alias in node.names)
        for node in ast.walk(TREES[path])
    )


def test_every_package_and_module_says_what_it_is_for() -> None:
    assert [_name(path) for path in MODULES if not ast.get_docstring(TREES[path])] == []


def test_one_formatter() -> None:
    skipping = re.compile(r"#\s*fmt:\s*(skip|off)")
    assert [_name(path) for path in MODULES if skipping.search(path.read_text(encoding="utf-8"))] == []


#: Calls that read a clock, and names that read the environment; forbidden in geo.
CLOCKS = {
    ("time", "time"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("Timestamp", "now"),
}
ENVIRONMENT = {"environ", "getenv"}


def test_geo_reads_no_clock_and_no_environment() -> None:
    found = []
    for path in MODULES:
        if not _name(path).startswith("geo/"):
            continue
        for node in ast.walk(TREES[path]):
            if isinstance(node, ast.Attribute):
                owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
                if (owner, node.attr) in CLOCKS or node.attr in ENVIRONMENT:
                    found.append(f"{_name(path)}:{node.lineno}: {owner}.{node.attr}")
    assert found == []


def test_geometries_of_callers_are_never_prepared() -> None:
    """Prepared geometries are not safe in two threads, so only copies are prepared; see geo/prepared.py."""
    calls = ("shapely.prepare(", "shapely.prepared", "prepared.prep(")
    found = [_name(path) for path in MODULES if any(call in path.read_text(encoding="utf-8") for call in calls)]
    assert found == ["geo/prepared.py"]


def test_transformations_between_systems_are_made_in_one_place() -> None:
    """Otherwise PROJ searches its database, 0.13 s for each pair of systems; see geo/layers/transformers.py."""
    calls = (".to_crs(", "Transformer.from_crs(")
    found = [_name(path) for path in MODULES if any(call in path.read_text(encoding="utf-8") for call in calls)]
    assert found == ["geo/layers/transformers.py"]


@pytest.mark.parametrize("path", sorted(LISTS.glob("*.toml")), ids=lambda path: path.stem)
def test_mutations_still_apply(path: Path) -> None:
    mutations = read_list(path)
    assert len(mutations) >= 20
    for mutation in mutations:
        for target in mutation.tests:
            assert (ROOT / target.split("::")[0]).exists(), f"{path.name}: {mutation.why}: no test {target}"
