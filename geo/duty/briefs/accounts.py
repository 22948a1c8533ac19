"""Facts for the yearly account of the person responsible for a grid (述职): counts from the records, without scores and ranks."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from geo.duty.briefs.composing import share_text
from geo.duty.briefs.indicators import VERSION, Period, counted_cases
from geo.duty.events import Duty, Outcome
from geo.duty.facts import Facts, Holder
from geo.duty.ledgers.wording import VERDICTS

_STRUCK_OFF = "已销号"


class Account(NamedTuple):
    """Content of the sheet of one grid.

    Attributes
    ----------
    person
        The person responsible for the grid on the last day.
    grid
        Code of the second-level grid.
    start, end
        First day, and the day after the last: the year so far, but not before the person took over the grid.
    facts
        Name of each count, the number, and its composition.
    definitions
        Version of the indicators.
    """

    person: Holder
    grid: str
    start: dt.date
    end: dt.date
    facts: tuple[tuple[str, int, str], ...]
    definitions: str = VERSION


def account_of(facts: Facts, grid: str, day: dt.date) -> Account | None:
    """Compose the account of a second-level grid for the year up to a day; None if nobody is responsible for it on that day.

    Parameters
    ----------
    facts
        From the beginning of the year on.
    grid
        Code of the grid.
    day
        The last day.
    """
    person = facts.answers(grid, day)
    if person is None:
        return None
    held = [one.valid_from for one in facts.roster.holders(grid, day, Duty.LEADER) if one.person == person.person]
    start, end = max([day.replace(month=1, day=1), *held]), day + dt.timedelta(days=1)
    period = Period(facts, start, end)
    return Account(
        person, grid, start, end, (*_patrols(facts, grid, start, end), *_cases(period, grid), *_items(facts, grid))
    )


def _patrols(facts: Facts, grid: str, start: dt.date, end: dt.date) -> list[tuple[str, int, str]]:
    rows = facts.verdicts[facts.verdicts["code"].astype(str) == grid]
    days = rows[(rows["day"] >= start) & (rows["day"] < end)]["verdict"].value_counts()
    parts = [f"{text.zh}{int(days.get(name, 0))}天" for name, text in VERDICTS.items()]
    return [("有核验结论的巡查日", int(days.sum()), "，".join(parts))]


def _cases(period: Period, grid: str) -> list[tuple[str, int, str]]:
    own = {number for number, case in period.cases.items() if case.second == grid}

    def of_grid(numbers: list[str]) -> list[str]:
        return [number for number in numbers if number in own]

    def share(indicator: str) -> tuple[int, int]:
        counted = counted_cases(period, indicator)
        return len(of_grid(counted.numerator)), len(of_grid(counted.denominator))

    accepted, closed = of_grid(period.accepted()), of_grid(period.closed())
    outcomes = [period.cases[number].outcome for number in closed]
    patrol = sum(period.cases[number].channel == "patrol" for number in accepted)
    in_time, due = share("ONT")
    redone, verified = share("REDO")
    solved, reached = share("VISS")
    open_ones, late = of_grid(period.still_open()), of_grid(period.overdue())
    return [
        ("受理办件", len(accepted), f"其中巡查发现{patrol}件"),
        (
            "结案",
            len(closed),
            f"网格自办{outcomes.count(Outcome.SOLVED_IN_GRID)}件，实质性办结{outcomes.count(Outcome.SOLVED)}件，"
            f"解释备案{outcomes.count(Outcome.EXPLAINED)}件（不计入解决）",
        ),
        ("应结案", due, f"按期结案{in_time}件，{share_text(in_time, due)}"),
        ("核查或回访", verified, f"须返工{redone}件"),
        ("回访到反映人", reached, f"反映人说已解决{solved}件"),
        ("期末在办", len(open_ones), f"其中逾期{len(late)}件"),
    ]


def _items(facts: Facts, grid: str) -> list[tuple[str, int, str]]:
    rows = facts.rectifications[facts.rectifications["second"].astype(str) == grid]
    done = int((rows["state"] == _STRUCK_OFF).sum())
    return [("督查整改事项", len(rows), f"已销号{done}项")]
