"""Result of the shift detection, in numbers and in sentences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.layers.alignment.known_shifts import NONE, Mistake
from geo.layers.datum import Datum

FloatArray = npt.NDArray[np.float64]

_COMPASS_ZH = (
    "北",
    "东北偏北",
    "东北",
    "东北偏东",
    "东",
    "东南偏东",
    "东南",
    "东南偏南",
    "南",
    "西南偏南",
    "西南",
    "西南偏西",
    "西",
    "西北偏西",
    "西北",
    "西北偏北",
)
_COMPASS_EN = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")


@dataclass(frozen=True)
class Shift:
    """Position of a layer relative to a reference.

    Attributes
    ----------
    status
        ``none``: no systematic shift. ``shifted``: a shift was found. ``unknown``: the data do not decide.
    cause
        Key of the likely cause (:mod:`geo.layers.alignment.known_shifts`): ``none``, ``gcj02_as_wgs84``, ``bd09_as_wgs84``,
        ``wgs84_as_gcj02``, ``zone_4548`` and so on, ``constant`` for a shift that no known mistake explains, ``unknown``.
    datum
        Datum of the given coordinates, if it could be determined.
    shift_m, azimuth_deg
        Distance and direction, clockwise from north, of the layer from its correct position. NaN if unknown.
    uncertainty_m
        Approximate uncertainty of the shift.
    confidence
        0 to 1; above 0.5 if the status is not ``unknown``.
    evidence
        ``edges``, ``overlap`` (polygons that both layers show), ``area``, ``distance`` (the layers are far apart) or ``none``.
    residual_m
        Median distance between layer and lines of the reference after correction of the shift; NaN without lines.
    remedy
        Options of ``wangge convert`` that correct the layer; empty if none is known.
    zh, en
        The result in one sentence.
    candidates
        The known mistakes that were tested, best first: `cause`, `shift_m`, `azimuth_deg`, `edges` (mean nearness to lines,
        0 to 1), `inside` (share in polygons).
    """

    status: str
    cause: str
    datum: Datum | None
    shift_m: float
    azimuth_deg: float
    uncertainty_m: float
    confidence: float
    evidence: str
    residual_m: float
    remedy: str
    zh: str
    en: str
    candidates: pd.DataFrame = field(repr=False, compare=False)

    @property
    def direction(self) -> str:
        """Compass direction of the azimuth in Chinese and English, like ``东南偏东 ESE``; empty without a shift."""
        if self.status != "shifted":
            return ""
        point = round(self.azimuth_deg / 22.5) % 16
        return f"{_COMPASS_ZH[point]} {_COMPASS_EN[point]}"

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON types, without the table of candidates."""
        names = (
            "status",
            "cause",
            "shift_m",
            "azimuth_deg",
            "uncertainty_m",
            "confidence",
            "evidence",
            "residual_m",
            "remedy",
        )
        numbers = {name: getattr(self, name) for name in names}
        clean = {n: None if isinstance(v, float) and not np.isfinite(v) else v for n, v in numbers.items()}
        datum = None if self.datum is None else self.datum.value
        return {**clean, "datum": datum, "direction": self.direction, "zh": self.zh, "en": self.en}


def explained_shift(
    cause: Mistake,
    place: tuple[float, float],
    uncertainty: float,
    confidence: float,
    evidence: str,
    residual: float,
    table: pd.DataFrame,
    *,
    settled: Mistake | None = None,
) -> Shift:
    """Result for a layer whose position a known mistake, or none, explains; `place` is distance and azimuth."""
    distance, azimuth = place
    if cause is NONE or cause is settled:
        zh = f"图层位置正确，未见整体偏移（可辨别到约 {uncertainty:.0f} 米）。"
        en = f"No systematic shift of the layer was found (detection limit about {uncertainty:.0f} m)."
        return Shift(
            "none", "none", Datum.WGS84, 0.0, 0.0, uncertainty, confidence, evidence, residual, "", zh, en, table
        )
    zh, en = _sentence(distance, azimuth)
    fix_zh = f"可用 wangge convert {cause.remedy} 改正。" if cause.remedy else ""
    fix_en = f" Corrected by wangge convert {cause.remedy}." if cause.remedy else ""
    return Shift(
        "shifted",
        cause.key,
        cause.datum,
        distance,
        azimuth,
        uncertainty,
        confidence,
        evidence,
        residual,
        cause.remedy,
        f"{zh}，可能原因：{cause.zh}。{fix_zh}",
        f"{en}; likely cause: {cause.en}.{fix_en}",
        table,
    )


def constant_shift(
    move: FloatArray, uncertainty: float, confidence: float, evidence: str, residual: float, table: pd.DataFrame
) -> Shift:
    """Result for a shift that no known mistake explains; `move` would correct it."""
    distance, azimuth = float(np.hypot(*move)), float(np.degrees(np.arctan2(-move[0], -move[1]))) % 360.0
    if distance <= max(3.0, uncertainty if evidence == "area" else 0.5 * uncertainty):
        return explained_shift(NONE, (0.0, 0.0), uncertainty, confidence, evidence, residual, table)
    zh, en = _sentence(distance, azimuth)
    why_zh = "不符合已知的坐标基准或投影带错误，可能是旧坐标系（1954 北京、1980 西安）、地方坐标系或整体平移"
    why_en = "no known mistake of datum or zone fits; an older datum (Beijing 1954, Xi'an 1980), a local system, or an offset"
    return Shift(
        "shifted",
        "constant",
        None,
        distance,
        azimuth,
        uncertainty,
        confidence,
        evidence,
        residual,
        "",
        f"{zh}；{why_zh}。",
        f"{en}; {why_en}.",
        table,
    )


def _sentence(distance: float, azimuth: float) -> tuple[str, str]:
    point = round(azimuth / 22.5) % 16
    far = f"{distance:,.0f} 米" if distance < 10_000 else f"{distance / 1000:,.1f} 千米"
    far_en = f"{distance:,.0f} m" if distance < 10_000 else f"{distance / 1000:,.1f} km"
    return (
        f"图层整体向{_COMPASS_ZH[point]}偏移 {far}（方位角 {azimuth:.0f}°）",
        f"The layer lies {far_en} to the {_COMPASS_EN[point]} (azimuth {azimuth:.0f}°) of its correct position",
    )


def unknown_shift(zh: str, en: str, table: pd.DataFrame | list[Any], evidence: str) -> Shift:
    """Result where the data do not decide, with the reason."""
    nan = float("nan")
    frame = table if isinstance(table, pd.DataFrame) else no_candidates()
    return Shift(
        "unknown",
        "unknown",
        None,
        nan,
        nan,
        nan,
        0.0,
        evidence,
        nan,
        "",
        f"无法判断：{zh}。",
        f"Cannot tell: {en}.",
        frame,
    )


def no_candidates() -> pd.DataFrame:
    """Empty table of candidates."""
    return pd.DataFrame(columns=["cause", "shift_m", "azimuth_deg", "edges", "inside"])
