"""Duty: who answers for what, how a problem runs to its end, when it is due, and what the events are read as.

Terms
-----
report, case (上报件、办件)
    What one person reported, kept as received; what is handled. Many reports may belong to one case.
event (流转记录)
    One step of a case. The state, owner and deadline of a case are made from its events and from nothing else.
outcome (办理结果)
    How a closed case ended: solved in grid, solved, explained. Apart from the state: closed does not mean solved.
deadline (时限)
    When something is due, with the spans of working time that lead there. Frozen in an event, moved by an event only.
assignment, roster (责任分工、责任人名册)
    A person's duty for a cell with dates; all of them.

Rooms
-----
``events``, ``case``, ``chain``, ``report``, ``wording``
    Values that everything else stands on.
``cases``
    Transitions, folding, steps with their conditions, merging, preparing an event (limits, sequence, hash).
``clocks``
    Deadlines and their explanation, limits of the steps.
``rosters``
    Assignments by dates, leave, hand-over, shifts, notices; reading them from sheets.
``intake``
    The five services, duplicate candidates, reports from incidents.
``supervision``
    Rectification items.
``ledgers``, ``meetings``, ``briefs``
    Views of events: ledgers A to K, agenda and decisions, brief and indicators.

Persons, cells and codes are text; times are aware. Nothing here reads a clock or stores anything.
"""

from typing import TYPE_CHECKING

from geo.lazy import lazy_names

if TYPE_CHECKING:
    from geo.duty.case import Asked, Case, ClockRun, Running
    from geo.duty.cases.steps import advance, allowed, fold
    from geo.duty.chain import broken_links, chained, event_hash
    from geo.duty.clocks.deadlines import Deadline, Segment, deadline
    from geo.duty.events import ACTS_AS, DUTY_ACTS_AS, AccountRole, Action, Clock, Duty, Event, Outcome, Role, State
    from geo.duty.report import Channel, Report, Reporter
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "geo.duty.case": "Asked Case ClockRun Running",
            "geo.duty.cases.steps": "advance allowed fold",
            "geo.duty.chain": "broken_links chained event_hash",
            "geo.duty.clocks.deadlines": "Deadline Segment deadline",
            "geo.duty.events": "ACTS_AS DUTY_ACTS_AS AccountRole Action Clock Duty Event Outcome Role State",
            "geo.duty.report": "Channel Report Reporter",
        },
    )

__all__ = [
    "ACTS_AS",
    "DUTY_ACTS_AS",
    "AccountRole",
    "Action",
    "Asked",
    "Case",
    "Channel",
    "Clock",
    "ClockRun",
    "Deadline",
    "Duty",
    "Event",
    "Outcome",
    "Report",
    "Reporter",
    "Role",
    "Running",
    "Segment",
    "State",
    "advance",
    "allowed",
    "broken_links",
    "chained",
    "deadline",
    "event_hash",
    "fold",
]
