"""Creates a roster of fictitious persons for a division."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from geo.duty import Assignment, Duty, Person, Roster, levels_of
from geo.layers import Division

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚堃喆建华志国"
_MIXING = 4001
#: Who helps in each community, with the letter of the code: the team that a first-level grid has beside its responsible person.
_TEAM = (
    ("H", Duty.HELPER, "协管员"),
    ("N", Duty.POLICE, "社区民警"),
    ("K", Duty.CLEANER, "保洁员"),
    ("M", Duty.PARTY_MEMBER, "党员骨干"),
    ("T", Duty.BUILDING_HEAD, "楼栋长"),
    ("V", Duty.VOLUNTEER, "志愿者"),
    ("R", Duty.RESIDENT_REP, "居民代表"),
    ("X", Duty.INFORMATION_OFFICER, "信息员"),
)


def model_roster(division: Division, *, since: dt.date) -> Roster:
    """Roster of a division: every cell has its answerable person from `since` on, every second-level grid a deputy.

    Every community also has its leader and one person of each helping duty.

    Leaders are those that the division names (``leader``, ``staff_kind``), with a made-up name; the leader of the next grid of
    the community is the deputy.
    """
    persons: dict[str, Person] = {}
    assignments: list[Assignment] = []

    def assign(cell: str, code: str, duty: Duty, kind: str, post: str) -> None:
        persons.setdefault(code, Person(code, _name(len(persons)), kind, post, office_phone="025-0000-0000"))
        assignments.append(Assignment(cell, code, duty, since))

    for code, name in zip(division.community["code"], division.community["name"], strict=True):
        # Not S: the community workers who lead grids are S001 to S144.
        assign(code, f"C{code[-3:]}", Duty.RESPONSIBLE, "official", f"{name}党组织书记")
        assign(code, f"L{code[-3:]}", Duty.LEADER, "official", "街道班子成员")
        for letter, duty, post in _TEAM:
            assign(code, f"{letter}{code[-3:]}", duty, "", post)
    second = division.second
    kinds = second["staff_kind"] if "staff_kind" in second else pd.Series(["official"] * len(second), second.index)
    for _, rows in second.groupby("parent", sort=True):
        codes = [_leader(rows.loc[at]) for at in rows.index]
        for k, at in enumerate(rows.index):
            assign(rows.at[at, "code"], codes[k], Duty.LEADER, str(kinds.at[at]), "格长")
            if len(codes) > 1:
                assign(rows.at[at, "code"], codes[(k + 1) % len(codes)], Duty.DEPUTY, str(kinds.at[at]), "格长")
    for code in division.third["code"]:
        assign(code, f"B{code[-9:]}", Duty.RESPONSIBLE, "", "单位负责人")
    return Roster(assignments, persons=persons.values(), cells=levels_of(division))


def _leader(cell: pd.Series) -> str:
    leader = cell.get("leader")
    return str(leader) if isinstance(leader, str) and leader else f"G{cell['code'][-6:]}"


def _name(number: int) -> str:
    """A made-up name; all differ for the first thirteen thousand persons, and rare characters come early."""
    # The factor has no divisor in common with the number of names, so each name comes once.
    mixed = number * _MIXING % (len(_SURNAMES) * len(_GIVEN) ** 2)
    first, rest = mixed % len(_SURNAMES), mixed // len(_SURNAMES)
    return _SURNAMES[first] + _GIVEN[rest // len(_GIVEN)] + _GIVEN[rest % len(_GIVEN)]
