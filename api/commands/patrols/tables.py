"""Tables of verdicts for programs (CSV, Parquet, evidence), and the workbook for offices."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from api.commands.patrols.history import write_facts
from api.commands.patrols.verified import Study, Verified
from api.commands.patrols.workbook import SHEETS, for_offices
from api.files.outputs import write_csv
from api.files.workbook import write_workbook
from geo.layers import aside
from geo.patrols import blind_spots, by_group, integrity, open_verdicts, seen
from geo.patrols.evidence_records import evidence_lines

#: File of the evidence.
EVIDENCE = "evidence.jsonl.gz"


def write_tables(
    verified: Verified,
    study: Study,
    folder: Path,
    *,
    facts: dict[str, Any],
    refused: Sequence[dict[str, Any]] = (),
    blind_days: int,
    restated: pd.DataFrame | None = None,
) -> list[Path]:
    """Write verdicts, visits, coverage, blind spots, findings, files and refused rows (CSV, Parquet, a workbook), and evidence.

    Persons are named only in the list of visits; they are never counted, ranked or compared.

    Parameters
    ----------
    facts
        Description of the run's input (:func:`api.commands.patrols.history.facts_of`); written as ``run.json``.
    refused
        Unreadable rows and files.
    blind_days
        Days without observation that make a blind spot; all judged days, if these are fewer.
    restated
        Comparison with the verdicts of an earlier run, as an additional table.
    """
    zone = verified.rules.zone
    tables = _tables(verified, study, refused, blind_days)
    if restated is not None:
        tables["restated"] = restated
    written = []
    for name, table in tables.items():
        written.append(folder / f"{name}.csv")
        write_csv(table, written[-1], zone=zone)
        with aside(folder / f"{name}.parquet") as temporary:
            _typed(table).to_parquet(temporary, index=False)
        written.append(folder / f"{name}.parquet")
    names = study.names()
    sheets = {SHEETS[name]: for_offices(table, name, zone, names) for name, table in tables.items()}
    write_workbook(sheets, folder / "patrols.xlsx")
    write_evidence(verified, study.judged, folder / EVIDENCE, facts["cells"]["digest"])
    return [*written, folder / "patrols.xlsx", folder / EVIDENCE, write_facts(facts, folder)]


def _tables(
    verified: Verified, study: Study, refused: Sequence[dict[str, Any]], blind_days: int
) -> dict[str, pd.DataFrame]:
    """All tables of a run by name."""
    rules, inner = verified.rules, study.inner
    seen_days = verified.seen
    if seen_days is None:
        days = [seen(verified.cleaned, inner, day=day, rules=rules) for day in verified.days]
        seen_days = pd.concat(days, ignore_index=True)
    return {
        "verdicts": verified.verdicts,
        "open": open_verdicts(verified.verdicts),
        "visits": verified.visits,
        "coverage": seen_days,
        "coverage_by": _summed_up(seen_days, inner, study.judged),
        "blind_spots": blind_spots(seen_days, day=verified.days[-1], days=min(blind_days, len(verified.days))),
        "findings": integrity(verified.cleaned, rules=rules),
        "files": by_file(verified.cleaned, refused, verified.sources),
        "refused": pd.DataFrame(list(refused), columns=["source", "row", "column", "value", "reason", "reason_zh"]),
    }


def write_evidence(verified: Verified, cells: gpd.GeoDataFrame, path: Path, division: str) -> None:
    """Write the evidence of every verdict: one JSON record per line, compressed with gzip; the same input gives the same
    bytes.
    """
    lines = evidence_lines(
        verified.cleaned,
        verified.presences,
        verified.visits,
        verified.verdicts,
        cells,
        rules=verified.rules,
        division=division,
    )
    with (
        aside(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=5, fileobj=raw, mtime=0) as file,
    ):
        for line in lines:
            file.write(line)


def by_file(cleaned: pd.DataFrame, refused: Sequence[dict[str, Any]], sources: Mapping[str, str]) -> pd.DataFrame:
    """Result of reading each file.

    Returns
    -------
    DataFrame
        By `source`: `fixes` read, `refused` rows, `marked` (fixes with each mark, in words, most frequent first), `reason`
        if the whole file could not be read (empty otherwise), `declared_datum` of its coordinates, and its `sha256`.
    """
    rows: dict[str, dict[str, Any]] = {}

    def of(source: str) -> dict[str, Any]:
        return rows.setdefault(
            source,
            {
                "fixes": 0,
                "refused": 0,
                "marked": "",
                "reason": "",
                "reason_zh": "",
                "declared_datum": "",
                "sha256": sources.get(source, ""),
            },
        )

    for row in refused:
        if row["row"] is None or pd.isna(row["row"]):
            of(row["source"]).update(reason=row["reason"], reason_zh=row["reason_zh"])
        else:
            of(row["source"])["refused"] += 1
    if "source" in cleaned:
        for source, rows_of in cleaned.groupby("source", sort=False):
            marks = rows_of["mark"]
            number = marks[marks != ""].value_counts()
            marked = ", ".join(f"{mark} {count:,}" for mark, count in number.items())
            declared = ", ".join(sorted(rows_of["declared_datum"].unique()))
            of(str(source)).update(fixes=len(marks), marked=marked, declared_datum=declared)
    columns = ["fixes", "refused", "marked", "reason", "reason_zh", "declared_datum", "sha256"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis("source").reset_index().sort_values("source", ignore_index=True)


def _summed_up(seen_days: pd.DataFrame, inner: gpd.GeoDataFrame, judged: gpd.GeoDataFrame) -> pd.DataFrame:
    """Coverage by second-level grid and by community, for each day, week and month."""
    if "parent" not in inner:
        return pd.DataFrame(columns=["by", "code", "each", "period", "cells", "seen", "swept_share", "road_seen_share"])
    above = dict(zip(judged["code"], judged["parent"], strict=True)) if "parent" in judged else {}
    cells = inner.assign(grid=inner["parent"], community=inner["parent"].map(above))
    parts = [
        by_group(seen_days, cells, by=by, period=period).rename(columns={by: "code"}).assign(by=by, each=each)
        for by in ("grid", "community")
        if cells[by].notna().any()
        for period, each in (("D", "day"), ("W", "week"), ("M", "month"))
    ]
    return pd.concat(parts, ignore_index=True)[["by", "code", "each", *parts[0].columns.drop(["by", "code", "each"])]]


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """A table for Parquet: columns that mix numbers and missing values become text."""
    return table.assign(**{name: table[name].astype("string") for name in ("row", "source") if name in table})
