"""Write ``data/boundaries``: the model street of the published seed and its division.

Run by ``make boundaries``. A test compares the files with newly written ones.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from geo.coverage import check_division
from geo.layers import write_division, write_layers
from geo.sample import MODEL_COUNTS, MODEL_SEED, model_division, model_street

FOLDER = Path(__file__).resolve().parent.parent / "data" / "boundaries"

#: First day of validity of the model division.
VALID_FROM = date(2026, 1, 1)


def write(folder: Path) -> None:
    """Write ``street.gpkg`` and ``division.gpkg`` to a folder.

    Raises
    ------
    SystemExit
        If the division does not pass the check; then nothing is written.
    """
    street = model_street(MODEL_SEED)
    division = model_division(street, valid_from=VALID_FROM)
    report = check_division(division, expected=MODEL_COUNTS)
    if not report.ok:
        raise SystemExit(report.summary())
    layers = street.layers()
    del layers["outline"], layers["communities"]  # They are layers of the division.
    write_layers(layers, folder / "street.gpkg")
    write_division(division, folder / "division.gpkg")


if __name__ == "__main__":
    write(FOLDER)
