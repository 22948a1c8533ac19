"""Ledgers of the street: E joint meetings, G rectification, H assessment; I letters, J cards, K boards of a community."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from geo.duty.briefs.areas import area_table
from geo.duty.briefs.indicators import DEFINITIONS
from geo.duty.events import Duty
from geo.duty.facts import Facts, Holder
from geo.duty.ledgers.periodic import CLOSINGS
from geo.duty.meetings.outcomes import decisions_of
from geo.duty.meetings.records import Decision, Meeting
from geo.texts import Text

Rows = list[dict[str, Any]]

#: Duties of the leader of a grid, from the article; printed on boards.
LEADERS_DUTIES = (
    "每天至少到网格巡查两次，发现情况及时报告",
    "与网格内单位、小区、商业网点沟通协调并提供服务",
    "收集居民的意见和需求，能办的当场办，办不了的当天上报",
    "把办理结果告诉反映人",
)
AUDIENCES = (
    ("residents", Text("居民", "residents")),
    ("businesses", Text("经营户", "businesses")),
    ("bodies", Text("企事业单位", "institutions")),
)
#: Letters say how many cases were closed in this time.
LETTER_DAYS = dt.timedelta(days=30)
#: The five services, as named in letters.
MATTERS = "市容环境、流动人口、便民为民、平安和谐、商业网点"
BANDS = {
    "within": "在界限内",
    "outside_95": "超出95%界限",
    "outside_998": "超出99.8%界限",
    "few": "件数少，不比较",
    "none": "无",
}


def next_month(first: dt.date) -> dt.date:
    """First day of the month after.

    >>> next_month(dt.date(2026, 12, 1))
    datetime.date(2027, 1, 1)
    """
    return (first.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def meeting_rows(facts: Facts, first: dt.date, scope: str) -> Rows:
    """Ledger E: each decision of a meeting of the month; one row for a meeting without decisions."""
    end = next_month(first)
    held = {meeting.meeting_id: meeting for meeting in facts.meetings if first <= meeting.day < end}
    decided: dict[str, list[Decision]] = {number: [] for number in held}
    for decision in decisions_of(facts):
        day = facts.local(decision.decided_at).date() if decision.decided_at is not None else None
        if decision.meeting_id in held:
            decided[decision.meeting_id].append(decision)
        elif day is not None and first <= day < end:
            decided.setdefault(decision.meeting_id, []).append(decision)
    rows = []
    for number in sorted(decided):
        meeting = held.get(number)
        shown: list[Decision | None] = [one for one in decided[number] if not scope or _in_scope(facts, one, scope)]
        rows += [_meeting_row(facts, number, meeting, one) for one in shown or ([] if decided[number] else [None])]
    return rows


def _in_scope(facts: Facts, decision: Decision, scope: str) -> bool:
    case = facts.find(decision.case_id)
    return case is not None and facts.within(case, scope)


def _meeting_row(facts: Facts, number: str, meeting: Meeting | None, decision: Decision | None) -> dict[str, Any]:
    row: dict[str, Any] = {"meeting": number}
    if meeting is not None:
        row.update(
            day=f"{meeting.day:%m-%d}",
            place=meeting.place,
            chair=facts.name_of(meeting.chair),
            present="、".join(facts.name_of(name) for name in meeting.present),
            absent="、".join(facts.name_of(name) for name in meeting.absent),
            item="；".join(question for question, _ in meeting.items),
        )
    elif decision is not None and decision.decided_at is not None:
        row["day"] = f"{facts.local(decision.decided_at):%m-%d}"
    if decision is None:
        return row
    case = facts.find(decision.case_id)
    if case is not None:
        asked = next((q for q, about in (meeting.items if meeting else ()) if about == decision.case_id), "")
        row["item"] = f"{asked or case.summary}（{decision.case_id}）"
    return {
        **row,
        "decision": decision.text,
        "lead": facts.name_of(decision.owner),
        "helpers": "、".join(facts.name_of(helper) for helper in decision.helpers),
        "due": f"{decision.due:%m-%d}",
        "done": f"{facts.local(decision.done_at):%m-%d}" if decision.done_at is not None else "",
    }


def rectification_rows(facts: Facts, first: dt.date, scope: str) -> Rows:
    """Ledger G: items found in the month, and older items still open in it."""
    start, end = facts.midnight(first), facts.midnight(next_month(first))
    rows = []
    for item in facts.rectifications.sort_values(["found_at", "number"]).to_dict("records"):
        closed = (
            item["closed_at"]
            if isinstance(item["closed_at"], dt.datetime) and item["closed_at"] == item["closed_at"]
            else None
        )
        if item["found_at"] >= end or (closed is not None and closed < start):
            continue
        if scope and scope not in (item["community"], item["second"]):
            continue
        rows.append(
            {
                "found_on": f"{facts.local(item['found_at']):%m-%d}",
                "found_by": facts.name_of(str(item["found_by"])),
                "place": item["place"],
                "problem": item["problem"],
                "basis": item["basis"],
                "responsible": facts.name_of(str(item["responsible"])),
                "measure": item["measure"],
                "limit": _short(item["due"]),
                "progress": item["state"],
                "evidence": item["evidence"],
                "recheck": item["rechecked"],
                "closed": f"{facts.local(closed):%m-%d}" if closed is not None else "",
            }
        )
    return rows


def _short(value: Any) -> str:
    return f"{value:%m-%d}" if isinstance(value, dt.date) and value == value else ""


def assessment_rows(facts: Facts, first: dt.date, scope: str) -> Rows:
    """Ledger H: each indicator of each community in a month, sorted by code; no scores or ranks."""
    table = area_table(facts, first, next_month(first))
    workload = dict(zip(facts.cells["code"].astype(str), facts.cells["workload"], strict=True))
    rows = []
    for row in table.to_dict("records"):
        area = str(row["area"])
        if scope and area != scope:
            continue
        key = f"{first:%Y-%m}/{area}/{row['indicator']}"
        share = row["denominator"] > 0
        amount = workload.get(area)
        rows.append(
            {
                "area": facts.cell_names.get(area, area),
                "indicator": DEFINITIONS[row["indicator"]].name.zh,
                "definition": f"{row['indicator']} {row['version']}",
                "numerator": int(row["numerator"]),
                "denominator": int(row["denominator"]),
                "value": f"{row['value']:.2%}" if share else "",
                "interval": f"{row['low']:.1%}–{row['high']:.1%}" if share else "",
                "band": BANDS[row["band"]],
                "workload": f"{amount:,.0f}" if amount is not None and not pd.isna(amount) else "",
                "statement": facts.written("H", key, "statement"),
                "decision": facts.written("H", key, "decision"),
                "key": key,
            }
        )
    return rows


def letter_rows(facts: Facts, day: dt.date, scope: str) -> Rows:
    """Ledger I: a letter for each second-level grid of a community and each audience."""
    closed = _closed_before(facts, day) if facts.closings is None else facts.closings
    return [
        {
            "audience": text.zh,
            "community": facts.cell_names.get(facts.parent_of(code), ""),
            "grid": facts.cell_names[code],
            "leader": _leader(facts, code, day).name,
            "phone": _leader(facts, code, day).phone,
            "supervision_phone": facts.street.get("supervision_phone", ""),
            "matters": MATTERS,
            "progress": f"近30天办结{closed.get(code, 0)}件",
            "date": day.isoformat(),
            "code": code,
            "audience_code": name,
        }
        for code in facts.cells_of(2, scope)
        for name, text in AUDIENCES
    ]


def card_rows(facts: Facts, day: dt.date, scope: str) -> Rows:
    """Ledger J: a service card for each second-level grid."""
    return [
        {
            "community": facts.cell_names.get(facts.parent_of(code), ""),
            "grid": facts.cell_names[code],
            "leader": _leader(facts, code, day).name,
            "phone": _leader(facts, code, day).phone,
            "hotline": facts.street.get("hotline", ""),
            "police": _police(facts, code, day),
            "property": facts.street.get("property_phone", ""),
            "code": code,
            "post": _leader(facts, code, day).post,
        }
        for code in facts.cells_of(2, scope)
    ]


def board_rows(facts: Facts, day: dt.date, scope: str) -> Rows:
    """Ledger K: a public board for each second-level grid. Published of a person: name, post, duty telephone, pledge."""
    rows = []
    for code in facts.cells_of(2, scope):
        leader = _leader(facts, code, day)
        rows.append(
            {
                "community": facts.cell_names.get(facts.parent_of(code), ""),
                "grid": facts.cell_names[code],
                "leader": leader.name,
                "post": leader.post,
                "phone": leader.phone,
                "supervision_phone": facts.street.get("supervision_phone", ""),
                "duties": "；".join(LEADERS_DUTIES),
                "pledge": leader.pledge,
                "map": f"网格{code}",
                "code": code,
            }
        )
    return rows


_NOBODY = Holder("", "")


def _leader(facts: Facts, code: str, day: dt.date) -> Holder:
    """Person responsible for a grid on a day; empty texts if there is none."""
    return facts.answers(code, day) or _NOBODY


def _police(facts: Facts, code: str, day: dt.date) -> str:
    """Police officer of a grid or its community with the telephone, or that of the station."""
    for cell in (code, facts.parent_of(code)):
        for holder in facts.holders(cell, day, Duty.POLICE):
            return " ".join(part for part in (holder.name, holder.phone) if part)
    return facts.street.get("police_phone", "")


def _closed_before(facts: Facts, day: dt.date) -> dict[str, int]:
    """Cases closed in the thirty days before a day, by second-level grid."""
    counts: dict[str, int] = {}
    for event in facts.counted(day - LETTER_DAYS, day):
        if event.action in CLOSINGS:
            second = facts.case(event.case_id).second
            counts[second] = counts.get(second, 0) + 1
    return counts
