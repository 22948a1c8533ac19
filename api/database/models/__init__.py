"""ORM classes of the database, one module per subject.

Terms
-----
street
    Every row belongs to one street: directly (column ``street``), or through its device, account, version or incident. Several
    streets can share one database without sharing a row.
append-only
    Rows of these tables are only inserted; triggers in the database refuse updates and deletions. Corrections are separate rows.

Public: :class:`Base`, which has all tables, and the row classes. A module is imported when one of its classes is used: making all
classes, and importing GeoAlchemy2, takes half a second of the server's start. Tables refer only to each other within a module
and to those of ``divisions``, ``people`` and ``accounts``, which are always imported.
"""

from typing import TYPE_CHECKING

from api.database.models.accounts import AccountRow, GrantRow, LoginAttemptRow, SessionRow, TokenRow
from api.database.models.base import UtcDateTime
from api.database.models.divisions import DivisionEventRow, StreetRow, VersionRow
from api.database.models.fixes import FixRow, PendingDayRow
from api.database.models.people import DeviceRow, HoldingRow, PersonRow
from geo.lazy import lazy_names

if TYPE_CHECKING:
    from api.database.models.cells import CellRow
    from api.database.models.drafts import CellLineageRow, DraftEntryRow, DraftPresenceRow, DraftReplayRow, DraftRow
    from api.database.models.duty import (
        AbsenceRow,
        AssignmentRow,
        CaseEventRow,
        CaseRow,
        DutyPersonRow,
        DutyPostRow,
        ItemPhotoRow,
        ItemStepRow,
        NoticeRow,
        ReceiptRow,
        ReporterRow,
        ReportPhotoRow,
        ReportRow,
        ShiftRow,
    )
    from api.database.models.duty_views import DecisionDoneRow, DecisionRow, MeetingRow, SignedLedgerRow, TypedTextRow
    from api.database.models.every_table import Base
    from api.database.models.incidents import CorrectionRow, IncidentRow, PhotoRow
    from api.database.models.logs import AuditRow, EventRow, JobRow, LeaseRow, PurgeRow
    from api.database.models.verdicts import EvidenceRow, RuleSetRow, VerdictRow
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "api.database.models.every_table": "Base",
            "api.database.models.cells": "CellRow",
            "api.database.models.drafts": "CellLineageRow DraftEntryRow DraftPresenceRow DraftReplayRow DraftRow",
            "api.database.models.duty": (
                "AbsenceRow AssignmentRow CaseEventRow CaseRow DutyPersonRow DutyPostRow ItemPhotoRow ItemStepRow NoticeRow "
                "ReceiptRow ReporterRow ReportPhotoRow ReportRow ShiftRow"
            ),
            "api.database.models.duty_views": "DecisionDoneRow DecisionRow MeetingRow SignedLedgerRow TypedTextRow",
            "api.database.models.incidents": "CorrectionRow IncidentRow PhotoRow",
            "api.database.models.logs": "AuditRow EventRow JobRow LeaseRow PurgeRow",
            "api.database.models.verdicts": "EvidenceRow RuleSetRow VerdictRow",
        },
    )

__all__ = [
    "AbsenceRow",
    "AccountRow",
    "AssignmentRow",
    "AuditRow",
    "Base",
    "CaseEventRow",
    "CaseRow",
    "CellLineageRow",
    "CellRow",
    "CorrectionRow",
    "DecisionDoneRow",
    "DecisionRow",
    "DeviceRow",
    "DivisionEventRow",
    "DraftEntryRow",
    "DraftPresenceRow",
    "DraftReplayRow",
    "DraftRow",
    "DutyPersonRow",
    "DutyPostRow",
    "EventRow",
    "EvidenceRow",
    "FixRow",
    "GrantRow",
    "HoldingRow",
    "IncidentRow",
    "ItemPhotoRow",
    "ItemStepRow",
    "JobRow",
    "LeaseRow",
    "LoginAttemptRow",
    "MeetingRow",
    "NoticeRow",
    "PendingDayRow",
    "PersonRow",
    "PhotoRow",
    "PurgeRow",
    "ReceiptRow",
    "ReportPhotoRow",
    "ReportRow",
    "ReporterRow",
    "RuleSetRow",
    "SessionRow",
    "ShiftRow",
    "SignedLedgerRow",
    "StreetRow",
    "TokenRow",
    "TypedTextRow",
    "UtcDateTime",
    "VerdictRow",
    "VersionRow",
]
