"""Bodies of requests and answers of ledgers and meetings."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

#: PostgreSQL stores no NUL characters.
NO_NUL = r"^[^\x00]*$"

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=NO_NUL)]


class TypedText(BaseModel):
    """A text written into a ledger (its letter) or a brief (``brief``)."""

    ledger: str = Field(min_length=1, max_length=5, examples=["B"])
    key: str = Field(min_length=1, max_length=200, pattern=NO_NUL, examples=["2026-03-04/320113003001001"])
    column: str = Field(min_length=1, max_length=30, examples=["remark"])
    text: str = Field(max_length=2000, pattern=NO_NUL, examples=["学校开学"])


class LedgerSigned(BaseModel):
    """A ledger was signed: the SHA-256 of its content."""

    sha256: str


class DecisionIn(BaseModel):
    """A decision of a meeting."""

    day: date = Field(examples=["2026-03-03"])
    text: str = Field(min_length=2, max_length=300, pattern=NO_NUL, examples=["核对消防通道清单"])
    owner: str = Field(min_length=1, max_length=100, pattern=NO_NUL, examples=["城管中队"])
    due: date = Field(examples=["2026-03-10"])
    case_id: str = Field(default="", max_length=40, pattern=NO_NUL)
    helpers: list[Name] = Field(default_factory=list, max_length=50, examples=[["物业"]])


class MeetingIn(BaseModel):
    """The record of a meeting: who met where, and which lines of its agenda were discussed."""

    day: date = Field(examples=["2026-03-03"])
    scope: str = Field(
        default="", max_length=20, pattern=NO_NUL, description="cell of the agenda; empty: the whole street"
    )
    place: str = Field(default="", max_length=100, pattern=NO_NUL, examples=["街道会议室"])
    chair: str = Field(min_length=1, max_length=100, pattern=NO_NUL, examples=["分管领导"])
    present: list[Name] = Field(default_factory=list, max_length=200, examples=[["城管中队", "综治办"]])
    absent: list[Name] = Field(default_factory=list, max_length=200, examples=[["环卫所"]])
    discussed: list[int] = Field(
        default_factory=list, max_length=50, description="numbers of agenda lines, from 1", examples=[[1, 2]]
    )


class MeetingStored(BaseModel):
    """The number of a meeting, and its questions."""

    meeting_id: str
    items: list[str]


class DecisionStored(BaseModel):
    """The number of a decision."""

    decision_id: str
