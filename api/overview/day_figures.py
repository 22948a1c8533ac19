"""The figures of the first page: the latest day compared with the previous day and week, and grids that need attention."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from api.database.people import office_phone
from api.database.verdicts import last_verdict_day, rule_texts, verdict_values
from api.overview.days import STATES, Grid, JudgedDay, judged_days
from api.overview.week_cases import View, overdue_figures, week_figures
from geo.patrols import DEFAULT_RULES
from geo.wording import counted

#: Number of days of the small multiples, and of grids listed.
DAYS, NAMED = 28, 5
#: Order of urgency of the states.
_URGENCY = {"not_visited": 0, "short": 1, "unknown": 2}


def day_figures(
    session: Session, view: View, *, communities: Mapping[str, str], now: datetime, day: date | None = None
) -> dict[str, Any] | None:
    """Content of the first page; None if no verdict visible to the reader is stored.

    Parameters
    ----------
    communities
        Names of the communities by code, in display order.
    now
        Timezone-aware; an unfinished day is marked.
    day
        The requested day; by default the latest one with verdicts.
    """
    zone = ZoneInfo(view.zone)
    latest = last_verdict_day(session, view.street, until=now.astimezone(zone).date())
    wanted = day or latest
    if wanted is None:
        return None
    days = judged_days(session, view.street, wanted, days=DAYS, may_see=view.may_see)
    judged = days.get(wanted)
    if judged is None:
        return None
    week = week_figures(session, view, wanted, zone) if view.incidents else None
    closes = datetime.combine(wanted + timedelta(days=1), time(), zone)
    by_grid = week["by_grid"] if week else {}
    running = now < closes
    names = {code: grid.name for code, grid in judged.grids.items()} | dict(communities)
    return {
        "day": wanted,
        "running": running,
        "latest": latest == wanted,
        "before": wanted - timedelta(days=1) if wanted - timedelta(days=1) in days else None,
        "after": _next_day(wanted, latest),
        "rule": _rule_in_words(session, view.street, judged.rules),
        "made_at": _local(judged.made_at, zone),
        "total": len(judged.grids),
        "counts": judged.counts(),
        "changes": _changes(days, judged),
        "states": {code: judged.state(code) for code in judged.grids},
        "needs": _needs(session, view, days, judged, by_grid, running=running),
        "communities": _trends(days, wanted, communities),
        "incidents": week,
        "overdue": overdue_figures(session, view, min(now, closes), names, zone) if view.cases else None,
    }


def _rule_in_words(session: Session, street: int, name: str) -> tuple[str, str]:
    """Description of a rule set in Chinese and English: its title if it has one."""
    stored = rule_texts(session, street, name)
    values = tomllib.loads(stored[-1]) if stored else {}
    n = values.get("visits_per_day", DEFAULT_RULES.visits_per_day)
    title = values.get("title")
    return title or f"每日巡查不少于{n}次", title or f"at least {counted(n, 'visit')} a day"


def _next_day(day: date, latest: date | None) -> date | None:
    after = day + timedelta(days=1)
    return after if latest is not None and after <= latest else None


def _local(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if moment is None else moment.astimezone(zone)


def _changes(days: Mapping[date, JudgedDay], judged: JudgedDay) -> dict[str, dict[str, int] | None]:
    """Differences to the day before and to the same day of the week before; None if nothing is stored."""
    now = judged.counts()
    changes: dict[str, dict[str, int] | None] = {}
    for name, back in (("yesterday", 1), ("last_week", 7)):
        other = days.get(judged.day - timedelta(days=back))
        before = other.counts() if other is not None else None
        changes[name] = None if before is None else {state: now[state] - before[state] for state in STATES}
    return changes


def failing_in_a_row(days: Mapping[date, JudgedDay], day: date, code: str) -> int:
    """Number of consecutive days, up to `day`, on which a grid was not visited or short."""
    n = 0
    while (judged := days.get(day - timedelta(days=n))) is not None and code in judged.grids:
        if judged.state(code) not in ("not_visited", "short"):
            break
        n += 1
    return n


def _needs(
    session: Session,
    view: View,
    days: Mapping[date, JudgedDay],
    judged: JudgedDay,
    incidents: Mapping[str, int],
    *,
    running: bool,
) -> list[dict[str, Any]]:
    """The grids that need attention most: by state, then consecutive days, then incidents of the week."""
    rows = []
    for code, grid in judged.grids.items():
        state = judged.state(code)
        if state == "met":
            continue
        rows.append((_URGENCY[state], -failing_in_a_row(days, judged.day, code), -incidents.get(code, 0), code, grid))
    rows.sort(key=lambda row: row[:4])
    named = rows[:NAMED]
    stored = {code: judged.verdicts.get(code) for _, _, _, code, _ in named}
    values = verdict_values(session, [verdict.id for verdict in stored.values() if verdict is not None])
    found = []
    for _, in_a_row, reported, code, grid in named:
        verdict = stored[code]
        known = values[verdict.id] if verdict is not None else {}
        visits, required = (verdict.visits, verdict.required) if verdict else (0, None)
        entry = {
            "code": code,
            "name": grid.name,
            "state": judged.state(code),
            "visits": visits,
            "required": required,
            "in_a_row": -in_a_row,
            "incidents": -reported,
            "reason_zh": known.get("reason_zh"),
            "reason_en": known.get("reason_en"),
            **_leader(session, view, grid),
        }
        found.append({**entry, **_what_to_do(entry, known, running=running)})
    return found


def _leader(session: Session, view: View, grid: Grid) -> dict[str, str | None]:
    if not view.persons or grid.leader is None:
        return {"leader": None, "phone": None}
    known = office_phone(session, view.street, grid.leader)
    return {"leader": grid.leader if known is None else known[0], "phone": known[1] if known else None}


def _what_to_do(entry: Mapping[str, Any], known: Mapping[str, Any], *, running: bool) -> dict[str, str]:
    """The next step in both languages."""
    days = entry["in_a_row"]
    if entry["state"] == "unknown":
        zh, en = (known.get(f"settle_{language}") for language in ("zh", "en"))
        first_zh, first_en = (str(zh or "").split("；")[0], str(en or "").split("; ")[0])
        if not first_zh or not first_en:
            return {"todo_zh": "核对手机定位是否正常。", "todo_en": "Check the positioning of the phone."}
        return {"todo_zh": f"需核实：{first_zh}。", "todo_en": f"To be settled by {first_en}."}
    missing = (entry["required"] or 1) - entry["visits"]
    left = f"还差{missing}次巡查" if entry["required"] else "尚未巡查"
    short = f"{counted(missing, 'more visit')} needed" if entry["required"] else "not visited yet"
    if running:
        return {"todo_zh": f"{left}，请今日内完成。", "todo_en": f"{short.capitalize()} today."}
    if days > 1:
        return {
            "todo_zh": f"已连续{days}天未达标，请社区负责人了解原因、安排补位。",
            "todo_en": f"Failing {days} days in a row: the community should ask why and send a deputy.",
        }
    return {
        "todo_zh": f"{left}，请格长说明原因，次日优先巡查。",
        "todo_en": f"{short.capitalize()}: ask why; first on the next day.",
    }


def _trends(days: Mapping[date, JudgedDay], end: date, communities: Mapping[str, str]) -> list[dict[str, Any]]:
    """Failing and unknown grids of each community on the days up to `end`; None for a day without verdicts."""
    span = [end - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    first = next((k for k, day in enumerate(span) if day in days), 0)
    # At least a week is shown, so that bars keep their width.
    span = span[min(first, DAYS - 7) :]
    trends = []
    for code, name in communities.items():
        bars: list[dict[str, Any] | None] = []
        for day in span:
            judged = days.get(day)
            own = [] if judged is None else [c for c, grid in judged.grids.items() if grid.community == code]
            if judged is None or not own:
                bars.append(None)
                continue
            counts = judged.counts(own)
            failing = counts["not_visited"] + counts["short"]
            bars.append({"day": day, "failing": failing, "unknown": counts["unknown"], "total": len(own)})
        if any(bars):
            trends.append({"code": code, "name": name, "bars": bars})
    return trends
