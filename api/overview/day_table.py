"""The verdicts of a day as a table to download: one row for each second-level grid visible to the reader."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy.orm import Session

from api.database.people import office_phone
from api.database.verdicts import last_verdict_day, verdict_values
from api.overview.day_figures import DAYS, failing_in_a_row
from api.overview.days import judged_days
from api.overview.week_cases import View, week_figures
from geo.patrols import VERDICTS

#: Headings in Chinese and English, in order.
HEADINGS = {
    "code": ("网格编码", "Grid code"),
    "name": ("名称", "Name"),
    "community": ("所属社区", "Community"),
    "verdict": ("结论", "Verdict"),
    "visits": ("计入巡查", "Visits counted"),
    "required": ("规定次数", "Required"),
    "in_a_row": ("连续未达标天数", "Days failing in a row"),
    "incidents": ("近七日案件", "Incidents of seven days"),
    "reason": ("判定依据", "Why"),
    "leader": ("格长", "Leader"),
    "phone": ("办公电话", "Office telephone"),
}


def day_table(
    session: Session, view: View, *, communities: dict[str, str], now: datetime, day: date | None, language: str = "zh"
) -> tuple[date, pd.DataFrame] | None:
    """The day and its table; None if no verdict visible to the reader is stored.

    Parameters
    ----------
    day
        By default the latest one with verdicts.
    language
        ``zh`` or ``en``, of headings and texts.
    """
    zone = ZoneInfo(view.zone)
    wanted = day or last_verdict_day(session, view.street, until=now.astimezone(zone).date())
    days = {} if wanted is None else judged_days(session, view.street, wanted, days=DAYS, may_see=view.may_see)
    if wanted is None or wanted not in days:
        return None
    judged = days[wanted]
    week = week_figures(session, view, wanted, zone) if view.incidents else None
    values = verdict_values(session, [verdict.id for verdict in judged.verdicts.values()])
    english = language == "en"
    rows = []
    for code, grid in judged.grids.items():
        verdict = judged.verdicts.get(code)
        known = values[verdict.id] if verdict is not None else {}
        person = office_phone(session, view.street, grid.leader) if view.persons and grid.leader else None
        rows.append(
            {
                "code": code,
                "name": grid.name,
                "community": communities.get(grid.community, grid.community),
                "verdict": VERDICTS[judged.state(code)][english],
                "visits": verdict.visits if verdict else 0,
                "required": verdict.required if verdict else None,
                "in_a_row": failing_in_a_row(days, wanted, code),
                "incidents": week["by_grid"].get(code, 0) if week else None,
                "reason": known.get(f"reason_{language}"),
                "leader": (person[0] if person else grid.leader) if view.persons else None,
                "phone": person[1] if person else None,
            }
        )
    table = pd.DataFrame(rows, columns=list(HEADINGS)).astype(dict.fromkeys(("required", "incidents"), "Int64"))
    # Columns without values visible to the reader are omitted.
    table = table.drop(columns=[name for name in ("leader", "phone", "incidents") if table[name].isna().all()])
    return wanted, table.rename(columns={name: pair[english] for name, pair in HEADINGS.items()})


def table_file(table: pd.DataFrame, ending: str, title: str) -> bytes:
    """A table as a workbook (``xlsx``) or as CSV (``csv``)."""
    from api.commands.incidents.tables import write_tables
    from api.files.workbook import write_workbook

    with TemporaryDirectory() as folder:
        if ending == "xlsx":
            return write_workbook({title: table}, Path(folder, "table.xlsx")).read_bytes()
        return write_tables({"table": table}, Path(folder))[0].read_bytes()
