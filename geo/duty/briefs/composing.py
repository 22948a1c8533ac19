"""Composes the supervision brief (督查简报): figures with intervals, facts with case numbers, written texts, definitions."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from geo.duty.briefs.areas import area_table
from geo.duty.briefs.blocks import (
    Block,
    DefinitionsBlock,
    FunnelBlock,
    Heading,
    Paragraph,
    TableBlock,
)
from geo.duty.briefs.indicators import VERSION, Period, counted_cases, definition_lines
from geo.duty.briefs.problems import backlog_lines, good_lines, problem_lines
from geo.duty.briefs.proportions import LEAST_COMPARED, Z_95, Z_998, wilson
from geo.duty.briefs.saturation import saturation_table
from geo.duty.cases.steps import empty_case, fold
from geo.duty.events import Action, State
from geo.duty.facts import Facts
from geo.errors import InputError

#: Indicators shown and defined in a brief.
SHOWN = ("CLO", "ONT", "SELF", "EXP")
#: Briefs of longer periods also show the distribution of the workload.
MONTHLY_DAYS = 28
#: Steps after which a case may have another time of filing.
_FILING = frozenset({Action.FILE, Action.UNDO})


@dataclass(frozen=True)
class Issue:
    """Header and footer of a brief.

    Attributes
    ----------
    number
        Such as ``2026年第9期``.
    day
        Day of issue.
    issuer, report_to, send_to, copies
        Issuer, recipients of report and copies, and number of printed copies.
    """

    number: str
    day: dt.date
    issuer: str = "街道纪工委"
    report_to: tuple[str, ...] = ("街道党工委、办事处班子成员",)
    send_to: tuple[str, ...] = ("各相关科室，各社区、园区",)
    copies: int = 0


@dataclass(frozen=True)
class Brief:
    """A brief: header and blocks. Equal facts and texts give an equal brief."""

    title: str
    subject: str
    start: dt.date
    end: dt.date
    issue: Issue
    blocks: tuple[Block, ...]
    definitions: str = VERSION

    def values(self) -> dict[str, Any]:
        """The brief as plain values, for papers and programs."""
        issue = self.issue
        lines = [f"报：{'，'.join(issue.report_to)}。", f"发：{'，'.join(issue.send_to)}。"]
        return {
            "title": self.title,
            "subject": self.subject,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "issue": issue.number,
            "issuer": issue.issuer,
            "date": issue.day.isoformat(),
            "day": f"{issue.day.year}年{issue.day.month}月{issue.day.day}日",
            "imprint": lines,
            "copies": f"（共印{issue.copies}份）" if issue.copies else "",
            "definitions": self.definitions,
            "blocks": [block.values() for block in self.blocks],
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the values: equal for equal briefs."""
        text = json.dumps(self.values(), ensure_ascii=False, sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()


def brief(
    facts: Facts,
    start: dt.date,
    end: dt.date,
    *,
    issue: Issue,
    suggestions: Sequence[str] = (),
    replies: Mapping[str, str] | None = None,
    about: str = "",
) -> Brief:
    """Compose the brief of a period.

    Parameters
    ----------
    facts
        The facts. Steps at `end` or later do not count, so composing an old period again gives the same brief.
    start, end
        First local day, and the day after the last.
    issue
        Number, day of issue, issuer and recipients.
    suggestions
        Paragraphs written by people; may be empty.
    replies
        Replies of communities before issue (right of reply), by code.
    about
        Name of the service to which the facts are limited, for the subject; empty for all.

    Returns
    -------
    Brief
        General figures, progress of every community by code with intervals and a funnel, problems as facts with case numbers,
        repeats and backlog, good results, suggestions, replies, and the definitions of the indicators.

    Raises
    ------
    InputError
        If the period is empty.

    Notes
    -----
    Persons and causes are not named: only counts and steps taken. There are no scores or ranks.
    """
    if end <= start:
        raise InputError(f"a brief needs a period, not {start} to {end}")
    period = Period(facts, start, end)
    before = filed_before(period, start - (end - start))
    table = area_table(period, start, end, indicators=SHOWN)
    blocks: list[Block] = [Heading("一、总体情况"), Paragraph(_general(period, before))]
    blocks += [Heading("二、各社区进展"), _progress(period, table), _funnel(table)]
    if (end - start).days >= MONTHLY_DAYS:
        blocks.append(saturation_table(period))
    blocks.append(Heading("三、督查发现的问题"))
    blocks += problem_lines(period) or [Paragraph("本期没有需要通报的问题。")]
    blocks.append(Heading("四、反复与积压"))
    blocks += backlog_lines(period)
    blocks.append(Heading("五、做得好的"))
    blocks += good_lines(period, table)
    blocks.append(Heading("六、建议意见"))
    blocks += [Paragraph(text, typed=True) for text in suggestions if text.strip()] or [Paragraph("本期无建议意见。")]
    blocks.append(Heading("七、社区回应"))
    blocks += _replies(period.facts, replies or {})
    blocks.append(DefinitionsBlock((f"指标定义（{VERSION}）", *definition_lines(SHOWN))))
    return Brief(
        title="网格化服务管理工作督查简报",
        subject=f"{_span(start, end)}网格工作督查情况{f'（{about}）' if about else ''}",
        start=start,
        end=end,
        issue=issue,
        blocks=tuple(blocks),
    )


def _span(start: dt.date, end: dt.date) -> str:
    last = end - dt.timedelta(days=1)
    if start.day == 1 and end.day == 1 and last.month == start.month:
        return f"{start.year}年{start.month}月"
    return f"{start.year}年{start.month}月{start.day}日至{last.month}月{last.day}日"


def share_text(numerator: int, denominator: int) -> str:
    """A share with its interval: ``94.88%（95%区间92.2–96.7）``; a dash if the denominator is 0.

    >>> share_text(0, 0), share_text(8, 10)
    ('–', '80.00%（95%区间49.0–94.3）')
    """
    if denominator == 0:
        return "–"
    low, high = wilson([numerator], [denominator])
    return f"{numerator / denominator:.2%}（95%区间{low[0] * 100:.1f}–{high[0] * 100:.1f}）"


def _general(period: Period, before: Sequence[str]) -> str:
    filed = _filed(period)
    closed, in_time = (counted_cases(period, name) for name in ("CLO", "ONT"))
    self_solved, explained = (counted_cases(period, name) for name in ("SELF", "EXP"))
    still = period.still_open()
    shelved = sum(period.cases[number].state is State.SHELVED for number in still)
    change = len(filed) - len(before)
    compared = "与上期相同" if change == 0 else f"比上期{'增加' if change > 0 else '减少'}{abs(change)}件"
    return (
        f"本期受理{len(period.accepted())}件，立案{len(filed)}件（{compared}）。应结案{len(closed.denominator)}件，"
        f"期末结案{len(closed.numerator)}件，结案率{share_text(len(closed.numerator), len(closed.denominator))}；"
        f"按期结案{len(in_time.numerator)}件，按期结案率{share_text(len(in_time.numerator), len(in_time.denominator))}。"
        f"本期结案{len(explained.denominator)}件，其中网格自办{len(self_solved.numerator)}件、"
        f"解释备案{len(explained.numerator)}件（不计入解决）。"
        f"期末在办{len(still)}件，其中逾期{len(period.overdue())}件、挂账{shelved}件。"
    )


def _filed(period: Period) -> list[str]:
    return [number for number, case in period.cases.items() if period.inside(case.filed_at)]


def filed_before(period: Period, start: dt.date) -> list[str]:
    """Cases filed from a local day until the period began, as known then.

    Only cases that were filed or undone since are folded again: no other step changes the time of filing.
    """
    first, last = period.facts.midnight(start).astimezone(dt.UTC), period.start
    found = []
    for number, events in period.facts.known.items():
        case = period.cases[number]
        if any(event.action in _FILING and event.at >= last for event in events):
            earlier = [event for event in events if event.at < last]
            case = fold(earlier) if earlier else empty_case(number)
        if case.filed_at is not None and first <= case.filed_at < last:
            found.append(number)
    return found


def _progress(period: Period, table: pd.DataFrame) -> TableBlock:
    by_area: dict[str, dict[str, dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        by_area.setdefault(str(row["area"]), {})[str(row["indicator"])] = {
            str(key): value for key, value in row.items()
        }
    filed = _by_area(period, _filed(period))
    still, late = _by_area(period, period.still_open()), _by_area(period, period.overdue())
    rows = []
    for place, (area, shares) in enumerate(by_area.items(), start=1):
        closed, in_time = shares["CLO"], shares["ONT"]
        due = int(closed["denominator"])
        share = f"{in_time['value']:.2%}（{in_time['low'] * 100:.0f}–{in_time['high'] * 100:.0f}）" if due else "–"
        rows.append(
            (
                place,
                period.facts.cell_names.get(str(area), str(area)),
                filed.get(str(area), 0),
                due,
                int(closed["numerator"]),
                int(in_time["numerator"]),
                share,
                still.get(str(area), 0),
                late.get(str(area), 0),
            )
        )
    outside = [
        row[0] for row, (_, shares) in zip(rows, by_area.items(), strict=True) if shares["ONT"]["band"] == "outside_998"
    ]
    note = "按编码顺序排列，不是名次。括号内为95%区间（%）。"
    note += f"序号{'、'.join(map(str, outside))}超出99.8%界限。" if outside else "没有社区超出99.8%界限。"
    return TableBlock(
        "各社区进展",
        ("序号", "社区", "立案", "应结案", "结案", "按期", "按期结案率", "在办", "逾期"),
        (0.7, 2.0, 0.8, 0.9, 0.8, 0.8, 2.3, 0.8, 0.8),
        tuple(rows),
        note,
    )


def _by_area(period: Period, numbers: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for number in numbers:
        community = period.cases[number].community
        counts[community] = counts.get(community, 0) + 1
    return counts


def _funnel(table: pd.DataFrame) -> FunnelBlock:
    """Shares closed in time, adjusted for the expected share of the mix of cases, so that one pair of limits applies to all."""
    shares = table[table["indicator"] == "ONT"].reset_index(drop=True)
    total = int(shares["denominator"].sum())
    common = float(shares["numerator"].sum() / total) if total else 0.0
    phi = float(shares["phi"].iloc[0]) if len(shares) else 1.0
    points = tuple(
        (
            place + 1,
            int(row["denominator"]),
            min(max(common + float(row["value"]) - float(row["expected"]), 0.0), 1.0),
            str(row["band"]),
        )
        for place, row in enumerate(shares.to_dict("records"))
        if row["denominator"] > 0
    )
    most = max([n for _, n, _, _ in points] + [10])
    counts = sorted({max(1, round(most * k / 40)) for k in range(1, 43)})

    def side(z: float, sign: int) -> tuple[tuple[float, float], ...]:
        return tuple(
            (float(n), round(min(max(common + sign * z * math.sqrt(phi * common * (1 - common) / n), 0.0), 1.0), 5))
            for n in counts
        )

    return FunnelBlock(
        "按期结案率与应结案数",
        round(common, 6),
        phi,
        points,
        (side(Z_95, -1), side(Z_95, 1)),
        (side(Z_998, -1), side(Z_998, 1)),
        f"横线为街道平均；虚线95%、实线99.8%界限，已按过度离散系数φ={phi:.2f}放宽。点的位置已按事项、时限和渠道的构成校正，"
        f"数字为序号；空心点不足{LEAST_COMPARED}件，不作比较。",
    )


def _replies(facts: Facts, replies: Mapping[str, str]) -> list[Block]:
    given: list[Block] = [
        Paragraph(f"{facts.cell_names.get(code, code)}：{text}", typed=True)
        for code, text in sorted(replies.items())
        if text.strip()
    ]
    return given or [Paragraph("印发前各社区对事实没有更正或说明。")]
