"""Input of a run of ``wangge patrols``, and comparison with the verdicts of an earlier run."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from api.commands.patrols.verified import Verified
from api.files.outputs import write_text
from geo.errors import FileError
from geo.layers import Division, digest_of
from geo.patrols import restate

#: Name of the file with the description of a run's input.
RUN = "run.json"


def facts_of(verified: Verified, path: Path, cells: Division | gpd.GeoDataFrame) -> dict[str, Any]:
    """Description of the input of verdicts.

    Parameters
    ----------
    path, cells
        File of the cells, and its content.

    Returns
    -------
    dict
        `wangge` (version), `days`, `cells` (name of the file, digest of its content and of the judged level), `rules` (each
        version in full, by name) and `tracks` (SHA-256 of each file by its name).
    """
    parts = [part for whole in (verified.rules, *verified.rules.earlier) for part in (whole, *whole.classes)]
    return {
        "wangge": version("wangge"),
        "days": [day.isoformat() for day in verified.days],
        "cells": {
            "name": f"{path.parent.name}/{path.name}" if path.parent.is_file() else path.name,
            "digest": digest_of(cells),
            "judged": digest_of(cells.second if isinstance(cells, Division) else cells),
        },
        "rules": {part.name: part.to_dict(parts=False) for part in parts},
        "tracks": dict(sorted(verified.sources.items())),
    }


def write_facts(facts: dict[str, Any], folder: Path) -> Path:
    """Write the description of a run's input as ``run.json``."""
    write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", folder / RUN)
    return folder / RUN


@dataclass(frozen=True)
class EarlierRun:
    """Verdicts, visits and description of the input of an earlier run."""

    verdicts: pd.DataFrame
    visits: pd.DataFrame
    facts: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> EarlierRun:
        """Read the folder written by an earlier run.

        Raises
        ------
        FileError
            If it contains no run, or an unreadable one.
        """
        paths = [folder / name for name in (RUN, "verdicts.parquet", "visits.parquet")]
        missing = [path.name for path in paths if not path.is_file()]
        if missing:
            raise FileError(f"{folder}: contains no earlier run of wangge patrols: {', '.join(missing)} not there")
        try:
            facts = json.loads(paths[0].read_text(encoding="utf-8"))
            verdicts, stays = (pd.read_parquet(path) for path in paths[1:])
        except (OSError, ValueError) as error:
            raise FileError(f"{folder}: the earlier run cannot be read ({error})") from error
        return cls(verdicts, stays, facts)

    def compare_with(self, verified: Verified, facts: dict[str, Any]) -> pd.DataFrame:
        """Compare the verdicts of the current run with those of the earlier one; see :func:`geo.patrols.restate`."""
        before, stays = (table[table["day"].isin(verified.days)] for table in (self.verdicts, self.visits))
        return restate(
            before,
            verified.verdicts,
            visits_before=stays,
            visits_after=verified.visits,
            why=what_is_new(self.facts, facts),
            zone=verified.rules.zone,
        )


def changes_of(restated: pd.DataFrame) -> dict[str, Any]:
    """Figures of :meth:`EarlierRun.compare_with`: number of changed verdicts, their transitions by frequency, and the reason."""
    changed = restated[restated["changed"]]
    pairs = [
        tuple(state if isinstance(state, str) else None for state in pair)
        for pair in zip(changed["verdict_before"], changed["verdict_after"], strict=True)
    ]
    moves = [{"before": was, "after": now, "cells": number} for (was, now), number in Counter(pairs).most_common()]
    return {"changed": len(changed), "changes": moves, "why": restated["why"].iloc[0] if len(restated) else ""}


def what_is_new(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Differences between two runs as text: tracks, rules, cells, program."""
    new = []
    old_tracks, new_tracks = set(before["tracks"].values()), set(after["tracks"].values())
    newer = sorted(name for name, digest in after["tracks"].items() if before["tracks"].get(name, digest) != digest)
    if newer:
        listed = ", ".join(newer[:3]) + (f" … ({len(newer)})" if len(newer) > 3 else "")
        new.append(f"轨迹文件有更新 tracks in a newer state: {listed}")
    for gone, files, words in (
        (old_tracks, after["tracks"], "新增轨迹 tracks that are new"),
        (new_tracks, before["tracks"], "不再有的轨迹 tracks that are gone"),
    ):
        names = sorted(name for name, digest in files.items() if digest not in gone and name not in newer)
        if names:
            new.append(f"{words}: " + ", ".join(names[:3]) + (f" … ({len(names)})" if len(names) > 3 else ""))
    if before["rules"] != after["rules"]:
        new.append("规则不同 other rules: " + "; ".join(_rules_differ(before["rules"], after["rules"])))
    if before["cells"]["judged"] != after["cells"]["judged"]:
        new.append(f"网格方案不同 other cells: {before['cells']['name']} → {after['cells']['name']}")
    if before["wangge"] != after["wangge"]:
        new.append(f"程序版本 version of wangge: {before['wangge']} → {after['wangge']}")
    return "；".join(new) or "输入相同 the same input"


def _rules_differ(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Rule sets of only one run, and those that changed; for a single rule set, every changed value."""
    if len(before) == len(after) == 1:
        (old, was), (new, now) = *before.items(), *after.items()
        names = [key for key in now if key not in ("id", "version", "title") and was.get(key) != now[key]]
        return [f"{old} → {new}", *(f"{key} {was.get(key, '–')} → {now[key]}" for key in names)]
    states = {True: "新增 new", False: "停用 gone", None: "有改动 changed"}
    return [
        f"{name} {states[None if name in before and name in after else name in after]}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
