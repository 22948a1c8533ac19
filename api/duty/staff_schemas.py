"""Bodies of requests and answers about shifts, notices and rectification items."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from api.duty.schemas import Code
from geo.duty.events import Duty

#: PostgreSQL stores no NUL characters.
_NO_NUL = r"^[^\x00]*$"
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*\S[^\x00]*$")]
Line = Annotated[str, Field(max_length=100, pattern=_NO_NUL)]
Reason = Annotated[str, Field(min_length=2, max_length=200, pattern=_NO_NUL)]
Body = Annotated[str, Field(min_length=2, max_length=2000, pattern=_NO_NUL)]
#: Row numbers fit in a column of four bytes.
RowNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]


class PostIn(BaseModel):
    """A place that must be staffed; replaces the one with the same name. `cell`: the community to which the station belongs."""

    place: Name = Field(examples=["万寿村社区工作站"])
    hours: str = Field(max_length=200, pattern=_NO_NUL, examples=["08:30-17:30、17:30-08:30"])
    cell: Code = Field(default="", examples=["320113003001"])
    days: Literal["every", "working", "resting"] = "every"


class PostOut(PostIn):
    """A stored duty post."""

    id: int


class ShiftIn(BaseModel):
    """A shift of a person at a place in ``[start, end)``."""

    place: Name = Field(examples=["万寿村社区工作站"])
    start: AwareDatetime = Field(examples=["2026-03-02T08:30:00+08:00"])
    end: AwareDatetime = Field(examples=["2026-03-02T17:30:00+08:00"])
    person: Name = Field(examples=["G1"])


class ShiftOut(ShiftIn):
    """A stored shift; `swapped_from` is the person planned before."""

    id: int
    name: str
    swapped_from: str
    reason: str


class ShiftFinding(BaseModel):
    """Unstaffed hours (`empty`), or a person at two places at once (`double`)."""

    kind: str
    place: str
    person: str
    start: datetime
    end: datetime
    explanation_zh: str
    explanation: str


class ShiftsOut(BaseModel):
    """Shifts and duty posts with their findings."""

    shifts: list[ShiftOut]
    posts: list[PostOut]
    findings: list[ShiftFinding]


class GapsOut(BaseModel):
    """Communities and grids without a responsible person today, and hours of today in which a duty post is unstaffed."""

    cells: list[str]
    empty_shifts: int


class Stored(BaseModel):
    """The numbers of the stored rows."""

    ids: list[int]


class NoticeOfRows(BaseModel):
    """A notice about rows that were stored, in both languages."""

    zh: str
    en: str


class ShiftStored(Stored):
    """The number of the stored shift, and notices about a person or place that is in no list."""

    notices: list[NoticeOfRows] = []


class SwapIn(BaseModel):
    """Two shifts whose persons are exchanged."""

    one: RowNumber
    two: RowNumber
    reason: Reason = Field(examples=["家中有事"])


class RefusedRowOut(BaseModel):
    """A refused row of an uploaded table."""

    row: int | None
    reason_zh: str
    reason: str


class SheetStored(BaseModel):
    """Result of an import: number of rows, shifts added and replaced, refused rows, and notices about names not in any list."""

    rows: int
    added: int
    withdrawn: int
    refused: list[RefusedRowOut]
    notices: list[NoticeOfRows] = []


class NoticeIn(BaseModel):
    """A notice to those responsible for cells, or to the holders of given duties. Without `cells`: the whole street."""

    title: Name = Field(examples=["防汛准备"])
    text: Body = Field(examples=["雨前清理雨水口，低洼处备好沙袋。"])
    cells: list[Code] = Field(default=[], max_length=300)
    levels: list[Literal[1, 2, 3]] = Field(default=[1, 2], max_length=3)
    duties: list[Duty] = Field(default=[], max_length=11)


class RecipientOut(BaseModel):
    """A recipient of a notice, with the cells, and the way and time of the receipt."""

    person: str
    name: str
    office_phone: str
    cells: list[str]
    reached_at: datetime | None
    way: str


class NoticeOut(BaseModel):
    """A notice with its recipients."""

    number: str
    at: datetime
    by: str
    title: str
    text: str
    cells: list[str]
    levels: list[int]
    duties: list[str]
    recipients: list[RecipientOut]


class NoticesOut(BaseModel):
    """Notices, newest first."""

    notices: list[NoticeOut]


class ReachedIn(BaseModel):
    """Persons reached by a notice, and how. Recorded by whoever informs them; they need not log in."""

    persons: list[Name] = Field(min_length=1, max_length=1000, examples=[["G1", "G2"]])
    way: Literal["page", "meeting", "phone", "visit", "paper"] = "phone"


class ItemIn(BaseModel):
    """A fault to rectify, with due day and responsible unit. `cell`: the community or grid in which it lies."""

    text: Body = Field(examples=["消防通道堆放杂物"])
    due: date = Field(examples=["2026-03-10"])
    unit: Line = Field(default="", examples=["万寿村社区"])
    person: Line = ""
    place: Line = Field(default="", examples=["合班村12幢"])
    basis: Line = Field(default="", examples=["消防安全专项督查"])
    cell: Code = Field(default="", examples=["320113003001"])
    case_id: Code = ""


class NoteIn(BaseModel):
    """A supervision note (督办单), or with `self_found` the findings of a unit itself (自查自纠), with its items."""

    items: list[ItemIn] = Field(min_length=1, max_length=50)
    self_found: bool = False


class ItemStepIn(BaseModel):
    """A step of an item to take. `seq` is the sequence number that it will have: one more than the last known to the sender."""

    seq: int = Field(ge=2, le=100_000)
    action: Literal["progress", "self_check", "recheck_ok", "recheck_bad"]
    text: Body = Field(examples=["杂物已清走，通道畅通"])


class ItemStepOut(BaseModel):
    """A stored step of an item; `photos` are the SHA-256 keys of its photos."""

    seq: int
    at: datetime
    actor: str
    action: str
    text: str
    photos: list[str] = Field(default_factory=list)


class ItemOut(BaseModel):
    """A rectification item after all its steps, with the steps allowed to the caller."""

    number: str
    note: str
    state: str
    state_zh: str
    found_at: datetime
    found_by: str
    place: str
    problem: str
    basis: str
    unit: str
    person: str
    due: date | None
    overdue: bool
    cell: str
    case_id: str
    self_found: bool
    rounds: int
    steps: list[ItemStepOut]
    allowed: list[str]


class ItemsOut(BaseModel):
    """Rectification items, last recorded first."""

    items: list[ItemOut]
