"""Writes the documents of the duty room as PDF: ledgers, brief, letters, cards, badges, boards and yearly accounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from geo.duty.briefs.composing import Brief
from geo.duty.ledgers.columns import FORMS, LedgerKind, columns_of
from geo.duty.ledgers.wording import day_text
from geo.duty.meetings.agendas import Agenda
from maps.prints.typesetting import typeset, typeset_fitting

#: Space above and below the cells of a ledger in mm, in order of preference; the last one moves the last row to the next page.
_CELL_MM = (1.3, 1.2, 1.1, 1.0, 1.4, 1.5, -1.3)
#: Height of the funnel of a brief in mm, best first.
_FUNNEL_MM = (52.0, 48.0, 44.0, 40.0, 36.0, 56.0, 60.0)
#: Ledgers with more columns are printed in landscape format.
_UPRIGHT_COLUMNS = 8
#: Width of a character and pitch of lines of a table, and height up to which a row is not cut by the end of a page, in mm.
_EM_MM, _LINE_MM, _LOW_MM = 3.35, 4.65, 75.0
#: Width of a table on A4 upright and in landscape, and of a character of a heading (8.8 pt), in mm.
_UPRIGHT_MM, _WIDE_MM, _HEADING_EM_MM = 176.0, 263.0, 3.11


@dataclass(frozen=True)
class Heading:
    """Texts above and below the table of a ledger.

    Attributes
    ----------
    street
        Name of the street.
    place
        Name of the community or grid.
    community
        Name of the community, which is not repeated in names of its grids.
    person
        Responsible person.
    summary
        Further pairs of label and value, such as the verdict of the day.
    corrections
        Lines added after the ledger was signed.
    signed
        Time and person of the signature, and the first digits of the hash; empty if unsigned.
    """

    street: str = ""
    place: str = ""
    person: str = ""
    community: str = ""
    summary: tuple[tuple[str, str], ...] = ()
    corrections: tuple[str, ...] = ()
    signed: str = ""


def ledger_pdf(table: pd.DataFrame, heading: Heading = Heading()) -> bytes:
    """A ledger on A4, in landscape if it has many columns; table headings repeat, signatures are never alone on a page.

    Parameters
    ----------
    table
        Result of :func:`geo.duty.ledger`.

    Raises
    ------
    ImpossibleError
        If a font is missing.
    """
    kind = LedgerKind(table.attrs["kind"])
    form, columns = FORMS[kind], columns_of(kind)
    typed = "、".join(column.title.zh for column in columns if column.typed)
    notes = [
        f"本簿由流转记录自动生成；人工填写的栏目：{typed}。"
        if typed
        else "本簿由流转记录自动生成，没有人工填写的栏目。"
    ]
    if heading.signed:
        notes.append(heading.signed)
    drawn = _columns(
        [(column.title.zh, column.width, column.align, column.typed) for column in columns],
        _WIDE_MM if len(columns) > _UPRIGHT_COLUMNS else _UPRIGHT_MM,
    )
    rows = _short_names(table, heading).to_numpy(dtype=object).tolist()
    values = {
        "title": form.title.zh,
        "date": table.attrs["start"],
        "wide": len(columns) > _UPRIGHT_COLUMNS,
        "meta": [list(pair) for pair in _meta(table, kind, heading)],
        "columns": drawn,
        "rows": rows,
        "whole": [_is_low(row, drawn) for row in rows],
        "nothing": "本期无记录",
        "notes": notes,
        "corrections": list(heading.corrections),
        "signatures": list(form.signed_by),
        "foot": " · ".join(part for part in (heading.street, f"台账{kind.value}") if part),
    }
    return typeset_fitting("ledger", values, _CELL_MM)


def _columns(columns: Sequence[tuple[str, float, str, bool]], total: float) -> list[dict[str, Any]]:
    """Columns of a table: heading, width, alignment, and whether people write in it; no heading is broken into two lines."""
    least = [_heading_mm(title) for title, *_ in columns]
    narrow: set[int] = set()
    while True:
        free = total - sum(least[k] for k in narrow)
        unit = free / sum(width for k, (_, width, *_) in enumerate(columns) if k not in narrow)
        more = {k for k, (_, width, *_) in enumerate(columns) if k not in narrow and width * unit < least[k]}
        if not more or len(narrow | more) == len(columns):
            break
        narrow |= more
    return [
        {"title": title, "width": round(least[k] if k in narrow else width * unit, 2), "align": align, "typed": typed}
        for k, (title, width, align, typed) in enumerate(columns)
    ]


def _is_low(row: Sequence[Any], columns: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a row is not higher than half a page, by its texts and the widths of the columns; it is not cut then."""
    lines = (
        sum(1 + int(len(part) * _EM_MM / (column["width"] - 2.8)) for part in str(value).split("\n"))
        for value, column in zip(row, columns, strict=True)
    )
    return max(lines, default=0) * _LINE_MM <= _LOW_MM


def _heading_mm(title: str) -> float:
    """Width of a column that holds its heading in one line; a Latin letter takes about half an em."""
    ems = sum(1.0 if ord(mark) > 0x2E80 else 0.56 for mark in title)
    return ems * _HEADING_EM_MM + 3.2


#: Columns whose texts begin with the name of a grid or an address.
_NAMING = ("grid", "place", "item")
#: Columns with lists of cases, and the number of cases that is printed.
_LISTING, _MOST_LISTED = ("linked", "cases"), 12


def _short_names(table: pd.DataFrame, heading: Heading) -> pd.DataFrame:
    """The rows with short names of grids: their community stands beside or above; addresses without the street.

    Of a long list of cases, the first are printed with the number of all.
    """
    result = table.copy()
    for name in (column for column in _LISTING if column in table):
        result[name] = [_first_of(text) for text in table[name]]
    beside = table["community"] if "community" in table else [heading.community] * len(table)
    for name in (column for column in _NAMING if column in table):
        result[name] = [
            _short(text, str(other), heading.street) for text, other in zip(table[name], beside, strict=True)
        ]
    return result


def _first_of(text: Any) -> Any:
    numbers = text.split("、") if isinstance(text, str) else []
    return text if len(numbers) <= _MOST_LISTED + 1 else f"{'、'.join(numbers[:_MOST_LISTED])}等{len(numbers)}件"


def _short(text: Any, community: str, street: str) -> Any:
    if not isinstance(text, str):
        return text
    if street and street in text[:16]:
        text = text.split(street, 1)[1].strip() or text
    return (text.removeprefix(community).strip() or text) if community else text


def _meta(table: pd.DataFrame, kind: LedgerKind, heading: Heading) -> list[tuple[str, str]]:
    start, end = (dt.date.fromisoformat(table.attrs[name]) for name in ("start", "end"))
    period = FORMS[kind].period
    if period == "day":
        when = ("日期", day_text(start))
    elif period == "week":
        last = end - dt.timedelta(days=1)
        when = ("起止", f"{start.year}年{start.month}月{start.day}日至{last.month}月{last.day}日")
    else:
        when = ("月份", f"{start.year}年{start.month}月")
    place = ("网格" if FORMS[kind].level == 2 else "社区", heading.place) if heading.place else ("街道", heading.street)
    person = [("责任人", heading.person)] if heading.person else []
    return [place, when, *person, *heading.summary]


#: Columns of a printed agenda: heading, width relative to the others, alignment. The last one is filled in at the meeting.
_AGENDA = (
    ("序号", 0.5, "center"),
    ("事项", 4.6, "left"),
    ("缘由", 3.6, "left"),
    ("议题", 2.6, "left"),
    ("拟请", 1.1, "left"),
    ("议定（责任人、时限）", 2.6, "left"),
)


def agenda_pdf(made: Agenda, heading: Heading = Heading()) -> bytes:
    """The agenda of a meeting on A4 landscape, one row per line, with space for decisions.

    Raises
    ------
    ImpossibleError
        If a font is missing.
    """
    rows = [
        [number, line.about, line.why.zh, line.question.zh, line.owner, " "]
        for number, line in enumerate(made.lines, start=1)
    ]
    drawn = _columns([(title, width, align, False) for title, width, align in _AGENDA], _WIDE_MM)
    values = {
        "title": "网格例会议程",
        "date": made.day.isoformat(),
        "wide": True,
        "meta": [
            ["社区", heading.place] if heading.place else ["街道", heading.street],
            ["日期", day_text(made.day)],
            ["下次例会", day_text(made.next_day)],
        ],
        "columns": drawn,
        "rows": rows,
        "whole": [_is_low(row, drawn) for row in rows],
        "nothing": "本次无需开会",
        "notes": [made.note.zh] if made.lines and made.note.zh else [],
        "corrections": [],
        "signatures": ["召集人", "记录人"],
        "foot": " · ".join(part for part in (heading.street, "例会议程") if part),
    }
    # Twelve lines fit on one page, if need be with less space.
    return typeset_fitting("ledger", values, (*_CELL_MM[:4], 0.9, 0.8), one_page=True) or typeset_fitting(
        "ledger", values, _CELL_MM
    )


def brief_pdf(made: Brief) -> bytes:
    """The brief as a bulletin after GB/T 9704: red name, issue, issuer and date, body, imprint on the last page with the text."""
    return typeset_fitting("brief", made.values(), _FUNNEL_MM)


def letters_pdf(letters: Sequence[Mapping[str, Any]], day: dt.date) -> bytes:
    """Letters, one page each: `title`, `salutation`, `paragraphs`, `contacts` (pairs), `signature` (lines)."""
    return typeset("letter", {"title": "一封信", "date": day.isoformat(), "letters": list(letters)})


def cards_pdf(cards: Sequence[Mapping[str, Any]], day: dt.date) -> bytes:
    """Service cards of 90 by 54 mm, ten on a sheet: `street, community, grid, code, leader, phone, post, numbers` (pairs)."""
    return typeset("cards", {"title": "服务联系卡", "date": day.isoformat(), "cards": list(cards)})


def badges_pdf(badges: Sequence[Mapping[str, Any]], day: dt.date) -> bytes:
    """Work badges, eight on a sheet: `street, name, rows` (pairs)."""
    return typeset("badges", {"title": "网格化工作牌", "date": day.isoformat(), "badges": list(badges)})


def boards_pdf(boards: Sequence[Mapping[str, Any]], day: dt.date) -> bytes:
    """Public boards on A3: `title, subtitle, map, persons` (triples), `duties, matters, numbers` (pairs), `foot`."""
    return typeset("board", {"title": "网格公示牌", "date": day.isoformat(), "boards": list(boards)})


def accounts_pdf(accounts: Sequence[Mapping[str, Any]], day: dt.date) -> bytes:
    """Sheets for the yearly account: `head` (pairs), `facts` (triples), `statement`, `foot`."""
    return typeset("account", {"title": "网格责任人述职表", "date": day.isoformat(), "accounts": list(accounts)})
