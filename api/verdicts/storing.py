"""Stores verdicts of whole days, as the follower would."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
from sqlalchemy import Engine

from api.database import session
from api.database.verdicts import add_verdict, latest_verdicts
from api.json_values import plain_rows
from api.verdicts.follower import COMPARED
from api.verdicts.stay_records import stay_records


def store_verdicts(
    engine: Engine,
    street: int,
    verdicts: pd.DataFrame,
    *,
    version: int,
    rules: str,
    at: datetime,
    visits: pd.DataFrame | None = None,
) -> int:
    """Store the verdicts of the given days; verdicts already stored are unchanged.

    Parameters
    ----------
    verdicts
        Results of :func:`geo.patrols.verify` for one or more days.
    version, rules
        Number of the division's version, and name of the rule set, on which they are based.
    visits
        Result of :func:`geo.patrols.visits` for the same days; the stays are stored with the verdicts. None by default.

    Returns
    -------
    int
        Number of new or changed verdicts.
    """
    changed = 0
    for day, rows in verdicts.groupby(pd.to_datetime(verdicts["day"]).dt.date, sort=True):
        assert isinstance(day, date)
        with session(engine, write=True) as opened:
            latest = latest_verdicts(opened, street, day, rules, version)
            stays = {} if visits is None else stay_records(visits[pd.to_datetime(visits["day"]).dt.date == day], {})
            for row in plain_rows(rows):
                before = latest.get(row["code"])
                if before is not None and all(before.values.get(key) == row[key] for key in COMPARED):
                    continue
                key = {"street": street, "day": day, "code": row["code"], "rules": rules, "version_id": version}
                add_verdict(
                    opened,
                    before,
                    at=at,
                    restated=before is not None,
                    key=key,
                    row=row,
                    stays=stays.get(row["code"], ()),
                )
                changed += 1
    return changed
