"""Input of ledgers, agendas and briefs: events, reports, verdicts, cells, roster, meetings, and texts written by people."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

from geo.duty.cases.steps import fold
from geo.duty.events import Action
from geo.duty.rosters.roster import Roster
from geo.duty.wording import ROLES
from geo.errors import InputError

if TYPE_CHECKING:
    from geo.duty.case import Case
    from geo.duty.events import Duty, Event
    from geo.duty.meetings.records import Decision, Meeting
    from geo.duty.report import Report

#: Columns of the frames of :class:`Facts`; further columns are ignored.
CELL_COLUMNS = ("code", "name", "level", "parent", "population", "workload")
VERDICT_COLUMNS = ("code", "day", "verdict", "visits", "required", "reason_zh")
VISIT_COLUMNS = ("code", "day", "start", "end", "stay_s", "counted", "reason", "going_on")
RECTIFICATION_COLUMNS = (
    "number",
    "found_at",
    "found_by",
    "second",
    "community",
    "place",
    "problem",
    "basis",
    "responsible",
    "measure",
    "due",
    "state",
    "evidence",
    "rechecked",
    "closed_at",
)

#: One row for each recipient of a notice and cell; `reached_at` is None if the person has not received it.
NOTICE_COLUMNS = ("number", "at", "person", "cell", "reached_at")
#: Hours in which a duty post is unstaffed; `cell` is the community to which the station belongs, or empty.
EMPTY_SHIFT_COLUMNS = ("place", "cell", "start", "end")

_NOTHING: Mapping[Any, Any] = MappingProxyType({})


#: Names of the desks that own a case if no person or body is named.
_DESKS = {role.value: text.zh for role, text in ROLES.items()}


class Holder(NamedTuple):
    """A person of the roster as named in documents: post, office telephone and pledge are published, nothing else."""

    person: str
    name: str
    post: str = ""
    phone: str = ""
    pledge: str = ""
    instead_of: str = ""

    @property
    def text(self) -> str:
        """Name, and the person they substitute."""
        return f"{self.name}（代{self.instead_of}）" if self.instead_of else self.name


def _empty(columns: Sequence[str]) -> Callable[[], pd.DataFrame]:
    return lambda: pd.DataFrame(columns=list(columns))


@dataclass(frozen=True)
class Facts:
    """Facts known at a given time.

    Attributes
    ----------
    events
        Events of each case, in order; those stored at or after `as_of` are ignored.
    as_of
        Timezone-aware. Later facts are ignored, so an old view can be reproduced.
    reports
        Reports by number. Names and contacts of reporters are never read.
    cells
        `code, name, level, parent, population, workload` of all levels.
    roster
        Persons responsible for the cells, with dates.
    verdicts, visits
        For second-level cells and local days, as returned by :mod:`geo.patrols`; a visit that was `going_on` when its verdict
        was made may have lasted longer.
    meetings, decisions
        Meetings and their decisions.
    rectifications
        Items of supervision, one row each; see :data:`RECTIFICATION_COLUMNS`.
    notices, empty_shifts
        Recipients of notices and their receipts, see :data:`NOTICE_COLUMNS`; unstaffed hours, see :data:`EMPTY_SHIFT_COLUMNS`.
    typed
        Texts written by people, by (ledger, key of the row, column).
    closings
        Number of cases closed in the thirty days before the day of the letters, by second-level grid; None to count the events.
    street
        Names and telephones of the street: ``name``, ``hotline``, ``supervision_phone``, ``property_phone``, ``police_phone``.
    """

    events: Mapping[str, Sequence[Event]]
    as_of: dt.datetime
    zone: str = "Asia/Shanghai"
    reports: Mapping[str, Report] = field(default_factory=lambda: _NOTHING)
    cells: pd.DataFrame = field(default_factory=_empty(CELL_COLUMNS))
    roster: Roster = field(default_factory=lambda: Roster([]))
    verdicts: pd.DataFrame = field(default_factory=_empty(VERDICT_COLUMNS))
    visits: pd.DataFrame = field(default_factory=_empty(VISIT_COLUMNS))
    meetings: Sequence[Meeting] = ()
    decisions: Sequence[Decision] = ()
    rectifications: pd.DataFrame = field(default_factory=_empty(RECTIFICATION_COLUMNS))
    notices: pd.DataFrame = field(default_factory=_empty(NOTICE_COLUMNS))
    empty_shifts: pd.DataFrame = field(default_factory=_empty(EMPTY_SHIFT_COLUMNS))
    typed: Mapping[tuple[str, str, str], str] = field(default_factory=lambda: _NOTHING)
    closings: Mapping[str, int] | None = None
    street: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        if self.as_of.tzinfo is None:
            raise InputError(f"the moment {self.as_of} has no zone; give one")
        for name, columns in (
            ("cells", CELL_COLUMNS),
            ("verdicts", VERDICT_COLUMNS),
            ("visits", VISIT_COLUMNS),
            ("rectifications", RECTIFICATION_COLUMNS),
            ("notices", NOTICE_COLUMNS),
            ("empty_shifts", EMPTY_SHIFT_COLUMNS),
        ):
            if missing := [column for column in columns if column not in getattr(self, name)]:
                raise InputError(f"{name}: no column {', '.join(missing)}")

    def until(self, moment: dt.datetime) -> Facts:
        """The facts known at an earlier time; the frames are shared.

        Cases without later events are not folded again.
        """
        if moment >= self.as_of:
            return self
        earlier = replace(self, as_of=moment)
        if "cases" in self.__dict__:
            earlier.__dict__["cases"] = {
                number: self.case(number) if self.known[number][-1].at < moment else fold(events)
                for number, events in earlier.known.items()
            }
        return earlier

    @cached_property
    def known(self) -> dict[str, tuple[Event, ...]]:
        """Events of each case stored before `as_of`; cases without events are left out."""
        as_of = self.as_of
        cut = {
            number: tuple(events)
            if events and events[-1].at < as_of
            else tuple(itertools.takewhile(lambda event: event.at < as_of, events))
            for number, events in self.events.items()
        }
        return {number: events for number, events in cut.items() if events}

    @cached_property
    def cases(self) -> dict[str, Case]:
        """Each case, computed from its known events."""
        return {number: self.case(number) for number in self.known}

    def case(self, number: str) -> Case:
        """One case, computed from its known events the first time."""
        found = self._folded.get(number)
        if found is None:
            found = self._folded[number] = fold(self.known[number])
        return found

    def find(self, number: str) -> Case | None:
        """One case as :meth:`case`; None if it is not known."""
        return self.case(number) if number in self.known else None

    @cached_property
    def _folded(self) -> dict[str, Case]:
        return {}

    @cached_property
    def zone_info(self) -> ZoneInfo:
        """Zone of the street."""
        return ZoneInfo(self.zone)

    def local(self, moment: dt.datetime) -> dt.datetime:
        """Local time of the street."""
        return moment.astimezone(self.zone_info)

    def midnight(self, day: dt.date) -> dt.datetime:
        """Start of a local day."""
        return dt.datetime.combine(day, dt.time(), self.zone_info)

    def happened(self, event: Event) -> dt.datetime:
        """Local time of a step: as stated in its payload, otherwise its time of storage."""
        said = event.payload.get("happened_at")
        return self.local(dt.datetime.fromisoformat(said) if said else event.at)

    def steps(self, start: dt.date, end: dt.date) -> Iterator[Event]:
        """Known steps that happened from the local day `start` until before `end`, by case and in order."""
        # Most events state no other time, so the time of storage is used without a conversion. Times of two zones take ten times
        # as long to compare as those of one.
        first, last = (self.midnight(day).astimezone(dt.UTC) for day in (start, end))
        for events in self.known.values():
            for event in events:
                at = self.happened(event) if "happened_at" in event.payload else event.at
                if first <= at < last:
                    yield event

    def counted(self, start: dt.date, end: dt.date) -> Iterator[Event]:
        """Steps as in :meth:`steps`, without undone steps and without the undo itself."""
        undone = self._undone
        return (event for event in self.steps(start, end) if (event.case_id, event.seq) not in undone)

    @cached_property
    def _undone(self) -> frozenset[tuple[str, int]]:
        return frozenset(
            (number, seq)
            for number, events in self.known.items()
            for place, event in enumerate(events)
            if event.action is Action.UNDO
            for seq in (event.seq, events[place - 1].seq)
        )

    def name_of(self, code: str) -> str:
        """Name of a person by code, or of a desk if only a role is known; otherwise the code, which is the name of a body."""
        person = self.roster.persons.get(code)
        if person is not None:
            return person.name or code
        return _DESKS.get(code, code)

    @cached_property
    def cell_names(self) -> dict[str, str]:
        """Name of each cell; the code if it has none."""
        rows = self.cells[["code", "name"]].itertuples(index=False, name=None)
        return {str(code): str(name) if isinstance(name, str) and name else str(code) for code, name in rows}

    def cells_of(self, level: int, scope: str = "") -> list[str]:
        """Codes of a level inside a cell, in the order of codes."""
        parents = {str(code): str(parent) for code, parent in self.cells[["code", "parent"]].itertuples(index=False)}

        def inside(code: str) -> bool:
            while code and code != scope:
                code = parents.get(code, "")
            return code == scope

        codes = sorted(str(code) for code in self.cells.loc[self.cells["level"] == level, "code"])
        return [code for code in codes if not scope or inside(code)]

    def parent_of(self, code: str) -> str:
        """Code of the cell above, empty at the top."""
        return self._parents.get(code, "")

    @cached_property
    def _parents(self) -> dict[str, str]:
        rows = self.cells[["code", "parent"]].itertuples(index=False, name=None)
        return {str(code): str(parent) for code, parent in rows if isinstance(parent, str)}

    def answers(self, cell: str, day: dt.date) -> Holder | None:
        """Person responsible for a cell on a day: the assigned person or a substitute; None if there is none."""
        found = self.roster.answerable(cell, day)
        if found is None:
            return None
        instead = self.name_of(found.instead_of) if found.instead_of else ""
        return self._holder(found.person, instead)

    def holders(self, cell: str, day: dt.date, duty: Duty) -> list[Holder]:
        """Persons with a duty for a cell on a day."""
        return [self._holder(one.person) for one in self.roster.holders(cell, day, duty)]

    def _holder(self, code: str, instead_of: str = "") -> Holder:
        person = self.roster.persons.get(code)
        if person is None:
            return Holder(code, code, instead_of=instead_of)
        return Holder(code, person.name or code, person.post, person.office_phone, person.pledge, instead_of)

    def first_report(self, case: Case) -> Report | None:
        """The first report of a case, if known."""
        return self.reports.get(case.reports[0]) if case.reports else None

    def within(self, case: Case, scope: str) -> bool:
        """Whether a case lies in a cell, by the cells stored with it; the empty scope is the complete street."""
        return not scope or scope in (case.community, case.second, case.third)

    def written(self, ledger: str, key: str, column: str) -> str:
        """Text written in a column of a ledger."""
        return self.typed.get((ledger, key, column), "")
