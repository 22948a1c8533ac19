"""The blocks of documents; page, PDF and Word contain the same blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 or 2."""

    text: str
    level: int = 1

    def values(self) -> dict[str, Any]:
        """The block as plain values."""
        return {"kind": "heading", "text": self.text, "level": self.level}


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, and the cases it mentions."""

    text: str
    cases: tuple[str, ...] = ()
    typed: bool = False

    def values(self) -> dict[str, Any]:
        """The block as plain values."""
        return {"kind": "paragraph", "text": self.text, "cases": list(self.cases), "typed": self.typed}


@dataclass(frozen=True)
class TableBlock:
    """A table: headings with relative widths, and rows of texts and numbers."""

    title: str
    columns: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""

    def values(self) -> dict[str, Any]:
        """The block as plain values."""
        return {
            "kind": "table",
            "title": self.title,
            "columns": list(self.columns),
            "widths": list(self.widths),
            "rows": [list(row) for row in self.rows],
            "note": self.note,
            "text_columns": 0,
        }


@dataclass(frozen=True)
class FunnelBlock:
    """A funnel plot: one point per area at its number of cases, and the limits as lines."""

    title: str
    common: float
    phi: float
    points: tuple[tuple[int, int, float, str], ...]
    limits_95: tuple[tuple[tuple[float, float], ...], ...]
    limits_998: tuple[tuple[tuple[float, float], ...], ...]
    note: str = ""
    axis: str = "应结案数"

    def values(self) -> dict[str, Any]:
        """The block as plain values, with the ends and ticks of its axes."""
        most = max(10, max((n for _, n, _, _ in self.points), default=10))
        step = next(size for size in _STEPS if most / size <= 6)
        most = -(-most // step) * step
        lowest = min([value for _, _, value, _ in self.points] + [self.common])
        floor = max(0.0, int(max(lowest - 0.1, 0.0) * 10) / 10)
        return {
            "kind": "funnel",
            "title": self.title,
            "common": self.common,
            "phi": round(self.phi, 2),
            "points": [
                {"label": label, "n": n, "value": round(value, 6), "band": band}
                for label, n, value, band in self.points
            ],
            "limits_95": [[list(point) for point in side] for side in self.limits_95],
            "limits_998": [[list(point) for point in side] for side in self.limits_998],
            "most": most,
            "floor": floor,
            "ceiling": 1.0,
            "ticks": [round(floor + k / 10, 1) for k in range(round((1.0 - floor) * 10) + 1)],
            "counts": list(range(0, most + 1, step)),
            "note": self.note,
            "axis": self.axis,
        }


_STEPS = (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 1_000_000)


@dataclass(frozen=True)
class DefinitionsBlock:
    """Definitions of the indicators, small, at the end."""

    lines: tuple[str, ...]

    def values(self) -> dict[str, Any]:
        """The block as plain values."""
        return {"kind": "definitions", "lines": list(self.lines)}


Block = Heading | Paragraph | TableBlock | FunnelBlock | DefinitionsBlock


def characters(blocks: Sequence[Block]) -> int:
    """Number of characters of headings and paragraphs, as counted by limits on the length of documents."""
    return sum(len(block.text) for block in blocks if isinstance(block, Heading | Paragraph))
