"""Saturation (工作饱和度): workload and cases per staff member by community; a figure of places, never of persons."""

from __future__ import annotations

from collections import Counter

from geo.duty.briefs.blocks import TableBlock
from geo.duty.briefs.indicators import Period
from geo.duty.events import Duty

#: Duties that count as staff of a grid.
STAFF = (Duty.LEADER, Duty.DEPUTY, Duty.HELPER)


def saturation_table(period: Period) -> TableBlock:
    """Workload and cases per staff member of each community, compared with the mean of the street.

    The workload is that of the division's cells. It shows where staff is short, and supports assigning staff by workload instead
    of one per grid.
    """
    facts, day = period.facts, period.days[0]
    workload = dict(zip(facts.cells["code"].astype(str), facts.cells["workload"], strict=True))
    opened = Counter(case.community for case in period.cases.values() if period.inside(case.opened_at))
    rows = []
    for area in facts.cells_of(1):
        seconds = facts.cells_of(2, area)
        staff = {one.person for code in seconds for duty in STAFF for one in facts.holders(code, day, duty)}
        came = opened[area]
        amount = float(workload.get(area) or 0.0)
        rows.append((facts.cell_names[area], len(seconds), len(staff), amount if amount == amount else 0.0, came))
    people, amounts, cases = sum(row[2] for row in rows), sum(row[3] for row in rows), sum(row[4] for row in rows)

    def ratio(value: float, of: int, mean: float) -> str:
        return f"{value / of / mean:.2f}" if of and mean else "–"

    mean_amount, mean_cases = (total / people if people else 0.0 for total in (amounts, cases))
    return TableBlock(
        "工作饱和度",
        ("社区", "网格", "人员", "工作量", "件数", "人均工作量与街道之比", "人均件数与街道之比"),
        (2.0, 0.7, 0.7, 1.0, 0.8, 1.9, 1.8),
        tuple(
            (
                name,
                grids,
                staff,
                f"{amount:,.0f}",
                came,
                ratio(amount, staff, mean_amount),
                ratio(came, staff, mean_cases),
            )
            for name, grids, staff, amount, came in rows
        ),
        "1.00为街道平均。用于按实际工作量配备人员，不用于评价个人。",
    )
