"""Processing in parts that can be interrupted: each completed part is a file, which a later run reuses."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from api.files.outputs import CSV_ENCODING
from geo.layers import aside, write_layer
from geo.locate.batches.counting import Result, Wanted, heading
from geo.locate.batches.parts import PARQUET, Source
from geo.locate.batches.points import Reading

#: Rows per row group in written Parquet files, independent of the parts.
GROUP_ROWS = 1 << 20


class Kept:
    """Results of parts, stored in a folder next to the output.

    Parameters
    ----------
    output
        The output file.
    job
        Everything on which the result depends; parts of another job are deleted. Sizes and times of the input files are added.
    """

    def __init__(self, output: Path, job: list[Any]) -> None:
        self.folder = output.parent / f".{output.name}.parts"
        source: Source = job[0]
        stamps = [
            (path, status.st_size, status.st_mtime_ns)
            for path in sorted({part.path for part in source.parts})
            for status in [_real(Path(path)).stat()]
        ]
        self._key = hashlib.sha256(repr([*job, stamps]).encode()).hexdigest()
        self.checked = self._note.is_file() and self._note.read_text() == self._key
        self.resumed = 0

    @property
    def _note(self) -> Path:
        return self.folder / "job"

    def begin(self) -> None:
        """Create the folder, or resume one of the same job."""
        if self.checked:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self._write(self._note, self._key.encode())

    def has(self, number: int) -> bool:
        """Whether a part is complete."""
        return self._figures(number).is_file()

    def keep(self, number: int, result: Result) -> None:
        """Store a part. Its figures are written last, so a part with figures is complete."""
        self._write(self._rows(number), result.rows)
        temporary = self.folder / "figures.npz"
        np.savez(temporary, tally=result.tally, cell=result.cell, start=result.start, number=result.number)
        os.replace(temporary, self._figures(number))

    def result(self, number: int) -> Result:
        """Figures of a completed part, without its rows."""
        with np.load(self._figures(number)) as figures:
            points, located, unusable = (int(n) for n in figures["tally"])
            return Result(b"", (points, located, unusable), figures["cell"], figures["start"], figures["number"])

    def rows(self, source: Source) -> Iterator[Path]:
        """Files with the rows of all parts, in order."""
        yield from (self._rows(part.number) for part in source.parts)

    def finish(self) -> None:
        """Delete the parts after the output has been written."""
        shutil.rmtree(self.folder)

    def _rows(self, number: int) -> Path:
        return self.folder / f"{number:06d}.rows"

    def _figures(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npz"

    def _write(self, path: Path, content: bytes) -> None:
        temporary = self.folder / "unfinished"
        temporary.write_bytes(content)
        os.replace(temporary, path)


def _real(path: Path) -> Path:
    """The file itself, or the archive that contains it."""
    return next(place for place in (path, *path.parents) if place.exists())


def merge_rows(kept: Kept, source: Source, reading: Reading, wanted: Wanted, target: Path) -> None:
    """Merge the rows of all parts into one file, which is replaced when complete."""
    if wanted.rows in ("csv", "tsv"):
        with aside(target) as unfinished:
            with unfinished.open("w", encoding=CSV_ENCODING, newline="") as text:
                separator = "\t" if wanted.rows == "tsv" else ","
                csv.writer(text, lineterminator="\n", delimiter=separator).writerow(heading(source, reading))
            with unfinished.open("ab") as file:
                for path in kept.rows(source):
                    with path.open("rb") as part:
                        shutil.copyfileobj(part, file, 1 << 20)
    elif target.suffix.lower() in PARQUET:
        with aside(target) as unfinished:
            _merge_parquet(list(kept.rows(source)), unfinished)
    else:
        frames = [gpd.read_parquet(path) for path in kept.rows(source)]
        write_layer(pd.concat(frames, ignore_index=True), target)


def _merge_parquet(paths: list[Path], target: Path) -> None:
    """Write row groups of `GROUP_ROWS` rows, so that the file does not depend on the parts."""
    schema = pq.read_schema(paths[0])
    with pq.ParquetWriter(target, schema) as writer:
        rest: pa.Table = schema.empty_table()
        for path in paths:
            rest = pa.concat_tables([rest, pq.read_table(path).cast(schema)])
            whole = rest.num_rows - rest.num_rows % GROUP_ROWS
            if whole:
                writer.write_table(rest.slice(0, whole).combine_chunks(), row_group_size=GROUP_ROWS)
                rest = rest.slice(whole).combine_chunks()
        if rest.num_rows:
            writer.write_table(rest.combine_chunks(), row_group_size=GROUP_ROWS)
