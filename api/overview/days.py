"""Stored verdicts by day: the state of each second-level grid of the version used on that day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from api.database.divisions import second_level
from api.database.verdicts import VerdictState, verdict_days

STATES = ("met", "short", "not_visited", "unknown")


@dataclass(frozen=True)
class Grid:
    """A second-level grid of a version."""

    code: str
    name: str
    community: str
    leader: str | None


@dataclass(frozen=True)
class JudgedDay:
    """Verdicts of one day under the rules and the version used last.

    Attributes
    ----------
    grids
        The grids of the version, by code.
    verdicts
        The valid verdict of each grid that has one. A grid without a row was not visited: no verdict is stored for a grid in
        which nothing was ever observed.
    """

    day: date
    rules: str
    grids: dict[str, Grid]
    verdicts: dict[str, VerdictState] = field(default_factory=dict)

    def state(self, code: str) -> str:
        """State of a grid."""
        verdict = self.verdicts.get(code)
        return "not_visited" if verdict is None else verdict.state

    def counts(self, codes: Iterable[str] | None = None) -> dict[str, int]:
        """Number of grids in each state, of all grids or of the given ones."""
        found = dict.fromkeys(STATES, 0)
        for code in self.grids if codes is None else codes:
            found[self.state(code)] += 1
        return found

    @property
    def made_at(self) -> datetime | None:
        """Time of the latest of the verdicts."""
        return max((verdict.made_at for verdict in self.verdicts.values()), default=None)


def grids_of(session: Session, version: int, may_see: Callable[[str], bool] | None = None) -> dict[str, Grid]:
    """The second-level grids of a version that the caller may see, by code; all of them without `may_see`."""
    return {
        code: Grid(code, name or code, parent or "", leader)
        for code, name, parent, leader in second_level(session, version)
        if may_see is None or may_see(code)
    }


def judged_days(
    session: Session, street: int, end: date, *, days: int = 28, may_see: Callable[[str], bool] | None = None
) -> dict[date, JudgedDay]:
    """Days with stored verdicts among the `days` that end with `end` (inclusive), in order.

    Parameters
    ----------
    may_see
        Whether the caller may see a grid; others are omitted.
    """
    rows = verdict_days(session, street, end - timedelta(days=days - 1), end + timedelta(days=1))
    basis = {row.day: (row.rules, row.version_id) for row in rows}
    grids: dict[int, dict[str, Grid]] = {}
    found: dict[date, JudgedDay] = {}
    for day, (rules, version) in sorted(basis.items()):
        if version not in grids:
            grids[version] = grids_of(session, version, may_see)
        if grids[version]:
            found[day] = JudgedDay(day, rules, grids[version])
    for row in rows:
        judged = found.get(row.day)
        if judged is not None and basis[row.day] == (row.rules, row.version_id) and row.code in judged.grids:
            judged.verdicts[row.code] = row
    return found
