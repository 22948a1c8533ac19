"""The five services (五项服务), and the configurable table that assigns matters to them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path

from geo.errors import ColumnError, FileError
from geo.texts import Text


class Service(StrEnum):
    """The five services of the street."""

    APPEARANCE = "appearance"
    POPULATION = "population"
    CONVENIENCE = "convenience"
    HARMONY = "harmony"
    BUSINESS = "business"


SERVICES: Mapping[Service, Text] = {
    Service.APPEARANCE: Text("市容环境服务", "appearance of the street"),
    Service.POPULATION: Text("流动人口服务", "floating population"),
    Service.CONVENIENCE: Text("便民为民服务", "help for residents"),
    Service.HARMONY: Text("平安和谐服务", "safety and harmony"),
    Service.BUSINESS: Text("商业网点服务", "shops and businesses"),
}
#: Service of matters that are not in the table.
DEFAULT_SERVICE = Service.CONVENIENCE


def read_services(path: str | Path | None = None) -> dict[str, Service]:
    """Table of services by code of the matter or of its major class (two digits).

    Parameters
    ----------
    path
        CSV with ``code`` and ``service``; by default the table of the package.

    Raises
    ------
    FileError
        If the file is missing.
    ColumnError
        If a column is missing, or a row names no service.
    """
    if path is None:
        return dict(_table())
    path = Path(path)
    if not path.is_file():
        raise FileError(f"{path}: no such file")
    return _rows(path.read_text(encoding="utf-8-sig"), path.name)


def service_of(kind: str, table: Mapping[str, Service] | None = None) -> Service:
    """Service of a matter: by its code, otherwise by its major class.

    >>> [service_of(kind).value for kind in ("06010", "09005", "09003", "")]
    ['appearance', 'business', 'population', 'convenience']
    """
    known = _table() if table is None else table
    return known.get(kind) or known.get(kind[:2]) or DEFAULT_SERVICE


@cache
def _table() -> Mapping[str, Service]:
    return _rows((files("geo.duty.intake") / "data" / "services.csv").read_text(encoding="utf-8"), "services.csv")


def _rows(text: str, name: str) -> dict[str, Service]:
    table: dict[str, Service] = {}
    rows = csv.DictReader(text.splitlines())
    if not {"code", "service"} <= set(rows.fieldnames or ()):
        raise ColumnError(f"{name}: a table of services has the columns code and service")
    for number, row in enumerate(rows, start=2):
        try:
            table[(row["code"] or "").strip()] = Service((row["service"] or "").strip())
        except ValueError as error:
            raise ColumnError(
                f"{name}: row {number}: '{row['service']}' is not a service; use {', '.join(Service)}"
            ) from error
    return table
