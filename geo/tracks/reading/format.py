"""Interface of a reader of a track format, and its result: the fixes of one file as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from geo.arrays import Ints
from geo.tables.refused import RefusedRow
from geo.texts import Text

#: Number of bytes at the start of a file used for recognition.
HEAD = 65_536


@dataclass(frozen=True)
class FixTable:
    """Fixes of one file, before conversion of times and numbers.

    Attributes
    ----------
    rows
        One row per record; text, None or NaN for missing values.
    numbers
        Number of each row in the numbering of the file, shape (n,).
    named
        Whether the columns have our names (:mod:`geo.tracks.columns`); otherwise they have the file's headers.
    fixed
        For columns with the file's headers: our names of columns whose meaning the format defines, and their headers.
    refused
        Records that could not be split into fields.
    datum
        Datum defined by the standard of the format, by name; None if the user has to declare it.
    notices
        Notices for the user: guesses, ignored or damaged content.
    zone
        Zone of times without one, if defined by the standard of the format; None if the user has to declare it.
    """

    rows: pd.DataFrame
    numbers: Ints
    named: bool = True
    refused: list[RefusedRow] = field(default_factory=list)
    fixed: dict[str, str] = field(default_factory=dict)
    datum: str | None = None
    zone: str | None = None
    notices: list[Text] = field(default_factory=list)


@dataclass(frozen=True)
class Format:
    """A format of tracks; :mod:`geo.tracks.reading` describes the duties of its functions."""

    name: str
    endings: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[bytes, str], FixTable]
