"""Bodies of requests and answers of ledgers and meetings."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, Field

#: PostgreSQL stores no NUL characters.
NO_NUL = r"^[^\x00]*$"


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


class DecisionStored(BaseModel):
    """The number of a decision."""

    decision_id: str
