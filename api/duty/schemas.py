"""Bodies of requests and answers about reports, cases and the roster."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from api.schemas import DatumName, Latitude, Longitude
from geo.duty.events import Action, Role
from geo.duty.report import Channel

Code = Annotated[str, Field(max_length=40, pattern=r"^[0-9A-Za-z-]*$")]
Short = Annotated[str, Field(max_length=100)]
ClientId = Annotated[str, Field(min_length=1, max_length=100)]


class ReporterIn(BaseModel):
    """The reporter; stored encrypted."""

    name: Short = ""
    contact: Short = ""
    wants_reply: bool = False
    confidential: bool = False


class ReportIn(BaseModel):
    """A new report. With coordinates the cells are looked up; otherwise `address` gives the place, and `second` may be given."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "client_id": "desk-2026-03-02-17",
                    "channel": "12345",
                    "text": "万寿村小区12幢路灯不亮",
                    "kind": "06010",
                    "lon": 118.8,
                    "lat": 32.1,
                    "reporter": {"name": "王先生", "contact": "13800000000", "wants_reply": True},
                }
            ]
        }
    }

    client_id: ClientId
    channel: Channel
    text: str = Field(min_length=2, max_length=4000)
    external_no: Short = ""
    taken_at: datetime | None = None
    standard_ref: Short = ""
    kind: Code = ""
    lon: Longitude | None = None
    lat: Latitude | None = None
    datum: DatumName = "WGS-84"
    address: str = Field(default="", max_length=200)
    second: Code = ""
    case_id: Code = ""
    role: Role | None = None
    reporter: ReporterIn = Field(default_factory=ReporterIn)


class CandidateOut(BaseModel):
    """A case that a report may duplicate; only a suggestion."""

    case_id: str
    distance_m: float | None
    same_building: bool
    likeness: float
    why: str
    why_en: str


class CaseOut(BaseModel):
    """The current state of a case."""

    number: str
    seq: int
    state: str
    owner: str | None
    unit: str | None
    outcome: str | None
    due: datetime | None
    step_due: datetime | None
    late: bool
    round: int
    standard_ref: str
    kind: str
    service: str
    summary: str
    channel: str
    third: str
    second: str
    community: str
    merged_into: str | None
    reports: int
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None


class CasesAsked(BaseModel):
    """Filter of a list of cases."""

    state: list[Annotated[str, Field(max_length=20)]] = Field(default=[], max_length=13)
    open_only: bool = False
    owner: Short = ""
    service: Short = ""
    kind: Short = ""
    cell: Short = ""
    due_before: datetime | None = None
    limit: int = Field(default=200, ge=1, le=1000)
    offset: int = Field(default=0, ge=0, le=10_000_000)


class CasesOut(BaseModel):
    """A page of cases, sorted by due time; `total` is the number of all matching cases."""

    total: int
    cases: list[CaseOut]


class CaseDetail(BaseModel):
    """A case with the permitted steps, by the roles of the caller."""

    number: str
    seq: int
    state: str
    state_zh: str
    owner: str | None
    outcome: str | None
    due: datetime | None
    late: bool
    provisional: bool
    exempt: str
    round: int
    reports: list[str]
    attachments: int
    second: str
    current_second: str | None
    returns: int
    extensions: int
    merged_into: str | None
    allowed: dict[str, list[str]]


class ReportStored(BaseModel):
    """A report with its number, its case, and cases that it may duplicate."""

    report: str
    case: CaseDetail
    duplicates: list[CandidateOut]


class StepIn(BaseModel):
    """A step of a case to take. `seq` is the sequence number that it will have: one more than the last known to the sender."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {"seq": 2, "action": "file", "payload": {"kind": "06010"}, "client_id": "desk-2026-03-02-18"},
                {"seq": 3, "action": "assign", "role": "level1", "payload": {"unit": "城管中队"}},
            ]
        }
    }

    seq: int = Field(ge=1, le=100_000)
    action: Action
    role: Role | None = None
    reason: str = Field(default="", max_length=2000)
    payload: dict[str, Any] = Field(default_factory=dict, max_length=30)
    client_id: ClientId | None = None


class EventOut(BaseModel):
    """A stored step of a case."""

    seq: int
    at: datetime
    actor: str
    role: str
    action: str
    action_zh: str
    reason: str
    payload: dict[str, Any]
    rules_version: str
    calendar_version: str
    prev_hash: str


class DeadlineOut(BaseModel):
    """Derivation of a deadline, line by line."""

    clock: str
    due: datetime | None
    limit: str
    provisional: bool
    why: list[str]
    why_en: list[str]


class AnswerableOut(BaseModel):
    """Person responsible for a cell on a day."""

    cell: str
    level: int
    person: str | None
    name: str | None
    post: str | None
    office_phone: str | None
    instead_of: str


class FindingOut(BaseModel):
    """A gap or conflict of the roster."""

    kind: str
    cell: str
    person: str
    first: date
    last: date
    explanation_zh: str
    explanation: str


class AbsenceIn(BaseModel):
    """An absence. The person's open cases are handed over to the deputy in the same transaction."""

    person: Short
    first: date
    last: date
    deputy: Short = ""
    reason: str = Field(default="", max_length=200)


class DepartureIn(BaseModel):
    """A departure after a day. The successor takes the duties from the next day on, and the open cases in the same
    transaction.
    """

    person: Short
    last: date
    successor: Short = ""


class HandedOver(BaseModel):
    """New owners of the cases handed over, by case number; the number of the absence, if one was recorded."""

    cases: dict[str, str]
    absence: int | None = None


class ErasureIn(BaseModel):
    """Reason for the erasure of a reporter's name and contact."""

    reason: str = Field(min_length=2, max_length=500)


class ReporterOut(BaseModel):
    """Name and contact of a reporter; each access is recorded in the audit."""

    name: str
    contact: str
