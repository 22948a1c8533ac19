"""Edits of a division in files: applied, compared, converted to a crosswalk, and imported from a GIS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from api.files.documents import write_json
from api.files.inputs import optional_layer
from api.files.outputs import write_csv
from api.translations.import_notices import in_both_languages
from geo.errors import FileError, InputError, RefusedEdit
from geo.layers import Level, read_division, write_division
from geo.redraw import Draft, Edit, compare, crosswalk, edit_from_dict, read_edited

#: Key of the list in a file of edits.
EDITS = "edits"


@dataclass(frozen=True)
class Applied:
    """Result of applying a file of edits."""

    edits: int
    cells: int
    residents_with_another_leader: float
    words: tuple[tuple[str, str], ...]


def read_edits(path: Path) -> list[Edit]:
    """Read a file of edits: JSON with a list, or with a list under ``edits``.

    Raises
    ------
    FileError
        If the file is missing or no JSON.
    InputError
        If an edit is malformed; the message says which.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise FileError(f"{path.name}: is not JSON ({error})") from error
    listed = document.get(EDITS) if isinstance(document, dict) else document
    if not isinstance(listed, list) or not all(isinstance(values, dict) for values in listed):
        raise InputError(f"{path.name}: a list of edits is expected, such as one that wangge redraw import writes")
    edits = []
    for position, values in enumerate(listed, start=1):
        try:
            edits.append(edit_from_dict(values))
        except InputError as error:
            raise InputError(f"{path.name}, edit {position}: {error.message}") from error
    return edits


def apply_edits(
    division_path: Path, edits_path: Path, target: Path, *, buildings: Path | None = None, accept: dict[str, str]
) -> Applied:
    """Apply a file of edits to a division as one transaction, and write the result.

    Raises
    ------
    RefusedEdit
        If an edit is impossible; the message says which, and nothing is written.
    """
    base = read_division(division_path)
    draft = Draft.of(base, buildings=optional_layer(buildings))
    edits = read_edits(edits_path)
    for position, edit in enumerate(edits, start=1):
        try:
            draft.apply(edit, accept=accept)
        except RefusedEdit as refused:
            raise RefusedEdit(
                refused.kind,
                f"第{position}项修改被拒绝：{refused.zh}",
                f"edit {position} ({type(edit).__name__}): {refused.en}",
                cells=refused.cells,
                geometry=refused.geometry,
                proposal=refused.proposal,
            ) from refused
    result = draft.division()
    write_division(result, target)
    found = compare(base, result)
    cells = {code for change in draft.changes for code in change.cells}
    return Applied(len(edits), len(cells), found.residents_with_another_leader, tuple(found.words()))


def compare_files(old: Path, new: Path) -> tuple[list[tuple[str, str]], pd.DataFrame, pd.DataFrame]:
    """Compare two divisions: sentences, the cells that differ, and the number of residents who change leaders."""
    found = compare(read_division(old), read_division(new))
    return found.words(), found.cells[found.cells["status"] != "same"].reset_index(drop=True), found.leaders


def crosswalk_files(old: Path, new: Path, level: Level, target: Path) -> int:
    """Write the crosswalk of a level as CSV; return its number of rows."""
    walk = crosswalk(read_division(old), read_division(new), level)
    write_csv(walk, target)
    return len(walk)


def import_edited(
    base: Path, edited: Path, target: Path, findings_path: Path | None = None
) -> tuple[list[Edit], pd.DataFrame]:
    """Read a division that was edited in a GIS, and write its edits, and on request its findings."""
    edits, findings = read_edited(read_division(base), edited)
    findings = in_both_languages(findings)
    write_json({EDITS: [edit.to_dict() for edit in edits]}, target)
    if findings_path is not None:
        write_csv(_flat(findings), findings_path)
    return edits, findings


def _flat(findings: pd.DataFrame) -> pd.DataFrame:
    """Findings as a table of text: codes separated by spaces, places as WKT."""
    places: list[Any] = gpd.GeoSeries(findings["geometry"].tolist()).to_wkt().tolist() if len(findings) else []
    return findings.assign(cells=findings["cells"].map(" ".join), geometry=places)
