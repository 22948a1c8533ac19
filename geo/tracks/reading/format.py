"""What a reader of a track format is, and what it gives: the fixes of one file as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from geo.arrays import Ints
from geo.tables.refused import RefusedRow
from geo.texts import Text

#: Bytes at the beginning of a file that recognition looks at.
HEAD = 65_536


@dataclass(frozen=True)
class FixTable:
    """Fixes of one file, before texts become times and numbers.

    Attributes
    ----------
    rows
        One row per record; text, None or NaN where nothing is stated.
    numbers
        Number of each row as the file counts its records, shape (n,).
    named
        Whether the columns have our names (:mod:`geo.tracks.columns`); otherwise they have the file's own headers.
    fixed
        Where they have their own: our names of the columns whose meaning the format sets, to their headers.
    refused
        Records that could not be split into fields.
    datum
        Datum that the standard of the format sets, by name; None where the user has to declare it.
    told
        What was guessed, passed over or damaged, for the user.
    zone
        Zone of times that name none, where the standard of the format sets it; None where the user has to.
    """

    rows: pd.DataFrame
    numbers: Ints
    named: bool = True
    refused: list[RefusedRow] = field(default_factory=list)
    fixed: dict[str, str] = field(default_factory=dict)
    datum: str | None = None
    zone: str | None = None
    told: list[Text] = field(default_factory=list)


@dataclass(frozen=True)
class Format:
    """A format of tracks; see :mod:`geo.tracks.reading` for what its functions have to do."""

    name: str
    endings: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[bytes, str], FixTable]
