"""The table of ledgers and their columns: name, source of the values, and rule."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Literal

from geo.errors import InputError
from geo.texts import Text

Period = Literal["day", "week", "month"]


class LedgerKind(StrEnum):
    """The eleven ledgers."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"
    G = "G"
    H = "H"
    I = "I"  # noqa: E741 - the letters are those of the study and of the street's own list
    J = "J"
    K = "K"

    @classmethod
    def parse(cls, text: str) -> LedgerKind:
        """Ledger of a letter.

        Raises
        ------
        InputError
            If there is no such ledger.
        """
        try:
            return cls(text.strip().upper())
        except ValueError as error:
            raise InputError(f"'{text}' is not a ledger; there are A to K") from error


@dataclass(frozen=True)
class Form:
    """Properties of a ledger: title, period, level of its cells, and who signs it."""

    title: Text
    period: Period
    level: int
    signed_by: tuple[str, ...]


FORMS = {
    LedgerKind.A: Form(Text("一级网格每日检查记录簿", "Daily inspection record"), "day", 1, ("责任人", "日期")),
    LedgerKind.B: Form(Text("一级网格每日考评记录簿", "Daily review record"), "day", 1, ("责任人", "日期")),
    LedgerKind.C: Form(Text("一级网格每周小结记录簿", "Weekly summary"), "week", 1, ("社区书记", "日期")),
    LedgerKind.D: Form(Text("一级网格每月工作计划簿", "Monthly work plan"), "month", 1, ("社区书记", "日期")),
    LedgerKind.E: Form(Text("联席会议记录簿", "Joint meeting record"), "month", 0, ("召集人", "记录人")),
    LedgerKind.F: Form(Text("二级网格每日巡查记录簿", "Daily patrol record"), "day", 2, ("格长", "日期")),
    LedgerKind.G: Form(Text("网格督查整改记录簿", "Supervision and rectification"), "month", 0, ("纪工委", "日期")),
    LedgerKind.H: Form(Text("每月考评记录簿", "Monthly assessment record"), "month", 0, ("领导小组", "日期")),
    LedgerKind.I: Form(Text("一封信发放登记", "Letters"), "day", 1, ()),
    LedgerKind.J: Form(Text("服务联系卡登记", "Service cards"), "day", 1, ()),
    LedgerKind.K: Form(Text("公示牌登记", "Public boards"), "day", 1, ()),
}


@dataclass(frozen=True)
class Column:
    """A column of a ledger.

    Attributes
    ----------
    ledger, name, title
        Ledger, column name in frames, and heading.
    source
        Table and field of the values; ``typed`` for texts written by people, ``row`` for the serial number.
    rule
        How the values are computed from the source; empty if they are unchanged.
    width, align
        For print: width relative to the others, and ``left``, ``center`` or ``right``.
    """

    ledger: LedgerKind
    name: str
    title: Text
    source: str
    rule: str
    width: float
    align: str

    @property
    def typed(self) -> bool:
        """Whether it is written by people."""
        return self.source.startswith("typed.")


@cache
def all_columns() -> tuple[Column, ...]:
    """All columns, by ledger and in order."""
    text = (files("geo.duty.ledgers") / "data" / "ledger_columns.csv").read_text(encoding="utf-8")
    return tuple(
        Column(
            LedgerKind(row["ledger"]),
            row["column"],
            Text(row["zh"], row["en"]),
            row["source"],
            row["rule"],
            float(row["width"]),
            row["align"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def columns_of(kind: LedgerKind) -> tuple[Column, ...]:
    """Columns of one ledger, in order."""
    return tuple(column for column in all_columns() if column.ledger is kind)


def typed_columns(kind: LedgerKind) -> tuple[str, ...]:
    """Names of the columns written by people.

    >>> typed_columns(LedgerKind.B), typed_columns(LedgerKind.A)
    (('remark',), ())
    """
    return tuple(column.name for column in columns_of(kind) if column.typed)


def proof() -> list[dict[str, object]]:
    """For each ledger: numbers of all, computed and typed columns, and typed fields that occur in another ledger too.

    If the last list is empty, no cell of any ledger is typed twice, because every other value is computed from its source.

    >>> all(not row["typed_twice"] for row in proof())
    True
    """
    everywhere = [(column.ledger, column.source) for column in all_columns() if column.typed]
    table: list[dict[str, object]] = []
    for kind in LedgerKind:
        columns = columns_of(kind)
        own = [column.source for column in columns if column.typed]
        shared = [source for source in own if sum(source == other for _, other in everywhere) > 1]
        table.append(
            {
                "ledger": kind.value,
                "columns": len(columns),
                "made": len(columns) - len(own),
                "typed": len(own),
                "typed_twice": shared,
            }
        )
    return table
