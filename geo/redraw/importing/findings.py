"""Findings of an import, one row for each cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import shapely

#: Columns of the findings of an import.
COLUMNS = ("kind", "cells", "geometry", "explanation", "severity")

#: Meaning of a finding: the planner has to decide, repaired automatically, or only reported.
ERROR, MENDED, NOTE = "error", "mended", "note"


@dataclass
class Findings:
    """Findings of an import, collected by kind."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, kind: str, explanation: str, severity: str, cells: Iterable[str] = (), geometry: Any = None) -> None:
        """Add a finding; the explanation is one text in Chinese and English."""
        codes = tuple(sorted(set(cells)))
        self.rows.append(dict(zip(COLUMNS, (kind, codes, geometry, explanation, severity), strict=True)))

    def frame(self) -> pd.DataFrame:
        """All findings, those that need a decision first."""
        order = {ERROR: 0, MENDED: 1, NOTE: 2}
        rows = sorted(self.rows, key=lambda row: (order[row["severity"]], row["kind"]))
        return pd.DataFrame(rows, columns=list(COLUMNS))


def points(vertices: Iterable[tuple[float, float]]) -> shapely.Geometry:
    """Places as one geometry."""
    return shapely.MultiPoint(list(vertices))
