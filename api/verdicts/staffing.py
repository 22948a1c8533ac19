"""Leaders and deputies of second-level grids on a day, from the stored roster."""

from __future__ import annotations

from datetime import date

import pandas as pd
from sqlalchemy.orm import Session

from geo.layers import Division, Level
from geo.layers.columns import CODE, LEADER
from geo.patrols.persons import DEPUTIES


def with_roster(session: Session, street: int, division: Division, day: date) -> Division:
    """The division with the leaders and deputies of a day, including deputies of absent leaders.

    A street without a roster keeps the leaders named in its division.
    """
    from api.database.duty.rosters import has_roster, read_stored_roster

    if not has_roster(session, street):
        return division
    second = division.second
    roster = read_stored_roster(session, street, cells=dict.fromkeys(second[CODE].astype(str), 2))
    table = roster.leaders(day).reindex(second[CODE].astype(str))
    deputies = ["、".join(names) if isinstance(names, tuple) else "" for names in table["deputies"]]
    names = [name if isinstance(name, str) else None for name in table["leader"]]
    leaders = pd.Series(names, index=second.index, dtype=object)
    return division.with_layer(Level.SECOND, second.assign(**{LEADER: leaders, DEPUTIES: deputies}))
