"""Duties, cases and deadlines: who is responsible for which cell, how a case is handled, when it is due, and reports about it.

Terms
-----
report, case (上报件、办件)
    A report is what one person reported, stored as received; a case is what is handled. A case may have many reports.
event (流转记录)
    One step of a case. The state, owner and deadline of a case are computed from its events only.
outcome (办理结果)
    Result of a closed case: solved in grid, solved, explained. Separate from the state: closed does not mean solved.
deadline (时限)
    Time at which something is due, with the working time counted. Stored in an event, and changed by later events only.
assignment, roster (责任分工、责任人名册)
    An assignment is a person's duty for a cell with dates; the roster contains all assignments.

Rooms
-----
``events``, ``case``, ``chain``, ``report``, ``wording``
    Basic values.
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

Persons, cells and codes are text; times are timezone-aware. The package reads no clock and stores nothing.
"""

from typing import TYPE_CHECKING

from geo.lazy import lazy_names

if TYPE_CHECKING:
    from geo.duty.briefs.composing import Brief, Issue, brief
    from geo.duty.case import Case, ClockRun, ExtensionRequest, Running
    from geo.duty.cases.book import CaseBook
    from geo.duty.cases.case_rules import CaseRules
    from geo.duty.cases.merging import linked_steps, live_case, to_be_answered
    from geo.duty.cases.preparation import prepared, reckoned_again
    from geo.duty.cases.steps import advance, allowed, fold
    from geo.duty.chain import broken_links, chained, event_hash
    from geo.duty.clocks.deadlines import Deadline, Segment, deadline
    from geo.duty.events import ACTS_AS, DUTY_ACTS_AS, AccountRole, Action, Clock, Duty, Event, Outcome, Role, State
    from geo.duty.facts import Facts
    from geo.duty.intake.duplicates import Candidate, Place, duplicate_candidates
    from geo.duty.intake.services import SERVICES, Service, read_services, service_of
    from geo.duty.ledgers.composing import ledger
    from geo.duty.meetings.agendas import Agenda, agenda
    from geo.duty.meetings.records import Decision, Meeting
    from geo.duty.report import Channel, Report, Reporter
    from geo.duty.rosters.assignments import Absence, Assignment, Person
    from geo.duty.rosters.bulletins import Notice, Receipt, not_reached, recipients
    from geo.duty.rosters.duty_posts import DutyPost, read_hours, spans_to_hold
    from geo.duty.rosters.reading import RosterRead, levels_of, read_roster
    from geo.duty.rosters.roster import Roster
    from geo.duty.rosters.shift_sheets import ShiftsRead, read_shifts_sheet
    from geo.duty.rosters.shifts import Shift, ShiftPlan, required_hours
    from geo.duty.supervision.rectification import Item, ItemAction, ItemState, ItemStep, advance_item, fold_item
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "geo.duty.briefs.composing": "Brief Issue brief",
            "geo.duty.case": "ExtensionRequest Case ClockRun Running",
            "geo.duty.cases.book": "CaseBook",
            "geo.duty.cases.case_rules": "CaseRules",
            "geo.duty.cases.merging": "linked_steps live_case to_be_answered",
            "geo.duty.cases.preparation": "prepared reckoned_again",
            "geo.duty.cases.steps": "advance allowed fold",
            "geo.duty.chain": "broken_links chained event_hash",
            "geo.duty.clocks.deadlines": "Deadline Segment deadline",
            "geo.duty.events": "ACTS_AS DUTY_ACTS_AS AccountRole Action Clock Duty Event Outcome Role State",
            "geo.duty.intake.duplicates": "Candidate Place duplicate_candidates",
            "geo.duty.intake.services": "SERVICES Service read_services service_of",
            "geo.duty.facts": "Facts",
            "geo.duty.ledgers.composing": "ledger",
            "geo.duty.meetings.agendas": "Agenda agenda",
            "geo.duty.meetings.records": "Decision Meeting",
            "geo.duty.report": "Channel Report Reporter",
            "geo.duty.rosters.assignments": "Absence Assignment Person",
            "geo.duty.rosters.bulletins": "Notice Receipt not_reached recipients",
            "geo.duty.rosters.reading": "RosterRead levels_of read_roster",
            "geo.duty.rosters.roster": "Roster",
            "geo.duty.rosters.duty_posts": "DutyPost read_hours spans_to_hold",
            "geo.duty.rosters.shift_sheets": "ShiftsRead read_shifts_sheet",
            "geo.duty.rosters.shifts": "Shift ShiftPlan required_hours",
            "geo.duty.supervision.rectification": "Item ItemAction ItemState ItemStep advance_item fold_item",
        },
    )

__all__ = [
    "ACTS_AS",
    "DUTY_ACTS_AS",
    "SERVICES",
    "Absence",
    "AccountRole",
    "Action",
    "Agenda",
    "Assignment",
    "Brief",
    "Candidate",
    "Case",
    "CaseBook",
    "CaseRules",
    "Channel",
    "Clock",
    "ClockRun",
    "Deadline",
    "Decision",
    "Duty",
    "DutyPost",
    "Event",
    "ExtensionRequest",
    "Facts",
    "Issue",
    "Item",
    "ItemAction",
    "ItemState",
    "ItemStep",
    "Meeting",
    "Notice",
    "Outcome",
    "Person",
    "Place",
    "Receipt",
    "Report",
    "Reporter",
    "Role",
    "Roster",
    "RosterRead",
    "Running",
    "Segment",
    "Service",
    "Shift",
    "ShiftPlan",
    "ShiftsRead",
    "State",
    "advance",
    "advance_item",
    "agenda",
    "allowed",
    "brief",
    "broken_links",
    "chained",
    "deadline",
    "duplicate_candidates",
    "event_hash",
    "fold",
    "fold_item",
    "ledger",
    "levels_of",
    "linked_steps",
    "live_case",
    "not_reached",
    "prepared",
    "read_hours",
    "read_roster",
    "read_services",
    "read_shifts_sheet",
    "recipients",
    "reckoned_again",
    "required_hours",
    "service_of",
    "spans_to_hold",
    "to_be_answered",
]
