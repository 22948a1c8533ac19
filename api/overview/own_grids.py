"""The grids of a reader on a day with the verdicts stored last, which follow the fixes within seconds; nothing is computed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from api.database import current_version
from api.database.verdicts import verdict_values
from api.overview.days import JudgedDay, grids_of, judged_days

#: What is told of a grid in which nothing was observed on the day.
NOTHING = ("当日尚无该网格的定位记录。", "No position was recorded in this grid on this day yet.")
#: Grids that need somebody come first.
_ORDER = {"not_visited": 0, "short": 1, "unknown": 2, "met": 3}


def own_grids(
    session: Session, street: int, day: date, *, street_code: str | None, may_see: Callable[[str], bool]
) -> list[dict[str, Any]]:
    """State, visits and reason of each second-level grid that the reader may see, those not met first.

    A grid without a stored verdict was not visited; its `required` is None, because classes of grids may have different rules.

    Raises
    ------
    NotStoredError
        If no division is in force on the day.
    """
    judged = judged_days(session, street, day, days=1, may_see=may_see).get(day)
    if judged is None:
        version = current_version(session, day=day, street_code=street_code).id
        judged = JudgedDay(day, "", grids_of(session, version, may_see))
    values = verdict_values(session, [verdict.id for verdict in judged.verdicts.values()])
    found = []
    for code, grid in judged.grids.items():
        verdict = judged.verdicts.get(code)
        known = {} if verdict is None else values[verdict.id]
        found.append(
            {
                "code": code,
                "name": grid.name,
                "verdict": judged.state(code),
                "visits": 0 if verdict is None else verdict.visits,
                "required": None if verdict is None else verdict.required,
                "reason_zh": known.get("reason_zh") or NOTHING[0],
                "reason_en": known.get("reason_en") or NOTHING[1],
                "made_at": None if verdict is None else verdict.made_at,
            }
        )
    return sorted(found, key=lambda row: (_ORDER[row["verdict"]], row["code"]))
