"""Matters (事项) of urban management: code, name, major class, and the standard that defines them.

Two catalogues are included; a customer's catalogue can be read from a file (:meth:`Catalogue.read`):

GB/T 47678.5-2026
    In force since 2026-07-01. Majors 06 to 10 are its 97 events. Majors 01 to 05 mirror its 153 components (部件) as anomalies;
    the names of three of them are included, the others are known by number and major class only (`listed` is False) until the
    printed table is transcribed.
GB/T 30428.2-2013
    Superseded by the former. Its events in the classes 市容环境, 宣传广告, 施工管理 and 街面秩序 are numbered like the new ones
    with the major number reduced by five; this rule and two known exceptions give its codes here. Names are those of the new
    standard.

A code is meaningful only with its standard: components and matters have overlapping numbers, and older systems number
classes differently. The names were transcribed from a public copy, not from the printed text; `basis` states the source
of each row.
"""

from __future__ import annotations

import csv
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

import pandas as pd

from geo.errors import CodeError, ColumnError, FileError, first_labels

#: Standard in force, and default for codes.
STANDARD_REF = "GB/T 47678.5-2026"

#: The superseded standard.
OLD_STANDARD_REF = "GB/T 30428.2-2013"

#: Names of the old major classes. 突发事件 has no successor; 其他 is known by one exception only.
OLD_MAJORS = {
    "01": "市容环境类",
    "02": "宣传广告类",
    "03": "施工管理类",
    "04": "街面秩序类",
    "05": "突发事件类",
    "06": "其他",
}

# Old codes whose successor does not follow from the number.
_OLD_EXCEPTIONS = {"06-02": "09013", "05-07": "10001"}
_OLD_CODE = re.compile(r"^(\d{1,2})[-. ](\d{1,3})$|^(\d{2})(\d{2,3})$")


@dataclass(frozen=True)
class Matter:
    """One kind of matter in a catalogue.

    Attributes
    ----------
    standard_ref
        The standard that defines the code, e.g. ``GB/T 47678.5-2026``.
    code
        Five digits, major and minor class; for the old standard ``01-10``; for a customer's catalogue as given. Two digits
        stand for a complete major class.
    name
        Name of the minor class, or of the major class if the minor one is not listed.
    major, major_name
        Two digits and name of the major class.
    kind
        ``event``, or ``anomaly`` of a component.
    basis
        ``transcribed``, ``inferred``, ``rule`` or ``custom``.
    listed
        Whether the catalogue contains the name of this code.
    current
        Code in :data:`STANDARD_REF`; None without a successor.
    """

    standard_ref: str
    code: str
    name: str
    major: str
    major_name: str
    kind: str = "event"
    basis: str = "transcribed"
    listed: bool = True
    current: str | None = None


class Catalogue:
    """Matters of one standard, with lookup by code or name.

    Parameters
    ----------
    standard_ref
        The standard of the codes.
    matters
        Its matters.

    Raises
    ------
    CodeError
        If a code occurs more than once.
    """

    def __init__(self, standard_ref: str, matters: Iterable[Matter]) -> None:
        self.standard_ref = standard_ref
        self.matters = tuple(matters)
        codes = [m.code for m in self.matters]
        if double := sorted({c for c in codes if codes.count(c) > 1}):
            raise CodeError(f"catalogue {standard_ref}: codes occur more than once: {first_labels(double)}", ids=double)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Catalogue:
        """Read a customer's catalogue.

        Parameters
        ----------
        path
            CSV in UTF-8 or GBK with the columns ``code`` and ``name``, and optionally ``major``, ``major_name``, ``kind``,
            ``current`` (code in the national standard) and ``standard_ref``, the same in all rows; without it, the file name
            is used as the standard.

        Raises
        ------
        FileError
            If the file is missing, empty or not text.
        ColumnError
            If a column is missing, a row lacks code or name, or there are two standards.
        CodeError
            If a code occurs more than once.
        """
        path = Path(path)
        rows = _custom_rows(path)
        refs = sorted({row["standard_ref"] for row in rows if row.get("standard_ref")}) or [path.stem]
        if len(refs) > 1:
            raise ColumnError(
                f"{path.name}: names {len(refs)} standards ({first_labels(refs)}); one file holds one catalogue"
            )
        return cls(refs[0], [_custom_matter(refs[0], row) for row in rows])

    def frame(self) -> pd.DataFrame:
        """The matters as a table, in order of code."""
        columns = list(Matter.__dataclass_fields__)
        return pd.DataFrame([asdict(m) for m in sorted(self.matters, key=lambda m: m.code)], columns=columns)

    @cached_property
    def by_name(self) -> Mapping[str, Matter]:
        """Matters by case-folded name; the first of several with one name."""
        return {plain(m.name): m for m in reversed(self.matters)}

    @cached_property
    def by_code(self) -> Mapping[str, Matter]:
        """Matters by code."""
        return {plain(m.code): m for m in self.matters}

    def by_any_code(self, code: str) -> Matter | None:
        """Look up a code as commonly written: without its leading zero, and for the old standard also as ``0110`` and ``1-10``.

        A number of the current standard of which only the major class is known gives a matter that is not `listed`.
        """
        if self.standard_ref == OLD_STANDARD_REF:
            return _old_matter(self, code)
        key = plain(code)
        if self.standard_ref != STANDARD_REF:
            return self.by_code.get(key)
        key = key.zfill(2) if len(key) <= 2 else key.zfill(5)
        found = self.by_code.get(key)
        major = _majors().get(key[:2])
        if found is not None or major is None or not key.isdigit():
            return found
        if len(key) == 2 or (major[1] == "anomaly" and int(key[2:]) >= 1 and len(key) == 5):
            return Matter(STANDARD_REF, key, major[0], key[:2], major[0], major[1], "rule", False, key)
        return None


def national() -> Catalogue:
    """The catalogue of GB/T 47678.5-2026: 97 events and the anomalies with known names."""
    return _national()


def replaced() -> Catalogue:
    """The catalogue of GB/T 30428.2-2013, as far as the numbering rule applies."""
    return _replaced()


def matters(*, standard_ref: str = STANDARD_REF) -> pd.DataFrame:
    """List the matters of a national standard.

    Returns
    -------
    DataFrame
        In order of code: `standard_ref, code, name, major, major_name, kind, basis, listed, current`.

    Raises
    ------
    CodeError
        If the standard is not known.

    >>> table = matters()
    >>> table[table["kind"] == "event"].groupby("major").size().to_dict()
    {'06': 51, '07': 7, '08': 16, '09': 21, '10': 2}
    """
    catalogue = catalogue_of(standard_ref)
    if catalogue is None:
        raise CodeError(f"'{standard_ref}' is not known; use {STANDARD_REF}, {OLD_STANDARD_REF} or a catalogue file")
    return catalogue.frame()


def catalogue_of(standard_ref: str, own: Catalogue | None = None) -> Catalogue | None:
    """Catalogue of a standard, the customer's own first; None if unknown."""
    known = [c for c in (own, national(), replaced()) if c is not None]
    return next((c for c in known if plain(c.standard_ref) == plain(standard_ref)), None)


def find_matter(text: str, *, standard_ref: str | None = None, own: Catalogue | None = None) -> Matter | None:
    """Look up a matter by its name, or by its code in a given standard.

    Parameters
    ----------
    text
        Name or code. Full-width characters, brackets of either width and spaces are normalised.
    standard_ref
        The standard of the code. A code without a standard is not looked up in the national catalogues, because older ones use
        the same numbers for other matters.
    own
        A customer's catalogue, searched first, and for codes without a standard too.

    Returns
    -------
    Matter or None
        None if no catalogue contains the matter; no guesses are made (:func:`geo.incidents.match_kinds` does).

    >>> find_matter("店外经营").code, find_matter("09005"), find_matter("09005", standard_ref=STANDARD_REF).name
    ('09005', None, '店外经营')
    >>> find_matter("0405", standard_ref=OLD_STANDARD_REF).current
    '09005'
    """
    key = plain(text)
    if standard_ref is not None:
        catalogue = catalogue_of(standard_ref, own)
        if catalogue is None:
            return None
        return catalogue.by_name.get(key) or catalogue.by_any_code(text)
    if own is not None and (found := own.by_name.get(key) or own.by_code.get(key)):
        return found
    return None if key.isdigit() else national().by_name.get(key)


def plain(text: str) -> str:
    """Normalise widths and remove spaces, so that ``道路遗撒（洒）`` and ``道路遗撒(洒)`` are equal."""
    return "".join(unicodedata.normalize("NFKC", text).split()).lower()


def data_rows(name: str) -> list[dict[str, str]]:
    """Rows of a CSV file included in this package."""
    text = (files("geo.incidents") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _majors() -> dict[str, tuple[str, str]]:
    """Name and kind of each major class of the current standard."""
    return {row["major"]: (row["name"], row["kind"]) for row in data_rows("majors_47678_5_2026.csv")}


@cache
def _national() -> Catalogue:
    majors = _majors()
    rows = data_rows("matters_47678_5_2026.csv")
    known = []
    for row in rows:
        major = row["code"][:2]
        name, _ = majors[major]
        known.append(
            Matter(STANDARD_REF, row["code"], row["name"], major, name, row["kind"], row["basis"], current=row["code"])
        )
    return Catalogue(STANDARD_REF, known)


@cache
def _replaced() -> Catalogue:
    """Old codes derived from the new ones: major minus five, minor with two digits."""
    old = {f"{int(m.major) - 5:02d}-{int(m.code[2:]):02d}": m for m in national().matters if "06" <= m.major <= "09"}
    taken = set(_OLD_EXCEPTIONS.values())
    old = {code: m for code, m in old.items() if m.code not in taken}
    old |= {code: national().by_code[current] for code, current in _OLD_EXCEPTIONS.items()}
    return Catalogue(
        OLD_STANDARD_REF,
        [
            Matter(OLD_STANDARD_REF, code, m.name, code[:2], OLD_MAJORS[code[:2]], "event", "rule", True, m.code)
            for code, m in sorted(old.items())
        ],
    )


def _old_matter(catalogue: Catalogue, code: str) -> Matter | None:
    written = _OLD_CODE.match(unicodedata.normalize("NFKC", code).strip())
    if written is None:
        return None
    major, minor = (part for part in written.groups() if part is not None)
    return catalogue.by_code.get(f"{int(major):02d}-{int(minor):02d}")


def _custom_rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise FileError(f"{path}: no such file")
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    else:
        raise FileError(f"{path.name}: is neither UTF-8 nor GBK text; save the catalogue as CSV in UTF-8")
    rows = [
        {(k or "").strip(): (v or "").strip() for k, v in row.items() if isinstance(v, str | None)}
        for row in csv.DictReader(text.splitlines())
    ]
    if not rows:
        raise FileError(f"{path.name}: the catalogue has no rows; columns code and name are expected")
    if missing := [name for name in ("code", "name") if name not in rows[0]]:
        raise ColumnError(f"{path.name}: no column '{first_labels(missing)}'; it has {first_labels(list(rows[0]), 12)}")
    bare = [number for number, row in enumerate(rows, start=2) if not (row["code"] and row["name"])]
    if bare:
        raise ColumnError(
            f"{path.name}: rows without code or name: {first_labels(bare)}; fill them in or take them out"
        )
    return rows


def _custom_matter(standard_ref: str, row: Mapping[str, str]) -> Matter:
    major = row.get("major") or row["code"][:2]
    return Matter(
        standard_ref,
        row["code"],
        row["name"],
        major,
        row.get("major_name") or "",
        row.get("kind") or "event",
        "custom",
        True,
        row.get("current") or None,
    )
