"""The sample of a public review (群众评议), read from a database and written as a workbook."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from geo.errors import FileError

if TYPE_CHECKING:
    import pandas as pd

    from api.commands.duty_papers import Source


def review_sample(source: Source, start: dt.date, end: dt.date, size: int, seed: int) -> pd.DataFrame:
    """The sample of a public review: cases closed in a period, drawn by a seed that is published with it.

    Returns
    -------
    DataFrame
        One row for each case: number, community, place, problem, handling body, day of closing, outcome, and columns for the
        answers of the reviewers. Reporters are not in it.
    """
    from api.commands.duty_papers import facts_of
    from geo.duty.briefs.sampling import sample_for_review, sheet_rows

    facts = facts_of(source, start, end)
    first, last = facts.midnight(start), facts.midnight(end)
    closed = {n: c for n, c in facts.cases.items() if c.closed_at is not None and first <= c.closed_at < last}
    return sheet_rows(facts, sample_for_review(closed, size, seed=seed))


def write_review_sample(sample: pd.DataFrame, seed: int, target: Path) -> None:
    """Write the sample of a public review as .xlsx; the seed stands in the name of the sheet."""
    from api.files.workbook import write_workbook

    if target.suffix.lower() != ".xlsx":
        raise FileError(f"{target}: a sample is written as .xlsx; change the ending of the name")
    write_workbook({f"群众评议抽样 种子{seed}": sample}, target)
