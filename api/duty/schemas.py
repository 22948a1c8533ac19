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
    """Who reported; encrypted in the store."""

    name: Short = ""
    contact: Short = ""
    wants_reply: bool = False
    confidential: bool = False


class ReportIn(BaseModel):
    """A report. With coordinates the cells are found; without, `address` says where, and `second` may be given by the sender."""

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
    """A case that a report may repeat; it is suggested only."""

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
    """Cases, what is due first comes first; `total` counts those that the list was cut from."""

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
    """A report with its number, its case, and cases that it may repeat."""

    report: str
    case: CaseDetail
    duplicates: list[CandidateOut]


class StepIn(BaseModel):
    """One step of a case. `seq` is the number that it will have: one more than the sender has seen."""

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
    """One step of a case as it is stored."""

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
    """A person is away. Their open cases are handed over to who stands in, in the same step."""

    person: Short
    first: date
    last: date
    deputy: Short = ""
    reason: str = Field(default="", max_length=200)


class DepartureIn(BaseModel):
    """A person leaves after a day. Who comes after takes the duties from the next day on, and the open cases in the same step."""

    person: Short
    last: date
    successor: Short = ""


class HandedOver(BaseModel):
    """Cases that were handed over, by their new owner."""

    cases: dict[str, str]


class ErasureIn(BaseModel):
    """Why a reporter's name and contact are erased."""

    reason: str = Field(min_length=2, max_length=500)


class ReporterOut(BaseModel):
    """Name and contact of a reporter; each look is written into the audit."""

    name: str
    contact: str
