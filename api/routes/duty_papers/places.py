"""Place and data source of the routes of ledgers, briefs and meetings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from fastapi import Query, Request

from api.access import Caller, Right, allowed
from api.access.rights import scopes
from api.database import session
from api.errors import DeniedError
from geo.duty.ledgers.columns import LedgerKind, typed_columns
from geo.errors import InputError

if TYPE_CHECKING:
    from api.commands.duty_papers import Source
    from api.snapshot import Snapshot

#: Columns of the typed texts of a brief.
BRIEF_COLUMNS = ("suggestions", "reply")
#: Converted by :func:`api.commands.duty_papers.service_in`.
Service = Annotated[str, Query(max_length=20, description="one of the five services; empty: all")]
_CODE = re.compile(r"(?:^|/)(\d{9,20})(?=/|$)")


@contextmanager
def source_of(request: Request, snapshot: Snapshot, *, write: bool = False) -> Iterator[Source]:
    """The database at the time of a request, with the division in force."""
    from api.commands.duty_papers import Source, telephones_of

    state = request.app.state
    telephones = telephones_of(state.settings.telephones)
    with session(state.engine, write=write) as opened:
        now, street = state.case_clock(), request.state.caller.street
        yield Source(opened, street, snapshot.division, now, state.settings.zone, telephones)


def require_place(caller: Caller, scope: str, right: Right = Right.SEE_LEDGERS) -> None:
    """Refuse a caller who lacks a right for a cell; the empty code is the whole street.

    Raises
    ------
    DeniedError
        If the caller may not.
    """
    if not allowed(caller, right, [scope]):
        where = f"of cell {scope[:30]}" if scope else "of the whole street; choose a community or grid"
        raise DeniedError(f"'{caller.name}' may not do this with ledgers {where}")


def places_of(
    caller: Caller, snapshot: Snapshot, levels: tuple[int, ...], right: Right = Right.SEE_LEDGERS
) -> list[tuple[str, str]]:
    """Code and name of the cells that a caller may select: the whole street, without code, if allowed; then cells in order."""
    import pandas as pd

    found = [("", "全街道")] if scopes(caller, right) is None else []
    layers = {1: snapshot.division.community, 2: snapshot.division.second}
    for level in levels:
        frame = pd.DataFrame(layers[level])[["code", "name"]].sort_values("code")
        found += [
            (str(code), f"{name} {code}" if level == 2 else str(name))
            for code, name in frame.itertuples(index=False)
            if allowed(caller, right, [str(code)])
        ]
    return found


def place_of_text(ledger: str, key: str, column: str) -> str:
    """Cell to which a typed text belongs; empty for the whole street.

    Raises
    ------
    InputError
        If no text can be typed there.

    >>> place_of_text("B", "2026-03-04/320113003001001", "remark")
    '320113003001001'
    """
    known = BRIEF_COLUMNS if ledger == "brief" else typed_columns(LedgerKind.parse(ledger))
    if column not in known:
        raise InputError(f"ledger {ledger} has no column '{column[:30]}' that people write; it is made from records")
    found = _CODE.search(key)
    return found[1] if found else ""


def require_begun(day: date, request: Request, now: datetime) -> None:
    """Refuse to record or sign something of a day that is still to come.

    Raises
    ------
    InputError
        If the day is after today in the zone of the street.
    """
    today = now.astimezone(ZoneInfo(request.app.state.settings.zone)).date()
    if day > today:
        raise InputError(f"{day} is still to come; today is {today}")
