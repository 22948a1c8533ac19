"""Bodies of requests and answers about jobs."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, model_validator

#: Maximum period of incidents of one job.
LONGEST_TIME = timedelta(days=3 * 366)


class CheckWork(BaseModel):
    """Check a version of the division, by default the current one."""

    kind: Literal["check"]
    version: int | None = Field(default=None, ge=1, lt=2**31)
    tolerance_m: float = Field(default=0.001, ge=0, le=1000, allow_inf_nan=False)


class _OfIncidents(BaseModel):
    start: AwareDatetime = Field(description="first moment", examples=["2026-02-01T00:00:00+08:00"])
    end: AwareDatetime = Field(description="moment after the last", examples=["2026-03-01T00:00:00+08:00"])

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.start < self.end <= self.start + LONGEST_TIME:
            raise ValueError("start must be before end, and at most three years before")
        return self


class DensityWork(_OfIncidents):
    """Density of incidents, as lines of equal density."""

    kind: Literal["density"]
    bandwidth_m: float = Field(default=150.0, ge=50, le=2000, allow_inf_nan=False)


class HotspotsWork(_OfIncidents):
    """Hot spots of incidents among second-level (2) or third-level (3) grids."""

    kind: Literal["hotspots"]
    level: Literal[2, 3] = 2


class VerdictsWork(BaseModel):
    """Verdicts of a day from the stored fixes."""

    kind: Literal["verdicts"]
    day: date = Field(ge=date(1990, 1, 1), lt=date(2100, 1, 1), examples=["2026-03-02"])
    rules: str | None = Field(default=None, min_length=1, max_length=200, pattern=r"^[^\x00]+$")


Work = Annotated[CheckWork | DensityWork | HotspotsWork | VerdictsWork, Field(discriminator="kind")]


class JobAsked(BaseModel):
    """Number of a created job."""

    id: int


class JobSummary(BaseModel):
    """A job without its result."""

    id: int
    kind: Literal["check", "density", "hotspots", "verdicts"]
    arguments: dict[str, Any]
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    attempt: int
    progress: float
    message: str
    created_at: datetime
    finished_at: datetime | None


class Job(JobSummary):
    """A job with its result."""

    result: dict[str, Any] | None
