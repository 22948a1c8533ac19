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
#: Numbers of rows fit a column of four bytes.
RowNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]


class PostIn(BaseModel):
    """A place that has to be held; one of the same name is replaced. `cell`: the community whose station it is."""

    place: Name = Field(examples=["万寿村社区工作站"])
    hours: str = Field(max_length=200, pattern=_NO_NUL, examples=["08:30-17:30、17:30-08:30"])
    cell: Code = Field(default="", examples=["320113003001"])
    days: Literal["every", "working", "resting"] = "every"


class PostOut(PostIn):
    """A duty post as it is stored."""

    id: int


class ShiftIn(BaseModel):
    """Somebody is on duty at a place in ``[start, end)``."""

    place: Name = Field(examples=["万寿村社区工作站"])
    start: AwareDatetime = Field(examples=["2026-03-02T08:30:00+08:00"])
    end: AwareDatetime = Field(examples=["2026-03-02T17:30:00+08:00"])
    person: Name = Field(examples=["G1"])


class ShiftOut(ShiftIn):
    """A shift as it is stored; `swapped_from` is who was planned before."""

    id: int
    name: str
    swapped_from: str
    reason: str


class ShiftFinding(BaseModel):
    """Hours in which nobody is on duty (`empty`), or a person who is at two places at once (`double`)."""

    kind: str
    place: str
    person: str
    start: datetime
    end: datetime
    explanation_zh: str
    explanation: str


class ShiftsOut(BaseModel):
    """Shifts and duty posts with what is wrong about them."""

    shifts: list[ShiftOut]
    posts: list[PostOut]
    findings: list[ShiftFinding]


class GapsOut(BaseModel):
    """Communities and grids for which nobody answers today, and spans of today in which a duty post is empty."""

    cells: list[str]
    empty_shifts: int


class Stored(BaseModel):
    """The numbers of what was stored."""

    ids: list[int]


class SwapIn(BaseModel):
    """Two shifts whose persons change places."""

    one: RowNumber
    two: RowNumber
    reason: Reason = Field(examples=["家中有事"])


class RefusedRowOut(BaseModel):
    """A row of a sheet that could not be used."""

    row: int | None
    reason_zh: str
    reason: str


class SheetStored(BaseModel):
    """What became of a sheet: its rows, shifts added and replaced, and rows that were refused."""

    rows: int
    added: int
    withdrawn: int
    refused: list[RefusedRowOut]


class NoticeIn(BaseModel):
    """A notice to those who answer for cells, or to the holders of some duties. Without `cells`: the whole street."""

    title: Name = Field(examples=["防汛准备"])
    text: Body = Field(examples=["雨前清理雨水口，低洼处备好沙袋。"])
    cells: list[Code] = Field(default=[], max_length=300)
    levels: list[Literal[1, 2, 3]] = Field(default=[1, 2], max_length=3)
    duties: list[Duty] = Field(default=[], max_length=11)


class RecipientOut(BaseModel):
    """A person whom a notice is for, with the cells, and how and when it reached them."""

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
    """Persons whom a notice reached, and how. Whoever tells them writes it down; nobody has to log in."""

    persons: list[Name] = Field(min_length=1, max_length=1000, examples=[["G1", "G2"]])
    way: Literal["page", "meeting", "phone", "visit", "paper"] = "phone"


class ItemIn(BaseModel):
    """What has to be put right, until when, and by whom. `cell`: the community or grid it lies in."""

    text: Body = Field(examples=["消防通道堆放杂物"])
    due: date = Field(examples=["2026-03-10"])
    unit: Line = Field(default="", examples=["万寿村社区"])
    person: Line = ""
    place: Line = Field(default="", examples=["合班村12幢"])
    basis: Line = Field(default="", examples=["消防安全专项督查"])
    cell: Code = Field(default="", examples=["320113003001"])
    case_id: Code = ""


class NoteIn(BaseModel):
    """A supervision note (督办单), or with `self_found` what a unit found itself (自查自纠), with its items."""

    items: list[ItemIn] = Field(min_length=1, max_length=50)
    self_found: bool = False


class ItemStepIn(BaseModel):
    """One step of an item. `seq` is the number that it will have: one more than the sender has seen."""

    seq: int = Field(ge=2, le=100_000)
    action: Literal["progress", "self_check", "recheck_ok", "recheck_bad"]
    text: Body = Field(examples=["杂物已清走，通道畅通"])


class ItemStepOut(BaseModel):
    """One step of an item as it is stored."""

    seq: int
    at: datetime
    actor: str
    action: str
    text: str


class ItemOut(BaseModel):
    """A rectification item after all its steps, with the steps that the caller may do."""

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
    """Rectification items, the last found first."""

    items: list[ItemOut]
