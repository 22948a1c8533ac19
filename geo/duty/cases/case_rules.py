"""The limits of the steps of a case and of its matters, as one versioned value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from geo.duty.clocks.deadlines import Reckoning
from geo.duty.events import Clock
from geo.duty.intake.services import Service
from geo.incidents.limits import Limit, time_limits

#: Default limits of the steps, similar to published rules of streets for 12345 cases.
STEP_LIMITS: Mapping[Clock, Limit] = {
    Clock.ACCEPT: Limit(2, "working_hour"),
    Clock.CHECK: Limit(8, "working_hour"),
    Clock.DISPATCH: Limit(2, "working_hour"),
    Clock.SIGN: Limit(4, "working_hour"),
    Clock.REDO: Limit(3, "working_day"),
    Clock.VERIFY: Limit(1, "working_day"),
    Clock.REPLY: Limit(1, "working_day"),
}
#: Handling limit of matters that are not in the table of limits.
DEFAULT_LIMIT = Limit(5, "working_day")

_UNITS = {
    "emergency_hour": "紧急工作时",
    "working_hour": "工作时",
    "working_day": "工作日",
    "calendar_day": "自然日",
}


def limit_text(limit: Limit) -> str:
    """Text of a limit as in tables; the inverse of :meth:`geo.incidents.Limit.parse`.

    >>> limit_text(Limit(5, "working_day"))
    '5工作日'
    """
    return f"{limit.amount:g}{_UNITS[limit.unit]}"


@dataclass(frozen=True)
class CaseRules:
    """Limits of steps and matters.

    Attributes
    ----------
    steps
        Limit of each clock except handling and review.
    matters
        Handling limit by standard and code; for a matter with several conditions the longest, because the condition is decided
        at filing.
    default
        Handling limit of other matters.
    reckoning
        Method of counting working days.
    services
        Service of each matter, from :func:`geo.duty.read_services`; None for the table of the package.
    """

    steps: Mapping[Clock, Limit] = field(default_factory=lambda: dict(STEP_LIMITS))
    matters: Mapping[tuple[str, str], Limit] = field(default_factory=dict)
    default: Limit = DEFAULT_LIMIT
    reckoning: Reckoning = "day_after_end"
    services: Mapping[str, Service] | None = None

    @classmethod
    def of(
        cls,
        table: pd.DataFrame | None = None,
        *,
        default: Limit = DEFAULT_LIMIT,
        services: Mapping[str, Service] | None = None,
    ) -> CaseRules:
        """Rules with the limits of a table from :func:`geo.incidents.time_limits`, by default the built-in one."""
        rows = time_limits() if table is None else table
        matters: dict[tuple[str, str], Limit] = {}
        for ref, code, text in zip(rows["standard_ref"], rows["code"], rows["limit"], strict=True):
            key = (ref if isinstance(ref, str) else "", code)
            limit = Limit.parse(text)
            if key not in matters or _length(limit) > _length(matters[key]):
                matters[key] = limit
        return cls(matters=matters, default=default, services=services)

    @cached_property
    def version(self) -> str:
        """Eight hexadecimal digits that depend on all limits; the services are not part of it, because they set none."""
        facts = (sorted(self.steps.items()), sorted(self.matters.items()), self.default, self.reckoning)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:8]

    def handling(self, standard_ref: str, kind: str) -> tuple[Limit, str]:
        """Handling limit of a matter, and its source.

        >>> CaseRules().handling("GB/T 47678.5-2026", "06010")
        (Limit(amount=5, unit='working_day'), 'default')
        """
        for ref in (standard_ref, ""):
            if (ref, kind) in self.matters:
                return self.matters[ref, kind], f"{ref} {kind}".strip()
        return self.default, "default"


def _length(limit: Limit) -> float:
    """Rough length for comparing limits of different units, in hours: a working day is 24, a working hour 3."""
    return limit.amount * {"emergency_hour": 1, "working_hour": 3, "working_day": 24, "calendar_day": 24}[limit.unit]
